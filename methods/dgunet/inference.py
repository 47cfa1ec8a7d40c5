"""How a trained network restores, shared by the adapter and the stages: padding, blocks, the last stage's image."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from datasets.core.errors import UserError
from methods.base import SampleInfo
from methods.dgunet.description import MULTIPLE
from methods.dgunet.network import DGUNet, DGUNetPlus
from methods.dgunet.sensing import SensingDGUNet, from_blocks, to_blocks

AT_ONCE = 16  # patches of a sensed image that are restored together, which bounds the memory


def restore(net: DGUNet | DGUNetPlus, x: Tensor) -> Tensor:
    """The last stage's image of degraded (N, 3, H, W), unclamped; sides of 16 or more.

    Other sides than multiples of 8 are padded right and at the bottom by reflection and cut back (as the authors do
    for RealBlur). Padding moves every pixel a little, since instance norm, attention and projection see the whole.
    """
    height, width = x.shape[-2:]
    padded = F.pad(x, (0, -width % MULTIPLE, 0, -height % MULTIPLE), mode="reflect")
    return net(padded)[0][..., :height, :width]


def measure(net: SensingDGUNet, clean: Tensor, patch: int) -> Tensor:
    """What the network starts from, Phi^T Phi x for each block of (N, 1, H, W).

    Args:
        patch: see `recover`. Sides are padded with black to its multiples (0: to the blocks'), as the authors do; the
            estimate keeps the padding, since its pixels hold part of what was measured at the border.
    Raises:
        UserError: the images are not grey.
    """
    return net.sense(_filled(clean, patch or net.block))


def recover(net: SensingDGUNet, start: Tensor, patch: int, info: Sequence[SampleInfo] | None = None) -> Tensor:
    """The last stage's image from the initial estimate (N, 1, H, W), of the same size, unclamped.

    Args:
        patch: side of the squares that are restored each for itself (128 in the authors' test), 0 = the whole image.
            A multiple of the network's blocks.
    Raises:
        UserError: the image was to be sensed at another ratio than the network's, comes turned (self-ensemble), or is
            not grey.
    """
    _check(net, info or ())
    if patch % net.block:
        raise UserError(f"restore.patch takes a multiple of {net.block} pixels, the side of a block; got {patch}.")
    height, width = start.shape[-2:]
    full = _filled(start, patch or net.block)
    if not patch:
        return net.unfold(full)[0][..., :height, :width]
    patches = to_blocks(full, patch)
    each = [net.unfold(part)[0] for part in patches.reshape(-1, 1, patch, patch).split(AT_ONCE)]
    joined = from_blocks(torch.cat(each).view_as(patches), *full.shape[-2:])
    return joined[..., :height, :width]


def _filled(x: Tensor, multiple: int) -> Tensor:
    channels, height, width = x.shape[1:]
    if channels != 1:
        raise UserError(f"Compressive sensing takes grey images; these have {channels} channels.")
    return F.pad(x, (0, -width % multiple, 0, -height % multiple))


def _check(net: SensingDGUNet, info: Sequence[SampleInfo]) -> None:
    for image in info:
        ratio = image.meta.get("ratio", net.ratio)
        if ratio != net.ratio:
            raise UserError(
                f"{image.name} is to be sensed at {ratio:g} %, but these weights sense at {net.ratio:g} %; ask for the "
                f"dataset with [ratio={net.ratio:g}], or take weights for {ratio:g} %."
            )
        if "#flip" in image.name:
            raise UserError(
                "What a block measures does not turn with it, so compressive sensing has no self-ensemble; leave "
                "--self-ensemble out."
            )
