"""A small set of CT slices, made in seconds: phantoms, their projections with the noise of few photons, and back."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from datasets.base import DatasetFacts, Item
from datasets.ldct import Slices
from datasets.ops.noise import keyed_generator
from datasets.ops.resize import imresize

SIDE, ANGLES = 128, 180
COUNTS = {"test": 5, "validation": 3, "train": 10}
# Photons that leave the tube for each detector cell, and the exponent that is left of them behind the densest path.
FULL, LOW, DENSEST = 1e5, 1e3, 4.0
ORGANS = 12  # small ellipses that tell one phantom from another
WINDOW = (0.1, 0.5)  # soft tissue, in the phantom's own units
_SEED = 20160


class LDCTDemo(Slices):
    """Variants of the Shepp-Logan head at a full and a low dose; each is a scene.

    A phantom is turned, stretched and given a dozen further organs. Counts of its parallel projections are Poisson
    draws; both slices are reconstructed from them by filtered back-projection and clipped to [0, 1].
    """

    facts = DatasetFacts(
        name="ldct-demo",
        title="LDCT demo",
        task="denoise",
        splits=("test", "validation", "train"),
        default_split="test",
        train_split="train",
        convention="skimage7-float-range2",
        channels=1,
        complete=COUNTS,
        licence="made by this program; the phantom is scikit-image's (BSD)",
        citation="@article{shepp1974fourier, title={The Fourier reconstruction of a head section}, author={Shepp, "
        "Lawrence A. and Logan, Benjamin F.}, journal={IEEE Transactions on Nuclear Science}, year={1974}}",
        source="made from scikit-image's phantom; nothing is downloaded",
        embedded=True,
    )

    @classmethod
    def items(cls, source: Path | None = None, **options: Any) -> Iterator[Item]:
        """All slices of all three splits; a source is not needed and not looked at."""
        for split, count in COUNTS.items():
            for name in (f"{split}-{k:02d}" for k in range(count)):
                load = {"raw": partial(scanned, name, LOW), "raw_clean": partial(scanned, name, FULL)}
                yield Item(name, split, name, load, meta={"window": list(WINDOW)})


def scanned(name: str, photons: float) -> np.ndarray:
    """The slice of that name as a scanner with so many photons gives it, (SIDE, SIDE) float32 in [0, 1]."""
    from skimage.transform import iradon

    paths = projections(name)
    scale = DENSEST / paths.max()
    counts = keyed_generator(_SEED, name, photons).poisson(photons * np.exp(-scale * paths))
    measured = -np.log(np.maximum(counts, 1) / photons) / scale
    return np.clip(iradon(measured, theta=_angles(), circle=True), 0, 1).astype(np.float32)


@lru_cache(maxsize=4)
def projections(name: str) -> np.ndarray:
    """Sums along the rays through a phantom, (SIDE, ANGLES) float64."""
    from skimage.transform import radon

    sums: np.ndarray = radon(phantom(name), theta=_angles(), circle=True)
    return sums


def phantom(name: str) -> np.ndarray:
    """A head, (SIDE, SIDE) float64 in [0, 1], zero outside the circle that the scanner sees."""
    from skimage.data import shepp_logan_phantom
    from skimage.transform import AffineTransform, warp

    rng = keyed_generator(_SEED, name, "phantom")
    turn, wide, tall = rng.uniform(-0.4, 0.4), rng.uniform(0.75, 0.95), rng.uniform(0.95, 1.05)  # below 1 enlarges
    middle = AffineTransform(translation=(-199.5, -199.5))
    pose = middle + AffineTransform(scale=(wide, tall), rotation=turn) + middle.inverse
    head = imresize(warp(shepp_logan_phantom(), pose), size=(SIDE, SIDE))
    y, x = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    for _ in range(ORGANS):
        head = head + _organ(rng, y, x) * ((head > 0.05) & (head < 0.6))
    return np.clip(head, 0, 1) * (x**2 + y**2 < 0.98)


def _organ(rng: np.random.Generator, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """An ellipse somewhere in the middle, a little denser or thinner than what is around it."""
    (down, right), (a, b) = rng.uniform(-0.5, 0.5, 2), rng.uniform(0.02, 0.15, 2)
    return rng.uniform(-0.15, 0.25) * (((y - down) / a) ** 2 + ((x - right) / b) ** 2 < 1)


def _angles() -> np.ndarray:
    return np.arange(ANGLES) * (180.0 / ANGLES)
