"""The loss terms of LIR: pure functions of image batches, score maps and latents, means over every element."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

from methods.blurs import filtered, gaussian_kernel, wide


def l1(a: Tensor, b: Tensor) -> Tensor:
    """Mean absolute difference."""
    return (a - b).abs().mean()


def mean_square(z: Tensor) -> Tensor:
    """What the code has for the divergence of a latent from N(0, 1)."""
    return wide(z).square().mean()


def scores_near(maps: Sequence[Tensor], wanted: float) -> Tensor:
    """Least squares: mean squared distance of the scores of each scale from `wanted`, summed over scales."""
    return torch.stack([(wide(scores) - wanted).square().mean() for scores in maps]).sum()


@lru_cache(maxsize=32)
def blur_kernel(side: int, sigma: float, dtype: torch.dtype, device: torch.device) -> Tensor:
    """`gaussian_kernel` made in float64, kept where it is used."""
    return gaussian_kernel(side, sigma).to(device, dtype)


def blurred(x: Tensor, side: int, sigma: float) -> Tensor:
    """Each channel of (N, C, H, W) blurred, borders mirrored; `side` odd, H and W above side / 2."""
    x = wide(x)
    return filtered(x, blur_kernel(side, sigma, x.dtype, x.device), mirrored=True)


def background(a: Tensor, b: Tensor, sides: Sequence[int], weights: Sequence[float], sigma: float) -> Tensor:
    """Background consistency: weighted sum of the mean absolute differences of blurred images.

    Args:
        a, b: (N, C, H, W). sides: of the kernels; with the code's sigma of 25 they are nearly boxes.
    """
    pairs = zip(sides, weights, strict=True)
    return torch.stack([weight * blurred(a - b, side, sigma).abs().mean() for side, weight in pairs]).sum()


def same_features(a: Tensor, b: Tensor) -> Tensor:
    """Mean squared difference of feature maps (N, C, h, w), each channel of an image brought to mean 0, variance 1."""
    return (functional.instance_norm(a, eps=1e-5) - functional.instance_norm(b, eps=1e-5)).square().mean()
