"""The loss terms of SCPGabNet and RSCP2GAN: pure functions of image batches in [0, 1], means over all elements.

Kernels are rounded to float32, as the authors store them; in float64 that moves the values by about 1e-9.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

from methods.blurs import filtered, gaussian_kernel, wide

# Sides and weights of the fixed blurs of the background loss. Their sigma of 25 pixels makes them all but box filters.
BACKGROUND = ((3, 0.01), (9, 0.1), (15, 1.0))
BACKGROUND_SIGMA = 25.0
SSIM_SIDE, SSIM_SIGMA = 11, 1.5
C1, C2 = 0.01**2, 0.03**2


@lru_cache(maxsize=32)
def ssim_window(rounded: bool, dtype: torch.dtype, device: torch.device) -> Tensor:
    """The 11x11 window. Rounded: made in float32 from the start, as the authors do."""
    made = gaussian_kernel(SSIM_SIDE, SSIM_SIGMA, torch.float32 if rounded else torch.float64)
    return made.to(dtype=dtype, device=device)


@lru_cache(maxsize=32)
def background_kernel(side: int, rounded: bool, dtype: torch.dtype, device: torch.device) -> Tensor:
    """A blur of the background loss. Rounded: made in float64, then stored in float32, as the authors do."""
    made = gaussian_kernel(side, BACKGROUND_SIGMA)
    return (made.float() if rounded else made).to(dtype=dtype, device=device)


def l1(a: Tensor, b: Tensor) -> Tensor:
    """Mean absolute difference."""
    return (a - b).abs().mean()


def mean_ssim(a: Tensor, b: Tensor, rounded: bool = True) -> Tensor:
    """Mean SSIM of two batches: 11x11 Gaussian window of sigma 1.5, zeros beyond the border, data range 1."""
    a, b = wide(a), wide(b)
    window = ssim_window(rounded, a.dtype, a.device)

    def smooth(x: Tensor) -> Tensor:
        return filtered(x, window, mirrored=False)

    mean_a, mean_b = smooth(a), smooth(b)
    variances = smooth(a * a) - mean_a.square() + smooth(b * b) - mean_b.square()
    covariance = smooth(a * b) - mean_a * mean_b
    similar = (2 * mean_a * mean_b + C1) * (2 * covariance + C2)
    return (similar / ((mean_a.square() + mean_b.square() + C1) * (variances + C2))).mean()


def log_ssim(a: Tensor, b: Tensor, rounded: bool = True, whole: Callable[[Tensor], Tensor] | None = None) -> Tensor:
    """-log10 of the mean SSIM.

    A mean of 0 or less, which the authors' code turns into NaN, gives 1 - mean instead: finite, with a gradient that
    leads out. An untrained DeamNet may be there, as it has no skip from input to output.

    Args:
        whole: makes the mean over a batch of that over this process's part (`Loop.mean`).
    """
    mean = mean_ssim(a, b, rounded)
    mean = whole(mean) if whole else mean
    positive = mean > 0
    return torch.where(positive, -torch.log10(torch.where(positive, mean, 1.0)), 1 - mean)


def background(a: Tensor, b: Tensor, rounded: bool = True) -> Tensor:
    """BGM: the weighted L1 distance of blurred images: what a degradation must leave alone."""
    terms = [weight * blurred_l1(a, b, side, rounded) for side, weight in BACKGROUND]
    return torch.stack(terms).sum()


def blurred_l1(a: Tensor, b: Tensor, side: int, rounded: bool = True) -> Tensor:
    """Mean absolute difference of two batches after a blur of the background loss, borders mirrored."""
    difference = wide(a) - wide(b)
    kernel = background_kernel(side, rounded, difference.dtype, difference.device)
    return filtered(difference, kernel, mirrored=True).abs().mean()


def adversarial(judged: Tensor, real: bool, kind: str = "lsgan") -> Tensor:
    """How far the discriminator's map is from saying real (1) or not (0).

    Args:
        kind: ``lsgan`` (mean square; what both codes run) or ``vanilla`` (binary cross-entropy of logits).
    """
    wanted = torch.full_like(judged, float(real))
    if kind == "vanilla":
        return functional.binary_cross_entropy_with_logits(judged, wanted)
    return functional.mse_loss(judged, wanted)
