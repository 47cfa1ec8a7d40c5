"""Intervals for the mean score of a set of images, clustered by scene: images of one scene are not independent.

What is estimated is the mean over images, the figure that papers print, over scenes like the ones measured. How the
ends are found stands in `benchmark.scoring.estimates`; what they are worth is measured in docs/statistics.md.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmark.scoring.estimates import FEWEST_SCENES, Estimate, of_scenes, seed_part
from datasets.core.errors import UserError


@dataclass(frozen=True)
class Interval:
    """A mean and its 95 % interval.

    Attributes:
        mean: over images; inf where one of them is identical to its clean image.
        low, high: None where there is no interval; `reason` then says why.
        kind: ``skew-t`` (over scenes, from 5 on) or ``none``; records of earlier versions hold ``bootstrap`` or ``t``.
        n, scenes: how many images and scenes the mean is over.
    """

    mean: float
    low: float | None
    high: float | None
    kind: str
    reason: str
    n: int
    scenes: int

    def within(self, lowest: float, highest: float = math.inf) -> Interval:
        """With its ends inside the range of what was measured, where no mean can lie outside: an SSIM is at most 1."""
        if self.low is None or self.high is None:
            return self
        ends = max(self.low, min(lowest, self.mean)), min(self.high, max(highest, self.mean))
        return self if ends == (self.low, self.high) else replace(self, low=ends[0], high=ends[1])


SSIM_RANGE = (-1.0, 1.0)
SSIM_DIFFERENCES = (-2.0, 2.0)


@dataclass(frozen=True)
class Spread:
    """Mean over seeds and sample standard deviation; None where one seed leaves no spread."""

    mean: float
    deviation: float | None


def spread(values: Sequence[float]) -> Spread | None:
    """Mean and sample standard deviation of one figure per seed; None where a seed has no finite figure."""
    if not values or not all(map(math.isfinite, values)):
        return None
    return Spread(statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else None)


def interval(values: Sequence[float] | np.ndarray, scenes: Sequence[str]) -> Interval:
    """Mean of per-image scores with its 95 % interval, clustered by scene.

    From 5 scenes on: Student's t over scenes, each weighing as many images as it has, corrected for the skewness of
    the scenes' scores (see `benchmark.scoring.estimates`).

    Args:
        values: one score per image, in any unit; inf is allowed, NaN is not. scenes: the scene of each, in that order.
    Raises:
        UserError: no values, NaN, or unequal lengths.
    """
    return intervals([values], scenes)[0]


def intervals(columns: Iterable[Sequence[float] | np.ndarray], scenes: Sequence[str]) -> list[Interval]:
    """`interval` of several scores of the same images, such as a row's conventions.

    Args:
        columns: each one score per image. scenes: the scene of each image.
    Raises:
        UserError: as `interval`, for any of the columns.
    """
    scores = [_checked(values, len(scenes)) for values in columns]
    index, sizes = _numbered(scenes)
    return [_interval(column, index, sizes)[0] for column in scores]


def paired(a: Sequence[float] | np.ndarray, b: Sequence[float] | np.ndarray, scenes: Sequence[str]) -> Interval:
    """Mean difference a - b of two rows measured on the same images, with its interval, clustered by scene.

    Args:
        a, b: one score per image, the same images in the same order. scenes: the scene of each. Two infinite scores
            (both identical to the clean image) differ by 0.
    Raises:
        UserError: as `interval`, or rows of different length.
    """
    return difference([a], [b], scenes)[0]


def difference(
    a: Sequence[Sequence[float] | np.ndarray],
    b: Sequence[Sequence[float] | np.ndarray] | float,
    scenes: Sequence[str],
) -> tuple[Interval, Estimate | None]:
    """Mean difference a - b of two rows of one or several seeds each; seeds are a second source of spread.

    Args:
        a, b: for each seed one score per image, the same images in the same order; `b` may be a single figure, such as
            a published one. scenes: the scene of each image.
    Returns:
        the mean with its interval, and the estimate behind it; None where there is no interval.
    Raises:
        UserError: as `interval`, or rows of different length.
    """
    first = [_checked(values, len(scenes)) for values in a]
    second = (
        [np.full(len(scenes), b)] if isinstance(b, float | int) else [_checked(values, len(values)) for values in b]
    )
    if any(len(values) != len(scenes) for values in second):
        raise UserError(
            f"A paired comparison needs the same images in both rows, got {len(scenes)} and {len(second[0])}."
        )
    ours, theirs = np.mean(first, axis=0), np.mean(second, axis=0)
    same = ours == theirs
    gaps = np.where(same, 0.0, ours - np.where(same, 0.0, theirs))
    parts = tuple(seed_part([float(one.mean()) for one in row]) for row in (first, second) if len(row) > 1)
    return _interval(gaps, *_numbered(scenes), parts)


def _interval(
    column: np.ndarray, index: np.ndarray, sizes: np.ndarray, seeds: tuple[tuple[float, int], ...] = ()
) -> tuple[Interval, Estimate | None]:
    reason, scenes = "", len(sizes)
    if not np.isfinite(column).all():
        reason = f"{int(np.isinf(column).sum())} of {column.size} scores are infinite"
    elif scenes < FEWEST_SCENES:
        reason = f"{scenes} scene{'s' if scenes > 1 else ''}: an interval needs at least {FEWEST_SCENES}"
    if reason:
        with np.errstate(invalid="ignore"):  # inf and -inf have the mean NaN
            mean = float(column.mean())
        return Interval(mean, None, None, "none", reason, column.size, scenes), None
    estimate = replace(of_scenes(column, index, sizes), seeds=seeds)
    low, high = estimate.ends()
    return Interval(estimate.mean, low, high, "skew-t", "", column.size, scenes), estimate


def _numbered(scenes: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """The number of each image's scene, and how many images each scene has."""
    names, index = np.unique(np.asarray(scenes, dtype=str), return_inverse=True)
    return index, np.bincount(index, minlength=len(names)).astype(np.float64)


def _checked(values: Sequence[float] | np.ndarray, images: int) -> np.ndarray:
    scores = np.asarray(values, dtype=np.float64)
    if scores.ndim != 1 or scores.size == 0 or scores.size != images:
        raise UserError(f"A mean needs at least one score and a scene for each, got {scores.size} and {images}.")
    if np.isnan(scores).any():
        raise UserError(f"{int(np.isnan(scores).sum())} of {scores.size} scores are NaN, so they have no mean.")
    return scores
