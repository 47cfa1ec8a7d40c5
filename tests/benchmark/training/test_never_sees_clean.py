"""A training from degraded images alone never opens a clean file: without them its weights are the same bits."""

from __future__ import annotations

import pytest

import datasets
import methods
from benchmark.training import TrainingData, TrainSettings, train
from datasets import bsds500, phone
from methods.loading import build
from methods.recipes import recipe
from tests.datasets.test_bsds500 import FEW, pictures

CLEAN = ("clean", "raw_clean")


def _weights(data, out, name="demo"):
    cls = methods.get("r2r")
    method = build(cls, recipe(cls, "tiny", {"train.draws": 1}))
    dataset = datasets.open_dataset(name, data, split="train")
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


def test_each_picture_of_phone_is_recorrupted_by_its_own_law_without_a_clean_file(tmp_path, monkeypatch):
    monkeypatch.setattr(bsds500, "COUNTS", FEW)
    monkeypatch.setattr(phone, "VALIDATION", 1)
    datasets.prepare("phone", pictures(tmp_path / "source"), tmp_path / "data")
    rows = datasets.open_dataset("phone", tmp_path / "data", split="train").rows
    assert len({tuple(row.meta["beta"]) for row in rows}) == len(rows) == 9
    seen = _weights(tmp_path / "data", tmp_path / "with", "phone")
    gone = [path.unlink() for path in (tmp_path / "data" / "phone").glob("**/clean/*")]
    assert len(gone) == 13, "the clean pictures of phone were to be deleted"
    assert _weights(tmp_path / "data", tmp_path / "without", "phone") == seen
