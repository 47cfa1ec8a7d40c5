"""The memory layout of a training: what decides it, and that a training goes on in the one that it began in."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from benchmark.training import TrainingData, TrainingIdentity, train, trainer
from benchmark.training.checkpoint import read_checkpoint
from benchmark.training.layout import FIRST, LAST, arrange, arranged, layout
from tests.helpers.files_dataset import FilesDataset
from tests.helpers.two_stages import RECIPE, SETTINGS, SIZES, OneStage, dataset, sha

CPU, GPU = torch.device("cpu"), torch.device("cuda")


def test_what_decides():
    assert layout("auto", CPU, None) == LAST and layout("auto", GPU, None) == FIRST
    assert layout("on", GPU, {"layout": FIRST}) == LAST and layout("off", CPU, {"layout": LAST}) == FIRST
    assert layout("auto", GPU, {"layout": LAST}) == LAST
    assert layout("auto", CPU, {"threads": "1"}) == FIRST  # a checkpoint from before there was another


def test_values_stay():
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Conv3d(1, 2, 3))
    before = {key: value.clone() for key, value in net.state_dict().items()}
    arrange(net, LAST)
    assert net[0].weight.is_contiguous(memory_format=torch.channels_last) and not net[0].weight.is_contiguous()
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())
    batch = {"clean": torch.rand(2, 3, 8, 8), "sigma": torch.rand(2)}
    assert arranged(batch, FIRST) is batch
    turned = arranged(batch, LAST)
    assert turned["clean"].is_contiguous(memory_format=torch.channels_last)
    assert all(torch.equal(turned[key], value) for key, value in batch.items())


class StoppedError(Exception):
    """Stands for a stop in the middle."""


def test_a_training_goes_on_in_the_layout_that_it_began_in(tmp_path, monkeypatch):
    dataset(tmp_path / "images")
    data, settings = TrainingData(FilesDataset(tmp_path / "images", SIZES)), replace(SETTINGS, checkpoint_steps=2)

    def stop(what, done, total):
        if what.startswith("training") and done == 6:
            raise StoppedError

    with monkeypatch.context() as earlier:  # as a version that knew one layout only
        earlier.setattr(trainer, "layout", lambda *_: FIRST)
        whole = train(OneStage(RECIPE), data, settings, tmp_path / "whole")
        with pytest.raises(StoppedError):
            train(OneStage(RECIPE), data, settings, tmp_path / "stopped", stop)
    gone_on = train(OneStage(RECIPE), data, settings, tmp_path / "stopped")
    assert sha(gone_on["restorer"]) == sha(whole["restorer"])
    identity = TrainingIdentity.of(OneStage(RECIPE), data, settings, tmp_path / "stopped")
    assert read_checkpoint(identity.last, identity.values).made_on["layout"] == FIRST
    asked = replace(settings, channels_last="on")
    assert TrainingIdentity.of(OneStage(RECIPE), data, asked, tmp_path / "stopped").folder != identity.folder
