"""A remark on test images that the weights were trained on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import datasets
from benchmark.overlap import seen_before
from datasets.ops.images import write_png
from methods.weights import Card


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two training pictures, scenes 0 and 1; three test pictures: the first of those, another of scene 1, a new one."""
    draw = np.random.default_rng(3)
    pictures = [draw.integers(0, 255, (16, 16, 3), np.uint8) for _ in range(4)]
    splits = {"train": {"0_a": 0, "1_a": 1}, "test": {"0_b": 0, "1_b": 2, "9_b": 3}}
    for split, files in splits.items():
        for name, number in files.items():
            write_png(tmp_path / split / "degraded" / f"{name}.png", pictures[number])
        datasets.prepare(f"folder[split={split},scene=_]", tmp_path / split, tmp_path / "data")
    return tmp_path / "data"


@pytest.mark.parametrize(
    ("trained", "words"),
    [
        ("folder", "1 of these 3 images were trained on (folder train)"),
        ("folder[scene=_,degraded=a+b]-train", "1 of these 3 images were trained on (folder train)"),
        ("sidd+folder-test", "3 of these 3 images were trained on (folder test)"),
        ("polyu", ""),
        ("folders", ""),
        ("", ""),
    ],
)
def test_images_that_were_trained_on(data: Path, trained: str, words: str) -> None:
    card = Card("net", "budget", train_data=trained)
    assert seen_before(card, datasets.open_dataset("folder", data), data) == words


def test_scenes_that_were_trained_on(data: Path) -> None:
    opened = datasets.open_dataset("folder", data)
    opened.rows = opened.rows[1:]
    words = "1 of these 2 images show scenes of the training (folder train)"
    assert seen_before(Card("net", "budget", train_data="folder"), opened, data) == words


def test_a_split_that_is_not_prepared(data: Path, tmp_path: Path) -> None:
    card = Card("net", "budget", train_data="folder")
    assert seen_before(card, datasets.open_dataset("folder", data), tmp_path / "elsewhere") == ""
