"""A remark on test images that the weights were trained on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import datasets
from benchmark.runs.contamination import seen_before
from datasets.base import Row
from datasets.core.earlier_refs import refs_of
from datasets.ops.images import write_png
from datasets.shared_pictures import shared
from datasets.sources import hashes
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
    card = Card("net", "budget", train_data=refs_of(trained))
    assert seen_before(card, datasets.open_dataset("folder", data), data) == words


def test_scenes_that_were_trained_on(data: Path) -> None:
    opened = datasets.open_dataset("folder", data)
    opened.rows = opened.rows[1:]
    words = "1 of these 2 images show scenes of the training (folder train)"
    assert seen_before(Card("net", "budget", train_data=refs_of("folder")), opened, data) == words


def test_a_split_that_is_not_prepared(data: Path, tmp_path: Path) -> None:
    card = Card("net", "budget", train_data=refs_of("folder"))
    assert seen_before(card, datasets.open_dataset("folder", data), tmp_path / "elsewhere") == ""


@pytest.mark.parametrize(
    ("trained", "count"), [("phone-train", 2), ("bsd400[sigma=50]-train", 2), ("bsds500", 1), ("polyu", 0), ("", 0)]
)
def test_photographs_that_were_trained_on_under_another_name(trained: str, count: int) -> None:
    """The starfish of Set12 is a photograph of BSDS500's train; the other rows are of test, of val, and none of it."""
    numbers = [next(path for path in hashes("bsds500") if path.startswith(part)) for part in ("test", "val")]
    scenes = [Path(path).stem for path in numbers]
    rows = {"set12": ["04", "05"], "bsds500": scenes}
    seen = {
        name: len(shared(refs_of(trained), name, [_row(scene) for scene in scenes])) for name, scenes in rows.items()
    }
    assert seen == {"set12": min(count, 1), "bsds500": max(count - 1, 0)}


def test_the_remark_on_photographs(data: Path) -> None:
    opened = datasets.open_dataset("folder", data)
    opened.facts = replace(opened.facts, name="set12")  # type: ignore[misc]
    opened.rows = [_row("04"), _row("05"), _row("06")]
    words = "1 of these 3 images show photographs of the training"
    assert seen_before(Card("net", "cpu", train_data=refs_of("phone-train")), opened, data) == words


def _row(name: str) -> Row:
    return Row(name, "test", name, "", None, {}, {}, {})
