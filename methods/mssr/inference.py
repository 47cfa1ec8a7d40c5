"""How restorers restore images of any size: continued to sides that they take, one pass, cropped. Never clamped."""

from __future__ import annotations

import torch
from torch import Tensor

from methods.mssr.network import Pair
from methods.mssr.rrdb import RRDBNet


def restore(net: RRDBNet | Pair, x: Tensor) -> Tensor:
    """Restore a batch, (N, 3, H, W) -> (N, 3, H * scale, W * scale), by a restorer or the mean of a pair of them."""
    height, width = (side * net.scale for side in x.shape[-2:])
    return net(continued(x, net.shrink))[..., :height, :width]


def continued(x: Tensor, multiple: int) -> Tensor:
    """Continue a batch below and to the right by mirroring it, border row and column included.

    Args:
        x: (N, C, H, W) of any size. multiple: that the new sides are of.
    """
    for dim in (-2, -1):
        side = x.shape[dim]
        place = torch.arange(-(-side // multiple) * multiple, device=x.device) % (2 * side)
        x = x.index_select(dim, torch.minimum(place, 2 * side - 1 - place)) if len(place) > side else x
    return x
