"""A plug-in for the benchmark: the method ``median`` and the dataset ``shapes``, each one class."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from datasets.base import DatasetFacts, Item, Row
from datasets.ops.noise import keyed_generator
from datasets.prepared import Prepared
from methods.base import Facts, Loop, Method, Recipe, SampleInfo, Stage, StageFactory, Stream


class OrderStatistics(nn.Module):
    """A weighted mean of the sorted values in each k x k window; the median at first, then what training makes of it.

    Args:
        side: k, odd.
    """

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side
        self.weights = nn.Parameter(torch.eye(side * side)[side * side // 2])

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W), the borders reflected; colours are kept apart."""
        n, c, h, w = x.shape
        planes = nn.functional.pad(x.reshape(n * c, 1, h, w), [self.side // 2] * 4, mode="reflect")
        windows = nn.functional.unfold(planes, self.side).sort(dim=1).values
        return torch.einsum("nkp,k->np", windows, self.weights).reshape(n, c, h, w)


class Training(Stage):
    """Squared error on pairs, with Adam."""

    name = "train"
    losses = ("mse",)

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self.net = OrderStatistics(**recipe.network)
        self.rate, self.steps = recipe.train["rate"], recipe.train["steps"]
        self.networks = {"restorer": self.net}
        self.streams = {"pairs": Stream("paired", recipe.train["crop"], recipe.train["batch"], augment="flips8")}

    def configure(self) -> None:
        """Make the optimiser."""
        self.optimisers = {"restorer": torch.optim.Adam(self.net.parameters(), lr=self.rate)}

    def step(self, batch: dict[str, dict[str, Tensor]], loop: Loop) -> dict[str, Tensor]:
        """One step of gradient descent."""
        optimiser = self.optimisers["restorer"]
        optimiser.zero_grad()
        loss = (self.net(batch["pairs"]["degraded"]) - batch["pairs"]["clean"]).square().mean()
        loop.backward(loss)
        loop.update(optimiser)
        return {"mse": loss.detach()}


class Median(Method):
    """The median filter, and its trainable generalisation by weighted order statistics."""

    name = "median"
    title = "Median"
    paper = """@article{bovik1983generalization,
  author  = {Bovik, Alan C. and Huang, Thomas S. and Munson, David C.},
  title   = {A generalization of median filtering using linear combinations of order statistics},
  journal = {IEEE Transactions on Acoustics, Speech, and Signal Processing},
  year    = {1983},
}"""
    # A file recipes.toml beside the module does as well.
    recipes = {  # noqa: RUF012 - read only
        "tiny": {
            "tier": "tiny",
            "about": "3x3, ten seconds on two cores",
            "data": ["shapes"],
            "network": {"side": 3},
            "train": {"rate": 0.01, "steps": 100, "crop": 32, "batch": 8},
        }
    }

    def __init__(self, recipe: Recipe) -> None:
        super().__init__(recipe)
        self.restorer = OrderStatistics(**recipe.network)

    @classmethod
    def describe(cls, recipe: Recipe) -> Facts:
        """An output pixel sees half a window on each side."""
        half = recipe.network["side"] // 2
        return Facts(("denoise",), "paired", channels=(3, 1), context=half, min_side=half + 1)

    def restore(self, x: Tensor, info: Sequence[SampleInfo] | None = None) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        return self.restorer(x)

    def stages(self) -> Iterator[StageFactory]:
        """One stage."""
        yield lambda artefacts: Training(self.recipe)


class Shapes(Prepared):
    """Drawn discs on gradients; a share of the pixels is replaced by black or white when an image is read."""

    facts = DatasetFacts(
        name="shapes",
        title="Shapes",
        task="denoise",
        splits=("train", "test"),
        default_split="test",
        train_split="train",
        convention="float-gauss",
        complete={"test": 6},
        options={"share": (0.05, "of the pixels that are replaced")},
        synthetic=True,
        licence="CC0",
        source="drawn by the package itself",
        embedded=True,
    )

    @classmethod
    def items(cls, source: Path | None, **options: Any) -> Iterator[Item]:
        """Six images to train on and six to test on, drawn when they are prepared."""
        for split in cls.facts.splits:
            for number in range(6):
                name = f"{split}{number}"
                yield Item(name, split, scene=name, load={"clean": partial(draw, name)})

    def degrade(self, clean: np.ndarray, row: Row, options: Mapping[str, Any], seed: int) -> np.ndarray:
        """(H, W, 3) uint8 -> float32; a function of (seed, image name) alone."""
        generator = keyed_generator(seed, row.name)
        hit = generator.random((*clean.shape[:2], 1)) < options["share"]
        white = generator.random((*clean.shape[:2], 1)) < 0.5
        return np.where(hit, white, clean / 255).astype(np.float32)


def draw(name: str, side: int = 96) -> np.ndarray:
    """Five discs on a gradient, (side, side, 3) uint8."""
    generator = keyed_generator("shapes", name)
    y, x = np.mgrid[:side, :side] / side
    image = 0.2 + 0.6 * np.stack([x, y, 1 - x], axis=-1)
    for _ in range(5):
        centre, radius = generator.random(2), generator.uniform(0.05, 0.3)
        image[(y - centre[0]) ** 2 + (x - centre[1]) ** 2 < radius**2] = generator.random(3)
    return np.rint(255 * image).astype(np.uint8)
