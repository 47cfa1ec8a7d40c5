"""Whether a training's loss came back from where it once was: finite weights may be those of a diverged training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from benchmark.training.log import column
from methods.base import Stage

PARTS, LEAST = 10, 200  # parts that the steps are divided into; fewer steps say nothing
FACTOR = 2.0  # of the last part's mean against the lowest one


def diverged(stage: Stage, log: Path) -> str:
    """`unrecovered` of a finished stage's first loss, from the training's log; '' for adversaries.

    Their losses rise and fall with each other's.
    """
    if len(stage.optimisers) > 1 or not stage.losses:
        return ""
    return unrecovered(column(log, stage.name, stage.losses[0]))


def unrecovered(losses: Sequence[float]) -> str:
    """A sentence on a loss that ends far above what it once was; '' where it does not, or where that says nothing.

    Made for losses that should fall. In an adversarial training a loss may rise while the weights get better.

    Args:
        losses: positive, one per step, in their order.
    """
    size = len(losses) // PARTS
    if len(losses) < LEAST:
        return ""
    means = [fmean(losses[k * size : (k + 1) * size]) for k in range(PARTS)]
    low = min(means)
    if not low > 0 or means[-1] <= FACTOR * low:
        return ""
    place = means.index(low)
    return (
        f"the loss ends {means[-1] / low:.1f} times as high as it was in steps {place * size + 1} to "
        f"{(place + 1) * size}: the training has diverged and not come back"
    )
