"""Gaussian kernels and their use channel by channel, for losses and discriminators."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def gaussian_kernel(side: int, sigma: float, dtype: torch.dtype = torch.float64) -> Tensor:
    """A (side, side) kernel of sum 1, the outer product of two sampled Gaussians, as OpenCV makes it.

    Args:
        side: odd. sigma: in pixels. dtype: that the samples are normalised and multiplied in.
    """
    place = torch.arange(side, dtype=torch.float64) - (side - 1) / 2
    line = torch.exp(-place.square() / (2 * sigma**2)).to(dtype)
    line = line / line.sum()
    return torch.outer(line, line)


def filtered(x: Tensor, kernel: Tensor, *, mirrored: bool) -> Tensor:
    """A (k, k) filter per channel, (N, C, H, W) -> the same shape.

    Args:
        mirrored: reflect at the borders (not repeating them), which takes H and W above k / 2; otherwise zeros are
            taken beyond.
    """
    reach = len(kernel) // 2
    if mirrored:
        x = functional.pad(x, [reach] * 4, mode="reflect")
    return per_channel(x, kernel.expand(x.shape[1], 1, *kernel.shape), padding=0 if mirrored else reach)


def per_channel(x: Tensor, kernels: Tensor, padding: int = 0) -> Tensor:
    """Each channel of (N, C, H, W) under a filter of its own, (C, 1, k, k), zeros beyond the border: (N, C, ...).

    In float32 or better, under autocast too: in bfloat16, of 8 bits, what an image differs from its blur by is mostly
    rounding, and on a CPU such a convolution of many taps takes minutes with the channels last.
    """
    with torch.autocast(x.device.type, enabled=False):
        return functional.conv2d(wide(x), wide(kernels), padding=padding, groups=x.shape[1])


def wide(x: Tensor) -> Tensor:
    """In float32 or better: statistics, means of squares and small differences are not for 16 bits."""
    return x.to(torch.promote_types(x.dtype, torch.float32))
