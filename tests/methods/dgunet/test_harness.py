"""DGUNet in the harness's own training loop: mix-up, logs, both checkpoints, and what is not finite."""

import csv
import json

import numpy as np
import pytest
import torch

import datasets
from benchmark.training import TrainingData, TrainSettings, train
from datasets.core.errors import UserError
from datasets.ops.images import write_png
from datasets.pool import Pool, open_store
from methods.dgunet.adapter import DGUNet
from methods.loading import build
from methods.recipes import recipe


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Eight noisy pairs of 32x32 as a prepared `folder`, three of them for validation."""
    root = tmp_path_factory.mktemp("dgunet")
    rng = np.random.default_rng(0)
    for split, count in (("train", 5), ("test", 3)):
        for number in range(count):
            clean = np.kron(rng.integers(60, 200, (4, 4, 3)), np.ones((8, 8, 1)))
            noisy = np.clip(clean + rng.normal(0, 20, clean.shape), 0, 255)
            for kind, image in (("degraded", noisy), ("clean", clean)):
                write_png(root / split / kind / f"{number}.png", image.astype(np.uint8))
        datasets.prepare(f"folder[split={split}]", root / split, root / "data")
    return root


def trained(world, out, settings=None, validated=True, **budget):
    method = build(DGUNet, recipe(DGUNet, "tiny", {"train.crop": 24, "train.batch": 2, **(settings or {})}))
    parts = {split: datasets.open_dataset("folder", world / "data", split=split) for split in ("train", "test")}
    data = TrainingData(parts["train"], parts["test"] if validated else None)
    return train(method, data, TrainSettings(tensorboard=False, device="cpu", **budget), out)


def test_the_log_holds_every_term_and_the_card_names_what_chose(world, tmp_path):
    paths = trained(world, tmp_path, {"train.edge": 0.05, "train.evaluate_every": 4}, steps=8)
    (log,) = tmp_path.glob("training/*/log.csv")
    rows = list(csv.DictReader(log.open()))
    assert len(rows) == 8 and all(float(row[term]) > 0 for row in rows for term in ("loss", "charbonnier", "edge"))
    card = json.loads(paths["restorer"].with_suffix(".json").read_text())
    assert (card["selected_by"], card["steps"]) == ("folder test", 8)
    scores = [float(row["psnr"]) for row in rows if row["psnr"]]
    assert len(scores) == 2
    state = torch.load(log.parent / "last.pt", weights_only=True)["artefacts"]
    assert {"train/restorer", "train/last"} == state.keys()
    moved = not torch.equal(state["train/restorer"]["tail.weight"], state["train/last"]["tail.weight"])
    assert moved == (scores[0] > scores[1])


def test_sensing_is_trained_in_both_steps(world, tmp_path):
    settings = {"network.width": 4, "network.step": 2, "network.tail": 2, "train.deblock_crop": 32, "train.batch": 2}
    method = build(DGUNet, recipe(DGUNet, "cs-tiny", settings))
    data = TrainingData(*(datasets.open_dataset("folder", world / "data", split=s) for s in ("train", "test")))
    with pytest.raises(UserError, match="grey images; these have 3"):
        train(method, data, TrainSettings(steps=4, tensorboard=False, device="cpu"), tmp_path / "validated")
    paths = train(method, TrainingData(data.dataset), TrainSettings(steps=4, tensorboard=False, device="cpu"), tmp_path)
    (log,) = tmp_path.glob("training/*/log.csv")
    assert [row["stage"] for row in csv.DictReader(log.open())] == ["blocks"] * 2 + ["deblock"] * 2
    assert json.loads(paths["restorer"].with_suffix(".json").read_text())["selected_by"] == ""


def test_a_loss_that_is_not_finite_ends_the_training(world, tmp_path):
    settings = {"train.rate": 1e30, "train.rate_min": 0.0, "train.warmup": 40}
    with pytest.raises(UserError, match=r"not finite at step \d+ of 60.*The last good checkpoint is .*last\.pt"):
        trained(world, tmp_path, settings, validated=False, steps=60, checkpoint_steps=1)
    (kept,) = tmp_path.glob("training/*/last.pt")
    state = torch.load(kept, weights_only=True)
    weights = state["state"]["networks"]["restorer"]
    assert state["step"] >= 1 and all(bool(torch.isfinite(value).all()) for value in weights.values())


def test_mixing_begins_with_the_sixth_epoch(world, tmp_path):
    stream = next(iter(DGUNet(recipe(DGUNet, "tiny", {"train.crop": 24})).stages()))({}).streams["train"]
    opened = datasets.open_dataset("folder", world / "data", split="train")
    pool = Pool(stream, open_store(stream, opened, range(5), tmp_path, seed=0), (0, "train", "train"))
    weights = [pool.order.picks(epoch * pool.steps_per_epoch).weight for epoch in range(8)]
    assert [weight is not None for weight in weights] == [False] * 5 + [True] * 3
    batch = pool.batch(6 * pool.steps_per_epoch)
    picks = pool.order.picks(6 * pool.steps_per_epoch)
    own = pool._cut(picks, np.arange(len(picks.entry)))
    for member in ("degraded", "clean"):
        w = torch.from_numpy(picks.weight).view(-1, 1, 1, 1)
        mixed = w * own[member] + (1 - w) * own[member][torch.from_numpy(picks.partner)]
        assert torch.allclose(batch[member], mixed, atol=1e-6)
