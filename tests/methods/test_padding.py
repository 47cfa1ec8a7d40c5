"""Padding by slices: torch's values and gradients."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from methods.padding import continued


@pytest.mark.parametrize("mode", ["reflect", "replicate"])
@pytest.mark.parametrize("sides", [(1, 2, 3, 0), (0, 0, 0, 4), (5, 5, 4, 4)])
def test_values_and_gradients_are_those_of_torch(mode, sides):
    rng = torch.Generator().manual_seed(0)
    x = torch.rand(2, 3, 6, 7, generator=rng, dtype=torch.float64, requires_grad=True)
    mine, theirs = continued(x, sides, mode), functional.pad(x, sides, mode=mode)
    assert torch.equal(mine, theirs)
    towards = torch.rand(mine.shape, generator=rng, dtype=torch.float64)
    (a,), (b,) = (torch.autograd.grad((y * towards).sum(), x) for y in (mine, theirs))
    assert torch.allclose(a, b, rtol=1e-12, atol=0)
