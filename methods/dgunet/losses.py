"""DGUNet's loss terms. Each takes the stages' images and the target, and sums over the stages, all of weight 1."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from methods.dgunet.precision import at_least_float32, precisely

EPSILON = 1e-3
EDGE_WEIGHT = 0.05
TAPS = (0.05, 0.25, 0.4, 0.25, 0.05)


def charbonnier(images: Sequence[Tensor], target: Tensor, *, clamp: bool = False) -> Tensor:
    """Sum over the stages of mean sqrt((x_k - target)^2 + 1e-6), a scalar.

    Args:
        images: (N, C, H, W) each, of any type; computed in float32 or better.
        clamp: the images to [0, 1] first (denoising), which also stops the gradient of what lies outside.
    """
    return sum_of_roots(differences(images, target, clamp), len(images))


def edge(images: Sequence[Tensor], target: Tensor, kernel: Tensor | None = None) -> Tensor:
    """Sum over the stages of mean sqrt((L x_k - L target)^2 + 1e-6) with the Laplacian L; a scalar.

    L is linear, so that it is applied to the differences. `kernel` as of `laplacian`.
    """
    return sum_of_roots(laplacian(differences(images, target), kernel), len(images))


def squared_error(images: Sequence[Tensor], target: Tensor, *, last_only: bool = False) -> Tensor:
    """Sum over the stages of mean (clamp(x_k, 0, 1) - target)^2, a scalar: compressive sensing.

    Args:
        last_only: the last stage alone (the authors' second mode).
    """
    chosen = images[:1] if last_only else images
    return differences(chosen, target, clamp=True).square().mean() * len(chosen)


def differences(images: Sequence[Tensor], target: Tensor, clamp: bool = False) -> Tensor:
    """(K * N, C, H, W): every stage's image minus the target, in float32 or better."""
    stacked = torch.stack([at_least_float32(image) for image in images])
    return ((stacked.clamp(0, 1) if clamp else stacked) - target).flatten(0, 1)


def sum_of_roots(difference: Tensor, stages: int) -> Tensor:
    """Charbonnier's penalty of stacked differences: a mean for each stage, summed."""
    return (difference.square() + EPSILON**2).sqrt().mean() * stages


def gaussian(dtype: torch.dtype = torch.float64, device: torch.device | str = "cpu") -> Tensor:
    """The 5x5 kernel of the Laplacian's pyramid step. The authors build it in float32."""
    taps = torch.tensor([TAPS], dtype=dtype, device=device)
    return taps.mT * taps  # no matrix product, which autocast would shorten


def laplacian(x: Tensor, kernel: Tensor | None = None) -> Tensor:
    """x minus its blurred, decimated and interpolated self; (N, C, H, W), any size.

    x - G(4 U(G(x))), where G blurs each channel (borders replicated) and U keeps every second row and column and puts
    zeros elsewhere.

    Args:
        kernel: (5, 5); default: `gaussian` in the type of x.
    """
    kernel = gaussian(x.dtype, x.device) if kernel is None else kernel.to(x)
    sparse = torch.zeros_like(x)
    sparse[..., ::2, ::2] = 4 * _blurred(x, kernel)[..., ::2, ::2]
    return x - _blurred(sparse, kernel)


def _blurred(x: Tensor, kernel: Tensor) -> Tensor:
    weight = kernel.expand(x.shape[1], 1, 5, 5)
    with precisely(x):
        return F.conv2d(F.pad(x, (2, 2, 2, 2), mode="replicate"), weight, groups=x.shape[1])
