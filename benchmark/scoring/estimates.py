"""A mean that was measured on a sample of scenes, and of trainings: its error, its interval, its p-value.

Two things vary. Other scenes would have given other scores, and another seed would have given other weights. The
variance of the mean is the sum of the two; its degrees of freedom follow Satterthwaite (1946) and, between seeds, Welch
(B. L. Welch, "The generalization of Student's problem", Biometrika 34, 1947). The scores of scenes are often skewed,
which a plain t-interval does not know: the t statistic is corrected by Hall's cubic transformation (P. Hall, "On the
removal of skewness by transformation", Journal of the Royal Statistical Society B 54, 1992), and compared with
Student's t; an end lies at most twice as far from the mean as without it. Its coverage is measured in
docs/statistics.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmark.scoring.student import student_quantile

CONFIDENCE = 0.95
FEWEST_SCENES = 5
WIDEST = 2.0  # how far an end may lie from the mean, in those of the plain t-interval: see docs/decisions.md


@dataclass(frozen=True)
class Estimate:
    """A mean, such as of paired differences in dB, with what is known of its error.

    Attributes:
        mean: over images, and over seeds where there are several. scenes: how many, at least FEWEST_SCENES.
        scene_variance: of the mean, by the spread between scenes. scene_freedom: its degrees of freedom.
        skewness: of the scenes' scores.
        seeds: for each row with several seeds, the variance of its mean by the spread between them, and how many.
    """

    mean: float
    scenes: int
    scene_variance: float
    scene_freedom: float
    skewness: float = 0.0
    seeds: tuple[tuple[float, int], ...] = ()

    @property
    def seed_variance(self) -> float:
        """Of the mean, by the spread between seeds."""
        return sum(variance for variance, _ in self.seeds)

    @property
    def error(self) -> float:
        """The standard error of the mean."""
        return math.sqrt(self.scene_variance + self.seed_variance)

    @property
    def freedom(self) -> float:
        """Degrees of freedom of the error."""
        return freedom(self.scene_variance, self.scene_freedom, self.seeds)

    def ends(self, confidence: float = CONFIDENCE) -> tuple[float, float]:
        """Lower and upper end of the interval."""
        quantile = student_quantile(self.freedom, (1 + confidence) / 2)
        far = min(self._uncorrected(quantile), WIDEST * quantile), max(self._uncorrected(-quantile), -WIDEST * quantile)
        return self.mean - far[0] * self.error, self.mean - far[1] * self.error

    def p_value(self, at: float = 0.0) -> float:
        """Two-sided, of the mean being `at`: below 0.05 exactly where the 95 % interval leaves `at` out."""
        from scipy.special import stdtr

        if self.error == 0:
            return 1.0 if self.mean == at else 0.0
        statistic = (self.mean - at) / self.error
        a, b = self._skew / 3, self._skew / 6
        corrected = statistic + a * statistic**2 + a * a * statistic**3 / 3 + b
        return float(min(1.0, *(2 * stdtr(self.freedom, -abs(value)) for value in (corrected, statistic / WIDEST))))

    @property
    def _skew(self) -> float:
        """The skewness of the mean: that of the scenes shrinks with their number; that of few seeds is not known."""
        variance = self.scene_variance + self.seed_variance
        share = self.scene_variance / variance if variance else 0.0
        return self.skewness / math.sqrt(self.scenes) * share**1.5

    def _uncorrected(self, corrected: float) -> float:
        """The t statistic whose corrected value this is: the inverse of Hall's transformation."""
        a, b = self._skew / 3, self._skew / 6
        inner = 3 * a * (corrected - b)
        if abs(inner) < 1e-12:
            return corrected - b
        # the second form is exact for small skewness, the first holds where the cube root's argument is negative
        root = float(np.cbrt(1 + inner)) - 1 if inner < -0.5 else math.expm1(math.log1p(inner) / 3)
        return root / a


def of_scenes(values: np.ndarray, index: np.ndarray, sizes: np.ndarray) -> Estimate:
    """The mean of per-image values, clustered by scene; a scene weighs as many images as it has.

    The variance is the jackknife's over scenes, since a large scene draws the mean to itself and so hides its own
    error; the degrees of freedom are those of Bell and McCaffrey (2002) for scenes that vary alike. For scenes of equal
    size this is the t-interval of the scenes' means.

    Args:
        values: (images,), finite. index: (images,), the number of each image's scene. sizes: (scenes,), images of each.
    """
    mean, scenes, weights = float(values.mean()), len(sizes), sizes / sizes.sum()
    sums = np.bincount(index, values - mean, minlength=scenes)
    # how far the mean moves where a scene is left out, on the scale of the scenes' scores
    parts = sums / (sizes.sum() - sizes) * (scenes - 1)
    variance = float(parts @ parts) / (scenes * (scenes - 1))
    return Estimate(mean, scenes, variance, _freedom(weights), _skewness(parts))


def _freedom(weights: np.ndarray) -> float:
    """tr(B)^2 / tr(B^2) of the jackknife's quadratic form B in the scenes' means; scenes - 1 for equal weights."""
    squares = (weights / (1 - weights)) ** 2
    total, ww, wd, dd = squares.sum(), weights @ weights, weights @ squares, squares @ squares
    trace = total - 2 * wd + ww * total
    twice = dd + 2 * (total * (weights**2 @ squares) - 2 * (weights @ squares**2))
    twice += 2 * ww * dd + 2 * wd**2 + (total * ww) ** 2 - 4 * total * ww * wd
    return float(trace**2 / twice)


def _skewness(parts: np.ndarray) -> float:
    """Fisher's, without the bias of the plain one, which is too small where scenes are few."""
    moved, count = parts - parts.mean(), len(parts)
    square = float(moved @ moved) / count
    if square == 0:
        return 0.0
    return float(np.sum(moved**3)) / count / square**1.5 * math.sqrt(count * (count - 1)) / (count - 2)


def seed_part(means: Sequence[float]) -> tuple[float, int]:
    """Variance of the mean over seeds, by the spread of their means, and how many they are (at least 2)."""
    return float(np.var(means, ddof=1)) / len(means), len(means)


def freedom(scene_variance: float, scene_freedom: float, seeds: Sequence[tuple[float, int]]) -> float:
    """Degrees of freedom of a mean over scenes and seeds; see `Estimate` for the parts.

    The seeds' variances are put together first, and then with that of the scenes (Satterthwaite 1946). The spread of
    two or three seeds comes out small by chance, and would then claim the scenes' many degrees of freedom for itself.
    So it is also taken at its upper quartile here, though not in the error, and the fewer degrees of freedom count.
    """
    spread = sum(variance for variance, _ in seeds)
    if spread == 0:
        return scene_freedom
    from scipy.special import gammaincinv  # slow to import, and a run by itself has one seed

    # Of the sum of the seeds' variances, by Welch (1947), whose formula holds for so few; one less than the seeds of
    # one row. Satterthwaite's gives 1 to 2 for two seeds against two, and intervals that hold in 98 of 100 cases.
    own = 1 / sum((variance / spread) ** 2 / (count + 1) for variance, count in seeds) - 2
    quartile = 2 * float(gammaincinv(own / 2, 0.25)) / own  # of chi squared, by its mean
    found = []
    for variance in (spread, spread / quartile):
        total = scene_variance + variance
        found.append(1 / ((scene_variance / total) ** 2 / scene_freedom + (variance / total) ** 2 / own))
    return min(found)
