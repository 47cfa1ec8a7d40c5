"""A method that learns one convolution in a few steps, and a protocol for it on small pictures of one's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from methods.base import Facts, Method, Recipe, Stage, Stream

PROTOCOL = """
title = "Learners"
about = "Trained on six pictures, tested on six others."
tests = ["folder"]
train = "folder:train"
seeds = [0, 1]

[tiers.cpu]
budget = "a second"
patch_pixels = 128

[[tiers.cpu.rows]]
method = "learner"
recipe = "budget"
steps = 6

[[tiers.cpu.rows]]
method = "learner"
recipe = "budget"
steps = 6
restore = { "restore.gain" = 0.5 }
label = "half"

[[tiers.cpu.rows]]
method = "nobody"
recipe = "cpu"
"""


class Learning(Stage):
    """Plain gradient descent on the squared error of pairs."""

    name, losses = "learning", ("mse",)

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self.steps, self.rate, self.rescales = recipe.train["steps"], recipe.train["rate"], True
        self.networks = {"restorer": nn.Conv2d(3, 3, 3, padding=1)}
        self.streams = {"pairs": Stream("paired", 8, 2)}

    def configure(self) -> None:
        self.optimisers = {"restorer": torch.optim.SGD(self.networks["restorer"].parameters(), self.rate)}

    def step(self, batch: Any, loop: Any) -> dict[str, torch.Tensor]:
        pairs = batch["pairs"]
        self.optimisers["restorer"].zero_grad()
        noise = 0.1 * loop.generator("noise").normal(*pairs["clean"].shape)
        loss = (self.networks["restorer"](pairs["degraded"] + noise) - pairs["clean"]).square().mean()
        loop.backward(loss)
        loop.update(self.optimisers["restorer"])
        return {"mse": loss.detach() * (float("nan") if self.rate > 100 else 1.0)}

    def restorer(self) -> Any:
        return lambda x, info: self.networks["restorer"](x)

    def artefacts(self) -> Any:
        return {"restorer": self.networks["restorer"].state_dict()}


class Learner(Method):
    """Restores by its convolution, times a number that restoring alone knows."""

    name = "learner"
    recipes = {
        "budget": {"tier": "budget", "train": {"steps": 20, "rate": 0.1}, "restore": {"gain": 1.0}},
        "wild": {"extends": "budget", "tier": "cpu", "train": {"rate": 1000.0}},
    }

    def __init__(self, recipe: Recipe) -> None:
        super().__init__(recipe)
        self.net = nn.Conv2d(3, 3, 3, padding=1)

    @property
    def facts(self) -> Facts:
        return Facts(("denoise",), "paired", context=1)

    def restore(self, x: torch.Tensor, info: Any = None) -> torch.Tensor:
        return self.net(x) * self.recipe.restore["gain"]

    def roles(self) -> dict[str, nn.Module]:
        return {"restorer": self.net}

    def stages(self) -> Iterator[Any]:
        yield lambda artefacts: Learning(self.recipe)


def arranged(root: Path, text: str = PROTOCOL) -> list[str]:
    """Prepared data and the protocol's file under a folder; the words of the command that carries it out."""
    import datasets
    from tests.helpers.command_line import pictures

    if not (root / "data").is_dir():
        pictures(root / "source")
        for spec in ("folder", "folder[split=train]"):
            datasets.prepare(spec, root / "source", root / "data")
    (root / "learners.toml").write_text(text, encoding="utf-8")
    where = ["--data", str(root / "data"), "--device", "cpu", "--tier", "cpu"]
    return ["reproduce", str(root / "learners.toml"), *where]
