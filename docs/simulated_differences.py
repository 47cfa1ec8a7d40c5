"""Paired differences drawn for the tables of statistics.md: of normal and skewed scenes, of one seed and of several."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from datasets.ops.noise import keyed_generator

Array = np.ndarray
SCENES = (5, 6, 8, 10, 20, 40, 80)
WITHIN = 0.5  # of the images of one scene, where the scenes' spread is 1
INTERACTION = 0.3  # of what a seed does to one scene beside the others


def lognormal(generator: np.random.Generator, size: int) -> np.ndarray:
    """Mean 0, standard deviation 1, skewness 2."""
    sigma = 0.5513
    spread = np.sqrt((np.exp(sigma**2) - 1) * np.exp(sigma**2))
    return (np.exp(sigma * generator.standard_normal(size)) - np.exp(sigma**2 / 2)) / spread


def gamma(shape: float) -> Callable[[np.random.Generator, int], np.ndarray]:
    """Mean 0, standard deviation 1, skewness 2 / sqrt(shape)."""
    return lambda generator, size: (generator.gamma(shape, size=size) - shape) / np.sqrt(shape)


DISTRIBUTIONS: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "normal": lambda generator, size: generator.standard_normal(size),
    "skewness 1 (gamma)": gamma(4),
    "skewness 2 (exponential)": gamma(1),
    "skewness 2 (log-normal)": lognormal,
}


@dataclass(frozen=True)
class Setting:
    """One kind of comparison: images of each scene, seeds of both rows, what a seed moves a row's mean by."""

    name: str
    most_images: int = 1
    seeds: tuple[int, int] = (1, 1)
    spread: float = 0.0


SETTINGS = (
    Setting("one seed, one image a scene"),
    Setting("one seed, 1 to 4 images a scene", 4),
    Setting("3 seeds against a baseline, spread 0.1", 1, (3, 1), 0.1),
    Setting("3 seeds against a baseline, spread 0.3", 1, (3, 1), 0.3),
    Setting("3 seeds against 3, spread 0", 1, (3, 3), 0.0),
    Setting("3 seeds against 3, spread 0.3", 1, (3, 3), 0.3),
    Setting("3 seeds against 3, spread 1", 1, (3, 3), 1.0),
    Setting("5 seeds against 5, spread 0.3, 1 to 4 images", 4, (5, 5), 0.3),
    Setting("2 seeds against 2, spread 0.3", 1, (2, 2), 0.3),
    Setting("2 seeds against a baseline, spread 1", 1, (2, 1), 1.0),
)


@dataclass(frozen=True)
class Draws:
    """What a rule knows of each draw, arrays of (draws,); the fields of an Estimate.

    Attributes:
        seeds: variance of the mean by the spread of seeds and their number, for each row with several. single: the part
            of it that is of single scenes. moves: (draws, scenes), how far the mean moves without each scene.
    """

    mean: Array
    scenes: int
    variance: Array
    freedom: Array
    skewness: Array
    seeds: tuple[tuple[Array, int], ...]
    single: tuple[Array, ...]
    moves: Array


def drawn(setting: Setting, distribution: str, scenes: int, draws: int) -> Draws:
    """Paired differences whose true mean is 0, of rows with one seed or several. Settings have keys of their own."""
    generator = keyed_generator("coverage", setting.name, distribution, scenes)
    sizes = generator.integers(1, setting.most_images + 1, (draws, scenes)).astype(float)
    total = sizes.sum(1, keepdims=True)
    sums = DISTRIBUTIONS[distribution](generator, draws * scenes).reshape(draws, scenes) * sizes
    if setting.most_images > 1:
        sums = sums + WITHIN * np.sqrt(sizes) * generator.standard_normal((draws, scenes))
    parts, single = [], []
    for sign, seeds in zip((1, -1), setting.seeds, strict=True):
        if seeds == 1:
            continue
        moved = setting.spread * generator.standard_normal((draws, seeds, 1))
        each = (moved + INTERACTION * generator.standard_normal((draws, seeds, scenes))) * sizes[:, None]
        sums = sums + sign * each.mean(1)
        parts.append(((each.sum(2) / total).var(1, ddof=1) / seeds, seeds))
        apart = each - each.mean(1, keepdims=True)
        apart = apart - apart.sum(2, keepdims=True) / total[:, None] * sizes[:, None]
        single.append(_jackknife(apart, sizes[:, None])[0].sum(1) / (seeds - 1) / seeds)
    mean = sums.sum(1) / total[:, 0]
    variance, moves = _jackknife(sums - mean[:, None] * sizes, sizes)
    return Draws(mean, scenes, variance, _few(sizes / total), _skewness(moves), tuple(parts), tuple(single), moves)


def _jackknife(sums: Array, sizes: Array) -> tuple[Array, Array]:
    scenes = sums.shape[-1]
    moves = sums / (sizes.sum(-1, keepdims=True) - sizes) * (scenes - 1)
    return (moves**2).sum(-1) / (scenes * (scenes - 1)), moves


def _skewness(moves: Array) -> Array:
    moved, count = moves - moves.mean(-1, keepdims=True), moves.shape[-1]
    third = (moved**3).mean(-1) / (moved**2).mean(-1) ** 1.5
    return np.asarray(third * np.sqrt(count * (count - 1)) / (count - 2))


def _few(weights: Array) -> Array:
    """Bell and McCaffrey's degrees of freedom of each draw, as benchmark.scoring.estimates has them of one."""
    squares = (weights / (1 - weights)) ** 2
    total, ww, wd, dd = squares.sum(1), (weights**2).sum(1), (weights * squares).sum(1), (squares**2).sum(1)
    trace = total - 2 * wd + ww * total
    twice = dd + 2 * (total * (weights**2 * squares).sum(1) - 2 * (weights * squares**2).sum(1))
    return np.asarray(trace**2 / (twice + 2 * ww * dd + 2 * wd**2 + (total * ww) ** 2 - 4 * total * ww * wd))
