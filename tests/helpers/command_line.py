"""Small pictures prepared as the dataset `folder`, methods without weights, the command line called in process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmark.cli import main
from datasets.ops.images import write_png
from methods.base import Facts, Method

SIDE, COUNT = 24, 6


class Plain(Method):
    """Gives back its input, a little darker."""

    name = "plain"
    recipes = {"only": {"tier": "tiny", "network": {}, "train": {}, "restore": {"gain": 0.9}}}

    @property
    def facts(self) -> Facts:
        return Facts(("denoise",), "paired", context=0)

    def restore(self, x: torch.Tensor, info: Any = None) -> torch.Tensor:
        return x * self.recipe.restore["gain"]

    def roles(self) -> dict[str, torch.nn.Module]:
        return {}

    def stages(self) -> Iterator[Any]:
        return iter(())


class NotANumber(Plain):
    name = "nan"

    def restore(self, x: torch.Tensor, info: Any = None) -> torch.Tensor:
        return x * float("nan")


class Pair(Plain):
    name = "pair"

    def restore(self, x: torch.Tensor, info: Any = None) -> Any:
        return x, x


WITHOUT_WEIGHTS = {method.name: method for method in (Plain, NotANumber, Pair)}


def pictures(folder: Path, count: int = COUNT) -> Path:
    """`count` pairs of random pictures as the dataset `folder` takes them."""
    draw = np.random.default_rng(5)
    for index in range(count):
        clean = draw.integers(40, 200, (SIDE, SIDE, 3), np.uint8)
        noise = draw.normal(0, 20, clean.shape)
        degraded = np.clip(np.rint(clean + noise), 0, 255).astype(np.uint8)
        write_png(folder / "clean" / f"p{index}.png", clean)
        write_png(folder / "degraded" / f"p{index}.png", degraded)
    return folder


class Studio:
    """A temporary place with data and results; call it with the words of a command."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root, self.capsys = root, capsys
        self.source, self.data, self.results = root / "source", root / "data", root / "results"
        self.out = self.err = ""

    def __call__(self, *words: Any) -> int:
        self.capsys.readouterr()
        code = main([str(word) for word in words])
        self.out, self.err = self.capsys.readouterr()
        return code

    def run(self, *words: Any) -> int:
        return self("run", "--dataset", "folder", "--data", self.data, "--results", self.results, *words)

    def prepared(self) -> Studio:
        pictures(self.source)
        assert self("prepare", "folder", "--source", self.source, "--data", self.data, "--quiet") == 0, self.err
        return self

    @property
    def sentence(self) -> str:
        """What stands on stderr, which must be one line, no traceback."""
        lines = self.err.strip().splitlines()
        assert len(lines) == 1, self.err
        assert "Traceback" not in lines[0]
        return lines[0]

    def halves(self) -> list[Path]:
        """Half-written files anywhere."""
        return [path for path in self.root.rglob("*") if path.name.endswith(".part")]
