"""A training from degraded images alone never opens a clean file: without them its weights are the same bits."""

from __future__ import annotations

import pytest

import datasets
import methods
from benchmark.training import TrainingData, TrainSettings, train
from methods.loading import build
from methods.recipes import recipe

CLEAN = ("clean", "raw_clean")


def _weights(data, out):
    cls = methods.get("r2r")
    method = build(cls, recipe(cls, "tiny", {"train.draws": 1}))
    dataset = datasets.open_dataset("demo", data, split="train")
    settings = TrainSettings(steps=5, device="cpu", tensorboard=False)
    return train(method, TrainingData(dataset), settings, out)["restorer"].read_bytes()


def test_r2r_trained_after_deleting_every_clean_file_has_the_same_bits(tmp_path):
    data = tmp_path / "data"
    datasets.prepare("demo", None, data)
    seen = _weights(data, tmp_path / "with")
    root = data / "demo"
    gone = [path for role in CLEAN for path in root.glob(f"**/{role}/*") if path.is_file()]
    for path in gone:
        path.unlink()
    assert len(gone) >= 2 * 62, "the demo's clean pictures and mosaics were to be deleted"
    with pytest.raises(ValueError, match="demo"):
        datasets.open_dataset("demo", data, split="train")[0]
    assert _weights(data, tmp_path / "without") == seen
