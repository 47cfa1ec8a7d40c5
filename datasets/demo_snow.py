"""A small set for desnowing, made in seconds from the photographs in scikit-image's wheel.

A stand-in for the sets of datasets/snow.py, to try the path: flakes are blurred white spots, drawn out along the wind,
each laid over the picture with an opacity of its own; there is no veil and no large flake of a shape.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from datasets import demo
from datasets.base import Item
from datasets.demo import Crop, grid, photograph
from datasets.ops.noise import keyed_generator
from datasets.prepared import Prepared

# Whole photographs are either for the test (the demo's) or for the training; every one is a scene.
TRAIN = (
    *("brick.png", "coffee.png", "grass.png", "gravel.png", "hubble_deep_field.jpg", "ihc.png"),
    *("motorcycle_left.png", "retina.jpg", "rocket.jpg"),
)
DENSITY = 0.009  # flakes per pixel
SIZES = (0.6, 2.6)  # pixels: standard deviation of a flake across the wind
STRETCH = (1.0, 2.2)  # of its length along the wind
OPACITY = (0.4, 1.0)
WHITE = 0.95
SEED = 20250


class DemoSnow(Prepared):
    """Desnowing of pictures at about 19 dB; roles degraded and clean.

    The splits have no photograph in common but for the right-hand edge of each training photograph, which is kept from
    the training for the validation, as the demo does.
    """

    facts = replace(
        demo.Demo.facts,
        name="demo-snow",
        title="demo-snow",
        task="desnow",
        convention="uint8-gauss",
        complete={"test": 20, "validation": 18, "train": 42},
        licence=f"{demo.Demo.facts.licence}; brick, grass and gravel: CC0",
        options={},
    )

    @classmethod
    def items(cls, source: Path | None = None, **options: Any) -> Iterator[Item]:
        """All crops of all three splits; a source is not needed and not looked at."""
        for split, crops in layout().items():
            for crop in crops:
                load = {"clean": partial(Crop.pixels, crop), "degraded": partial(degraded, crop)}
                yield Item(crop.name, split, crop.scene, load)

    @property
    def degradation(self) -> str:
        """``snow``."""
        return "snow"


def layout() -> Mapping[str, list[Crop]]:
    """Split -> its crops."""
    side = demo.TEST_SIDE
    left = {file: photograph(file).shape[1] - side for file in TRAIN}
    return {
        "test": list(demo.layout()["test"]),
        "validation": [Crop(file, top, left[file], side) for file in TRAIN for top in _tops(file, side)],
        "train": [c for file in TRAIN for c in grid(file, left[file], demo.TRAIN_SIDE, demo.TRAIN_CROPS)],
    }


def _tops(file: str, side: int) -> tuple[int, int]:
    """Rows of the two validation crops: at the top and at the bottom."""
    return 0, photograph(file).shape[0] - side


def degraded(crop: Crop) -> np.ndarray:
    """The crop under snow, (H, W, 3) uint8: white over the picture by the opacity of the flakes."""
    clean = crop.pixels() / 255
    cover = flakes(clean.shape[:2], crop.name)[..., None]
    return np.rint(255 * (clean * (1 - cover) + WHITE * cover)).astype(np.uint8)


def flakes(shape: tuple[int, int], name: str) -> np.ndarray:
    """How much of each pixel the snow hides, (H, W) in [0, 1], drawn from the name alone."""
    rng = keyed_generator(SEED, name)
    wind = np.pi / 2 + rng.normal(0, 0.4)  # of all flakes: downwards, more or less
    count = rng.poisson(DENSITY * shape[0] * shape[1])
    seen = np.ones(shape)
    for _ in range(count):
        place, opacity = rng.random(2) * shape, rng.uniform(*OPACITY)
        across = np.exp(rng.uniform(*np.log(SIZES)))
        rows, columns, spot = _spot(place, across, across * rng.uniform(*STRETCH), wind, shape)
        seen[rows, columns] *= 1 - opacity * spot
    return 1 - seen


def _spot(
    place: np.ndarray, across: float, along: float, wind: float, shape: tuple[int, int]
) -> tuple[slice, slice, np.ndarray]:
    """A flake as an elongated Gaussian of height 1, and the part of the picture that it reaches."""
    low = np.maximum(np.floor(place - 3 * along), 0).astype(int)
    high = np.minimum(np.ceil(place + 3 * along) + 1, shape).astype(int)
    y, x = np.ogrid[low[0] : high[0], low[1] : high[1]]
    dy, dx = y - place[0], x - place[1]
    length, width = dx * np.cos(wind) + dy * np.sin(wind), dy * np.cos(wind) - dx * np.sin(wind)
    spot = np.exp(-((length / along) ** 2 + (width / across) ** 2) / 2)
    return slice(low[0], high[0]), slice(low[1], high[1]), spot
