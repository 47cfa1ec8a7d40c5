"""How a trained restorer restores: mirrored to sides that it can take, one pass, cropped. For adapter and stages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from datasets.core.registry import unknown
from methods.scpgan.network import Restorer

# always: 1 to `multiple` rows and columns, also where the side fits already (RSCP2GAN's script); needed: as few as fit;
# zeros: as few as fit, black ones (NAFNet's class).
PADDINGS = ("always", "needed", "zeros")


def mirrored(x: Tensor, multiple: int, padding: str) -> Tensor:
    """Continue a batch below and to the right by mirroring it, the border row and column included.

    Args:
        x: (N, C, H, W). multiple: that the new sides are of. padding: ``always`` or ``needed``, see PADDINGS.
    Returns:
        (N, C, H', W').
    """
    for dim in (-2, -1):
        side = x.shape[dim]
        wanted = (side // multiple + 1) * multiple if padding == "always" else -(-side // multiple) * multiple
        place = torch.arange(wanted, device=x.device) % (2 * side)
        x = x.index_select(dim, torch.minimum(place, 2 * side - 1 - place))
    return x


def padded(x: Tensor, multiple: int, padding: str) -> Tensor:
    """Continue a batch below and to the right as a value of PADDINGS says; (N, C, H, W) -> (N, C, H', W')."""
    if padding != "zeros":
        return mirrored(x, multiple, padding)
    return functional.pad(x, (0, -x.shape[-1] % multiple, 0, -x.shape[-2] % multiple))


def restore(net: Restorer, x: Tensor, settings: Mapping[str, Any]) -> Tensor:
    """Restore a batch, (N, 3, H, W) of any size, without self-ensemble.

    Args:
        settings: a recipe's ``restore`` table. padding: see PADDINGS; as Restormer's attention spans the image, it
            changes every pixel a little. clamp: whether the result is clamped to [0, 1].
    """
    if settings["padding"] not in PADDINGS:
        raise unknown("value of restore.padding", settings["padding"], PADDINGS)
    restored = net(padded(x, net.multiple, settings["padding"]))[..., : x.shape[-2], : x.shape[-1]]
    return restored.clamp(0, 1) if settings["clamp"] else restored
