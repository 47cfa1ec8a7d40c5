"""What the authors do to training patches beyond flips and rotations. Pure functions of given uniform numbers."""

from __future__ import annotations

import torch
from torch import Tensor

# Pillow's weights of grey, times 2^16.
GREY = (19595, 38470, 7471)
# MATLAB's weights of luma in the video range, for R, G, B in [0, 1], on the scale 0..255.
LUMA, BLACK = (65.481, 128.553, 24.966), 16.0


def saturate(image: Tensor, factor: Tensor) -> Tensor:
    """Multiply the saturation as Pillow does: grey + factor (x - grey), in whole levels.

    Args:
        image: (N, 3, H, W) RGB, multiples of 1/255. factor: (N,).
    Returns:
        the same shape, in whole levels (cut off, not rounded) within [0, 1].
    """
    levels = (image * 255).round()
    r, g, b = (levels[:, c : c + 1] * weight for c, weight in enumerate(GREY))
    grey = ((r + g + b + (1 << 15)) / (1 << 16)).floor()
    return (grey + factor.view(-1, 1, 1, 1) * (levels - grey)).clamp(0, 255).floor() / 255


def jitter(images: tuple[Tensor, Tensor], draws: Tensor, strength: float) -> tuple[Tensor, Tensor]:
    """In a third of the pairs, change the saturation of both images by one factor, uniform in 1 -+ strength.

    Another third gets gamma 1 in the authors' code, which does nothing.

    Args:
        images: degraded and clean, (N, 3, H, W). draws: (N, 2) uniform in [0, 1).
    """
    chosen = draws[:, 0] >= 2 / 3
    factor = 1 + strength - 2 * strength * draws[:, 1]
    degraded, clean = (torch.where(chosen.view(-1, 1, 1, 1), saturate(x, factor), x) for x in images)
    return degraded, clean


def rows_and_transposes(x: Tensor, draws: Tensor) -> Tensor:
    """The flips that the authors' sensing code makes: upside down, then transposed, each for half of the patches.

    It means to flip left-right, upside down and rotate, but its images have a channel axis in front.

    Args:
        x: (N, C, S, S). draws: (N, 2) uniform in [0, 1).
    """
    turned, transposed = ((draws[:, k] < 0.5).view(-1, 1, 1, 1) for k in (0, 1))
    x = torch.where(turned, x.flip(-2), x)
    return torch.where(transposed, x.mT, x)


def training_luma(x: Tensor) -> Tensor:
    """(N, 3, H, W) RGB in [0, 1] -> (N, 1, H, W): MATLAB's luma, 16/255 to 235/255, not rounded. Grey stays grey."""
    if x.shape[1] == 1:
        return x
    weights = x.new_tensor(LUMA).view(1, 3, 1, 1)
    return ((x * weights).sum(1, keepdim=True) + BLACK) / 255
