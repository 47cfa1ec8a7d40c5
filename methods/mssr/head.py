"""How a generator's strides are laid out, and what its last convolution starts from."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from datasets.core.errors import UserError

_STRIDES = {1: (1, 1), 2: (2, 1), 4: (2, 2)}


def strides(scale: int) -> tuple[int, int]:
    """The strides of the two convolutions that shrink by a scale of 1, 2 or 4. Raises UserError for another one."""
    if scale not in _STRIDES:
        raise UserError(
            f"The networks of mssr shrink by 1, 2 or 4, not by {scale!r}; set network.scale to one of them."
        )
    return _STRIDES[scale]


@torch.no_grad()
def damp(conv: nn.Conv2d, factor: float) -> None:
    """Multiply the initial weights of a convolution by a factor; 0 lets a residual generator begin at its input."""
    for parameter in conv.parameters():
        parameter.mul_(factor)


def shrunk(x: Tensor, scale: int) -> Tensor:
    """What a residual generator adds to: antialiased bicubic, (N, C, H, W) -> (N, C, ceil(H / s), ceil(W / s)).

    It differs from MATLAB's in the weights at the border alone.
    """
    if scale == 1:
        return x
    size = [-(-side // scale) for side in x.shape[-2:]]
    return functional.interpolate(x, size=size, mode="bicubic", antialias=True, align_corners=False)
