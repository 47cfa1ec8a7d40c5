"""`degrade`: samples of degraded pictures, where they go, and what is said where they cannot be made."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import methods
from benchmark.inference.degrade import degrade_pictures, places
from benchmark.inference.photos import pictures
from datasets.core.errors import UserError
from datasets.ops.images import read_image, write_png
from methods.registry import METHODS
from methods.weights import Card, save_weights
from tests.helpers.command_line import Plain, Studio


class Grainy(Plain):
    """Adds noise whose strength is its generator's only weight; its samples are half as large."""

    name = "grainy"

    def __init__(self, recipe: Any) -> None:
        super().__init__(recipe)
        self.strength = torch.nn.Conv2d(1, 1, 1, bias=False)

    def roles(self) -> dict[str, torch.nn.Module]:
        return {"restorer": torch.nn.Identity(), "generator": self.strength}

    def degrade(self, x: torch.Tensor, info: Any, draw: int = 0) -> torch.Tensor:
        small = x[..., ::2, ::2]
        maps = torch.stack([one.draw(["grain", draw], small.shape[1:]) for one in info])
        return small + float(self.strength.weight) * maps


@pytest.fixture
def place(studio: Studio) -> Iterator[Studio]:
    """Three clean pictures, the method `grainy`, and its generator under the results folder."""
    draw = np.random.default_rng(2)
    for name in ("a", "b", "c"):
        write_png(studio.source / f"{name}.png", draw.integers(60, 190, (12, 10, 3), np.uint8))
    generator(studio.results / "weights/grainy/only-x-s0-generator.safetensors")
    with METHODS.added({"grainy": Grainy}):
        yield studio


def generator(path: Path, strength: float = 0.1, role: str = "generator") -> Path:
    save_weights(path, {"weight": torch.full((1, 1, 1, 1), strength)}, Card("grainy", "only", role=role))
    return path


def degrade(place: Studio, *words: Any) -> int:
    return place("degrade", place.source, "--methods", "grainy", "--results", place.results, *words)


def test_samples_of_a_folder(place: Studio) -> None:
    assert degrade(place, "--output", "out", "--json") == 0, place.err
    assert [Path(path).name for path in json.loads(place.out)["written"]] == ["a.png", "b.png", "c.png"]
    for name in ("a", "b", "c"):
        clean, made = read_image(place.source / f"{name}.png"), read_image(place.root / "out" / f"{name}.png")
        noise = made.astype(float) - clean[::2, ::2]
        assert made.shape == (6, 5, 3) and 15 < noise.std() < 40


def test_draws_differ_and_come_back(place: Studio) -> None:
    assert degrade(place, "--output", "two", "--draws", "2") == 0, place.err
    made = {path.name: read_image(path) for path in sorted((place.root / "two").iterdir())}
    assert list(made) == ["a-0.png", "a-1.png", "b-0.png", "b-1.png", "c-0.png", "c-1.png"]
    assert not np.array_equal(made["a-0.png"], made["a-1.png"])
    (place.source / "a.png").unlink()
    assert degrade(place, "--output", "again", "--draws", "2") == 0
    assert np.array_equal(read_image(place.root / "again/b-1.png"), made["b-1.png"])
    assert degrade(place, "--output", "other", "--draws", "2", "--seed", "1") == 0
    assert not np.array_equal(read_image(place.root / "other/b-1.png"), made["b-1.png"])


def test_a_named_file_comes_before_the_one_at_hand(place: Studio) -> None:
    silent = generator(place.root / "silent.safetensors", 0.0)
    assert degrade(place, "--output", "out", "--weights", silent) == 0, place.err
    assert np.array_equal(read_image(place.root / "out/a.png"), read_image(place.source / "a.png")[::2, ::2])


def test_a_method_without_generators(place: Studio) -> None:
    assert place("degrade", place.source, "--methods", "plain") == 2
    assert "plain has no generators" in place.sentence and "grainy" in place.sentence


def test_no_generators_at_hand(place: Studio) -> None:
    assert place("degrade", place.source, "--methods", "grainy", "--results", place.root / "empty") == 2
    assert "No generator weights of grainy" in place.sentence and "benchmark train --methods grainy" in place.sentence


def test_weights_of_another_role(place: Studio) -> None:
    save_weights(place.root / "r.safetensors", {"x": torch.zeros(1)}, Card("grainy", "only"))
    assert degrade(place, "--weights", place.root / "r.safetensors") == 2
    assert "Degrading with grainy needs weights of the role 'generator'" in place.sentence


def test_a_broken_picture_does_not_stop_the_others(place: Studio) -> None:
    (place.source / "b.png").write_bytes(b"nothing")
    assert degrade(place, "--output", "out") == 1
    assert sorted(path.name for path in (place.root / "out").iterdir()) == ["a.png", "c.png"]
    assert "b.png" in place.err


def test_places(place: Studio) -> None:
    sources = pictures(place.source)
    assert places(sources[:1], Path("one.png"), 1) == [[Path("one.png")]]
    with pytest.raises(UserError, match="2 samples cannot go into the one file"):
        places(sources[:1], Path("one.png"), 2)
    with pytest.raises(UserError, match="would replace its own source"):
        places(sources, place.source, 1)


def test_samples_that_are_no_picture(place: Studio) -> None:
    method = methods.load("grainy")
    assert isinstance(method, Grainy)
    method.strength.weight.data.fill_(float("nan"))
    outcome = degrade_pictures(method, pictures(place.source), place.root / "nan")
    assert not outcome.written and all("NaN" in sentence for sentence in outcome.failed) and len(outcome.failed) == 3
