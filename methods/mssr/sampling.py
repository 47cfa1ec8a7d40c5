"""Samples of degraded images from trained generators, with draws that belong to an image's name."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from methods.base import SampleInfo
from methods.mssr.noise import Draw


def keyed(info: Sequence[SampleInfo], draw: int) -> Draw:
    """Noise maps that depend, image by image, on (seed, name, draw, how many maps came before) alone."""
    count = 0

    def maps(n: int, *shape: int) -> Tensor:
        nonlocal count
        count += 1
        return torch.stack([one.draw(["degrade", draw, count], shape) for one in info])

    return maps


def sample(generators: nn.Module, x: Tensor, info: Sequence[SampleInfo], draw: int = 0) -> Tensor:
    """One degraded image per clean one: the draws take the generators in turn.

    Args:
        generators: in their order. x: (N, 3, H, W), in [0, 1]. info: one per image.
        draw: number of the sample, from 0.
    Returns:
        (N, 3, ceil(H / scale), ceil(W / scale)), unclamped.
    """
    each = list(generators.children())
    return each[draw % len(each)](x, keyed(info, draw))
