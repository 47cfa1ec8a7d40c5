"""Learning rates as closed forms of the epoch, counted from 1."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any


def epoch_of(step: int, steps: int, epochs: int) -> int:
    """Epoch that a 0-based step belongs to, where `steps` steps make `epochs` epochs: schedules stretch with steps."""
    return 1 + step * epochs // steps


def warm_cosine(train: Mapping[str, Any], epoch: int) -> float:
    """Linear warm-up, then a cosine, as the authors' two schedulers give it where PyTorch's recursion is exact.

    The last epoch of the warm-up and the first of the cosine both run at the full rate. Stock PyTorch's scheduler is
    one recursion step off at the hand-over, by 0.02 % at most.

    Args:
        train: ``rate``, ``rate_min``; ``warmup`` in epochs; ``cosine``: T_max in epochs (117 for denoising, so that
            its 80 epochs end at 28 % of the rate; to the end of the training for the others).
    """
    start, low, warmup = train["rate"], train["rate_min"], train["warmup"]
    if epoch <= warmup:
        return start * epoch / warmup
    return low + (start - low) * (1 + math.cos(math.pi * (epoch - warmup - 1) / train["cosine"])) / 2


def halved(rate: float, milestones: Sequence[int], epoch: int) -> float:
    """The rate, halved after each of the epochs `milestones`."""
    return rate * 0.5 ** sum(epoch > milestone for milestone in milestones)
