"""How a trained restorer restores: the whole image, continued to sides that the network keeps."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from methods.lir.network import Restorer


def restore(net: Restorer, x: Tensor) -> Tensor:
    """Restore a batch (N, C, H, W), unclamped; sides of `net.smallest` or more.

    Sides are continued by mirroring, right and at the bottom, to multiples of `net.multiple`, and cut back; the authors
    cut the image instead, or get a smaller one. The layer norms take their statistics over the whole, so the padding
    moves every pixel a little.
    """
    height, width = x.shape[-2:]
    padded = functional.pad(x, (0, -width % net.multiple, 0, -height % net.multiple), mode="reflect")
    return net(padded)[..., :height, :width]
