"""Filters channel by channel: against the definition, and in float32 while autocast runs the rest in bfloat16."""

from __future__ import annotations

import pytest
import torch

from methods.blurs import gaussian_kernel, per_channel
from methods.lir.losses import blurred
from methods.scpgan.losses import blurred_l1, mean_ssim


def images(seed: int) -> torch.Tensor:
    x = torch.rand(2, 3, 20, 18, generator=torch.Generator().manual_seed(seed))
    return x.bfloat16().contiguous(memory_format=torch.channels_last)


def test_a_filter_of_its_own_for_each_channel():
    kernels = torch.stack([gaussian_kernel(5, sigma) for sigma in (0.5, 1.0, 3.0)])[:, None]
    x = images(0).double()
    found = per_channel(x, kernels)
    windows = x.unfold(2, 5, 1).unfold(3, 5, 1)
    torch.testing.assert_close(found, (windows * kernels[:, 0, None, None]).sum((-1, -2)))


@pytest.mark.parametrize(
    "term",
    [
        lambda a, b: blurred(a, 15, 4.0),
        lambda a, b: blurred_l1(a, b, 15),
        mean_ssim,
        lambda a, b: per_channel(a, gaussian_kernel(15, 9.0).float().repeat(3, 1, 1, 1)),
    ],
)
def test_float32_under_autocast(term):
    """Inputs of bfloat16 are taken as they are; nothing after them is rounded to it."""
    a, b = images(1), images(2)
    with torch.autocast("cpu", torch.bfloat16):
        found = term(a, b)
    assert found.dtype == torch.float32
    assert torch.equal(found, term(a.float(), b.float()))
