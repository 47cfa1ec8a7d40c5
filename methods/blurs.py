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
    kernels = kernel.expand(x.shape[1], 1, *kernel.shape)
    return functional.conv2d(x, kernels, padding=0 if mirrored else reach, groups=x.shape[1])
