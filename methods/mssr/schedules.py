"""Learning rates and weights as functions of (step, steps): nothing to be saved, and right after any restart."""

from __future__ import annotations

import math


def staircase(step: int, steps: int, epochs: int, decay_epoch: int) -> float:
    """The generators' factor: 1 up to `decay_epoch`, then linearly down; it changes once per epoch.

    The authors' 1 - (e - 350) / 150 for the 0-based epoch e of 500; the last epoch has 1 / 150.
    """
    epoch = step * epochs // steps
    return 1.0 if epoch < decay_epoch else 1 - (epoch - decay_epoch) / (epochs - decay_epoch)


def halved(step: int, steps: int, halvings: float) -> float:
    """The collaborative training's factor: halved every steps / `halvings` steps (every 200,000 of 1,000,000: 5)."""
    return 0.5 ** int(step * halvings / steps)


def ramp(step: int, steps: int, start: int) -> float:
    """Weight of the adaptation terms: step / steps, and 0 up to step `start`."""
    return step / steps if step > start else 0.0


def restarted_cosine(step: int, steps: int, restarts: int, rate: float, floor: float) -> float:
    """Learning rate of the supervised start: `restarts` equal periods, each down from `rate` to `floor` as a cosine."""
    place = step * restarts % steps / steps
    return floor + (rate - floor) * (1 + math.cos(math.pi * place)) / 2
