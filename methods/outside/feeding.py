"""What a network is given beside the image: sides that it can take, and a map of the noise level."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from datasets.core.errors import UserError
from methods.base import SampleInfo


def padded(x: Tensor, multiple: int = 1, minimum: int = 0, square: bool = False) -> Tensor:
    """(N, C, H, W) made larger on the right and at the bottom, to sides that a network takes.

    Mirrored without repeating the edge as far as the image goes, then with its last row and column repeated.
    """
    height, width = x.shape[-2:]
    tall, wide = (-(-max(side, minimum) // multiple) * multiple for side in (height, width))
    if square:
        tall = wide = max(tall, wide)
    down, right = tall - height, wide - width
    mirrored = min(right, width - 1), min(down, height - 1)
    if any(mirrored):
        x = F.pad(x, (0, mirrored[0], 0, mirrored[1]), "reflect")
    rest = right - mirrored[0], down - mirrored[1]
    return F.pad(x, (0, rest[0], 0, rest[1]), "replicate") if any(rest) else x


def levels(x: Tensor, info: Sequence[SampleInfo] | None, sigma: float = 0.0) -> Tensor:
    """The noise level of each image on the [0, 1] scale, (N, 1, 1, 1).

    Args:
        info: one per image. sigma: of all of them on the scale of 0 to 255, in place of their own; 0 = their own.
    Raises:
        UserError: an image whose noise level is unknown.
    """
    known = [sigma / 255] * len(x) if sigma else [one.noise_level for one in info or ()]
    if len(known) != len(x) or any(level is None for level in known):
        name = next((f" of {one.name!r}" for one in info or () if one.noise_level is None), "")
        raise UserError(
            f"This network is told the noise level, and that{name} is unknown: give --set NAME.restore.sigma=15 to "
            "tell it one for all images, or --noise-level 15 for pictures of your own."
        )
    return torch.tensor(known, dtype=x.dtype, device=x.device).view(-1, 1, 1, 1)


def with_level_map(x: Tensor, level: Tensor) -> Tensor:
    """The images with the noise level as a last channel, (N, C + 1, H, W)."""
    return torch.cat([x, level.expand(-1, 1, *x.shape[-2:])], 1)
