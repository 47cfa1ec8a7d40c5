"""What a set of images could show: the smallest difference it would find, and how many scenes would settle one."""

from __future__ import annotations

import math

from benchmark.scoring.estimates import CONFIDENCE, FEWEST_SCENES, Estimate, freedom
from benchmark.scoring.student import student_quantile

POWER = 0.8  # how often a true difference of that size would be found
MOST_SCENES = 10**6


def smallest_difference(estimate: Estimate) -> float:
    """The smallest true difference that a set like this one finds four times in five, in the estimate's unit.

    The sum of the two quantiles of Student's t, times the error; it errs by a few per cent from the exact power of the
    t-test, on the careful side of none.
    """
    return _reach(estimate.freedom) * estimate.error


def scenes_needed(estimate: Estimate) -> int | None:
    """How many scenes like these would find a difference as large as the one measured, four times in five.

    None where no number would: the difference is 0, or the spread between seeds alone hides it.
    """
    target = abs(estimate.mean)
    if target == 0 or not _finds(estimate, MOST_SCENES, target):
        return None
    low, high = FEWEST_SCENES - 1, MOST_SCENES
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _finds(estimate, middle, target) else (middle, high)
    return high


def _finds(estimate: Estimate, scenes: int, target: float) -> bool:
    variance = estimate.scene_variance * estimate.scenes / scenes
    own = estimate.scene_freedom * (scenes - 1) / (estimate.scenes - 1)
    return _reach(freedom(variance, own, estimate.seeds)) * math.sqrt(variance + estimate.seed_variance) <= target


def _reach(freedom: float) -> float:
    return student_quantile(freedom, (1 + CONFIDENCE) / 2) + student_quantile(freedom, POWER)
