"""Intervals for the mean score of a set of images, clustered by scene: images of one scene are not independent.

What is estimated is the mean over images, the figure that papers print, over scenes like the ones measured.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from datasets.ops.errors import UserError
from datasets.ops.noise import keyed_generator

RESAMPLES = 10_000
CONFIDENCE = 0.95
FEWEST_SCENES, BOOTSTRAP_FROM = 5, 10
_AT_ONCE = 2**22  # drawn counts held in memory at a time


@dataclass(frozen=True)
class Interval:
    """A mean and its 95 % interval.

    Attributes:
        mean: over images; inf where one of them is identical to its clean image.
        low, high: None where there is no interval; `reason` then says why.
        kind: ``bootstrap`` (over scenes, from 10 scenes on), ``t`` (over scenes, 5 to 9) or ``none``.
        n, scenes: how many images and scenes the mean is over.
    """

    mean: float
    low: float | None
    high: float | None
    kind: str
    reason: str
    n: int
    scenes: int


def interval(values: Sequence[float] | np.ndarray, scenes: Sequence[str]) -> Interval:
    """Mean of per-image scores with its 95 % interval, clustered by scene.

    From 10 scenes on: bootstrap of whole scenes, 10,000 resamples with a fixed seed, percentiles widened to the t
    distribution's (Hesterberg 2015, "expanded percentile", since plain ones are too narrow for few scenes). From 5 to
    9: t-interval whose variance is taken between scenes, each weighing as many images as it has; for scenes of equal
    size that is the t-interval of the scene means.

    Args:
        values: one score per image, in any unit; inf is allowed, NaN is not. scenes: the scene of each, in that order.
    Raises:
        UserError: no values, NaN, or unequal lengths.
    """
    scores = np.asarray(values, dtype=np.float64)
    if scores.ndim != 1 or scores.size == 0 or scores.size != len(scenes):
        raise UserError(f"A mean needs at least one score and a scene for each, got {scores.size} and {len(scenes)}.")
    if np.isnan(scores).any():
        raise UserError(f"{int(np.isnan(scores).sum())} of {scores.size} scores are NaN, so they have no mean.")
    names, index = np.unique(np.asarray(scenes, dtype=str), return_inverse=True)
    mean, count = float(scores.mean()) if _one_sign(scores) else math.nan, len(names)
    reason = _no_interval(scores, count)
    if reason:
        return Interval(mean, None, None, "none", reason, scores.size, count)
    sums, sizes = np.bincount(index, scores - mean), np.bincount(index).astype(np.float64)
    make, kind = (_bootstrap, "bootstrap") if count >= BOOTSTRAP_FROM else (_student, "t")
    low, high = make(sums, sizes)
    return Interval(mean, mean + low, mean + high, kind, "", scores.size, count)


def paired(a: Sequence[float] | np.ndarray, b: Sequence[float] | np.ndarray, scenes: Sequence[str]) -> Interval:
    """Mean difference a - b of two rows measured on the same images, with its interval, clustered by scene.

    Args:
        a, b: one score per image, the same images in the same order. scenes: the scene of each. Two infinite scores
            (both identical to the clean image) differ by 0.
    Raises:
        UserError: as `interval`, or rows of different length.
    """
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if first.shape != second.shape:
        raise UserError(f"A paired comparison needs the same images in both rows, got {first.size} and {second.size}.")
    same = first == second
    return interval(np.where(same, 0.0, first - np.where(same, 0.0, second)), scenes)


def _one_sign(scores: np.ndarray) -> bool:
    return not (np.isposinf(scores).any() and np.isneginf(scores).any())


def _no_interval(scores: np.ndarray, scenes: int) -> str:
    if not np.isfinite(scores).all():
        return f"{int(np.isinf(scores).sum())} of {scores.size} scores are infinite"
    if scenes < FEWEST_SCENES:
        return f"{scenes} scene{'s' if scenes > 1 else ''}: an interval needs at least {FEWEST_SCENES}"
    return ""


def _student(sums: np.ndarray, sizes: np.ndarray) -> tuple[float, float]:
    from scipy.stats import t

    scenes = len(sums)
    error = math.sqrt(scenes / (scenes - 1) * float(sums @ sums)) / sizes.sum()
    half = float(t.ppf((1 + CONFIDENCE) / 2, scenes - 1)) * error
    return -half, half


def _bootstrap(sums: np.ndarray, sizes: np.ndarray) -> tuple[float, float]:
    from scipy.stats import norm, t

    scenes = len(sums)
    quantile = float(t.ppf((1 - CONFIDENCE) / 2, scenes - 1)) * math.sqrt(scenes / (scenes - 1))
    tail = float(norm.cdf(quantile))
    low, high = np.quantile(_resampled_means(sums, sizes), [tail, 1 - tail])
    return float(low), float(high)


def _resampled_means(sums: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    return np.concatenate([(drawn @ sums) / (drawn @ sizes) for drawn in _resamples(len(sums))])


def _resamples(scenes: int) -> Iterable[np.ndarray]:
    # A row has two dozen intervals over the same scenes: their draws are kept where they are small.
    return _kept_resamples(scenes) if RESAMPLES * scenes <= _AT_ONCE else _drawn_resamples(scenes)


@lru_cache(maxsize=4)
def _kept_resamples(scenes: int) -> tuple[np.ndarray, ...]:
    return tuple(_drawn_resamples(scenes))


def _drawn_resamples(scenes: int) -> Iterator[np.ndarray]:
    # The key is the number of scenes alone, so that two rows on the same scenes meet the same resamples.
    generator = keyed_generator("bootstrap", scenes)
    step = max(1, _AT_ONCE // scenes)
    for start in range(0, RESAMPLES, step):
        yield generator.multinomial(scenes, np.full(scenes, 1 / scenes), size=min(step, RESAMPLES - start))
