"""A loss that ends far above what it was is told; one that falls, or wavers, is not."""

from __future__ import annotations

import numpy as np
import pytest

from benchmark.training.recovery import LEAST, unrecovered


def falling(steps: int) -> np.ndarray:
    rng = np.random.default_rng(5)
    return (0.05 + 0.1 * np.exp(-np.arange(steps) / 100)) * rng.lognormal(0, 0.4, steps)


@pytest.mark.parametrize("steps", [LEAST, 1000, 12001])
def test_a_loss_that_falls_is_not_told(steps):
    assert unrecovered(falling(steps).tolist()) == ""


def test_a_loss_that_never_comes_back_is_told_with_where_it_was_lowest():
    losses = falling(1000)
    losses[300:] = 0.37
    said = unrecovered(losses.tolist())
    assert "steps 201 to 300" in said and "diverged" in said


def test_a_loss_that_comes_back_is_not_told():
    losses = falling(1000)
    losses[300:400] = 5.0
    assert unrecovered(losses.tolist()) == ""


@pytest.mark.parametrize("losses", [[], [1.0] * (LEAST - 2) + [99.0], [0.0] * 500, [-1.0] * 500, [float("nan")] * 500])
def test_what_says_nothing_is_not_told(losses):
    assert unrecovered(losses) == ""
