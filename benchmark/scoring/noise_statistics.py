"""What noise is like: its variance at each intensity, how neighbouring pixels go together, its histogram."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from datasets.base import Sample
from datasets.core.errors import UserError
from datasets.ops.ranges import unit
from datasets.ops.resize import imresize

INTENSITIES = 16  # classes of the clean value, from 0 to 1
LAGS = 4  # pixels, 0 included, along each axis
VALUES = np.linspace(-0.5, 0.5, 102)  # edges of the histogram's classes; beyond them the outer classes count
FEWEST = 500  # values that a class of intensities needs for its variance to be told


@dataclass
class NoiseStatistics:
    """Sums over all values of all images that were added, colours alike.

    Attributes:
        counts, sums, squares: per class of the clean intensity. products, pairs: of values that lie (rows, columns)
            apart, less the mean of their image and colour. crossed: (3, 3) products of the colours of one pixel
            of colour images, likewise. histogram: see VALUES.
    """

    counts: np.ndarray = field(default_factory=lambda: np.zeros(INTENSITIES))
    sums: np.ndarray = field(default_factory=lambda: np.zeros(INTENSITIES))
    squares: np.ndarray = field(default_factory=lambda: np.zeros(INTENSITIES))
    products: np.ndarray = field(default_factory=lambda: np.zeros((LAGS, LAGS)))
    pairs: np.ndarray = field(default_factory=lambda: np.zeros((LAGS, LAGS)))
    crossed: np.ndarray = field(default_factory=lambda: np.zeros((3, 3)))
    histogram: np.ndarray = field(default_factory=lambda: np.zeros(len(VALUES) - 1))

    def add(self, clean: np.ndarray, degraded: np.ndarray) -> None:
        """Take in one image.

        Args:
            clean, degraded: (H, W, C), uint8, or float nominally in [0, 1]; larger than LAGS pixels.
        """
        if clean.shape != degraded.shape:
            raise UserError(
                f"Noise is the difference of images of one size, not of {clean.shape} and {degraded.shape}."
            )
        clean = unit(clean).astype(np.float64)
        noise = unit(degraded).astype(np.float64) - clean
        places = np.clip((clean * INTENSITIES).astype(int), 0, INTENSITIES - 1).ravel()
        for kept, weights in ((self.counts, None), (self.sums, noise.ravel()), (self.squares, noise.ravel() ** 2)):
            kept += np.bincount(places, weights, INTENSITIES)
        self.histogram += np.histogram(np.clip(noise, VALUES[0], VALUES[-1]), VALUES)[0]
        self._add_products(noise - noise.mean((0, 1)))

    def _add_products(self, noise: np.ndarray) -> None:
        height, width = noise.shape[:2]
        if noise.shape[2] == 3:
            self.crossed += noise.reshape(-1, 3).T @ noise.reshape(-1, 3)
        for rows in range(LAGS):
            for columns in range(LAGS):
                both = noise[: height - rows, : width - columns] * noise[rows:, columns:]
                self.products[rows, columns] += both.sum()
                self.pairs[rows, columns] += both.size

    @property
    def deviation(self) -> float:
        """Standard deviation over all values, on the [0, 1] scale."""
        count = self.counts.sum()
        return float(np.sqrt(self.squares.sum() / count - (self.sums.sum() / count) ** 2))

    def variance(self) -> tuple[np.ndarray, np.ndarray]:
        """Centres of the classes of clean intensity that hold FEWEST values or more, and the variance in each."""
        told = self.counts >= FEWEST
        counts = self.counts[told]
        centres = (np.arange(INTENSITIES) + 0.5)[told] / INTENSITIES
        return centres, self.squares[told] / counts - (self.sums[told] / counts) ** 2

    def autocorrelation(self) -> np.ndarray:
        """(LAGS, LAGS): correlation of values so many rows and columns apart; 1 at [0, 0]."""
        covariance = self.products / self.pairs
        return covariance / covariance[0, 0]

    def between_colours(self) -> tuple[float, float, float]:
        """Correlation at one pixel of red and green, green and blue, red and blue."""
        deviation = np.sqrt(np.diag(self.crossed))
        correlation = self.crossed / np.outer(deviation, deviation)
        return float(correlation[0, 1]), float(correlation[1, 2]), float(correlation[0, 2])

    def divergence(self, other: NoiseStatistics) -> float:
        """Kullback-Leibler divergence of this histogram from another, in nats; half a count is added to each class."""
        p, q = ((one.histogram + 0.5) / (one.histogram + 0.5).sum() for one in (self, other))
        return float((p * np.log(p / q)).sum())


def of_samples(samples: Iterable[Sample], scale: int = 1) -> NoiseStatistics:
    """Statistics of what a dataset's degraded images have beyond their clean ones.

    Args:
        samples: those without a clean image are left out. scale: clean side / degraded side; clean images are reduced
            by MATLAB's bicubic.
    """
    found = NoiseStatistics()
    for sample in samples:
        if sample.clean is not None and sample.degraded is not None:
            found.add(reduced(sample.clean, scale), sample.degraded)
    return found


def reduced(clean: np.ndarray, scale: int) -> np.ndarray:
    """A clean image (H, W, C) at the degraded size, float32 in [0, 1]; scale 1 leaves it."""
    return unit(clean) if scale == 1 else imresize(unit(clean), 1 / scale)
