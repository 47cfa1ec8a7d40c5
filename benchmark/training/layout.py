"""The memory layout that a training computes in: on a CPU, channels last save changes of layout around convolutions."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

FIRST, LAST = "channels first", "channels last"


def layout(setting: str, device: torch.device, made_on: Mapping[str, str] | None) -> str:
    """The layout of a training.

    The layouts differ in the last bits, so a training that goes on keeps the one that its checkpoint was made in.

    Args:
        setting: of `TrainSettings.channels_last`. device: of the training.
        made_on: of the checkpoint that it goes on from; None at the start. Without a word of it: channels first, the
            only layout that there was.
    """
    if setting != "auto":
        return LAST if setting == "on" else FIRST
    if made_on is not None:
        return made_on.get("layout", FIRST)
    return LAST if device.type == "cpu" else FIRST


def arrange(network: nn.Module, kind: str) -> None:
    """Put the weights of convolutions into a layout, in place; values do not change."""
    if kind == LAST:
        for tensor in (*network.parameters(), *network.buffers()):
            if tensor.dim() == 4:
                tensor.data = tensor.data.contiguous(memory_format=torch.channels_last)


def arranged(batch: dict[str, Tensor], kind: str) -> dict[str, Tensor]:
    """A batch in a layout: images (N, C, H, W), anything else as it is."""
    if kind == FIRST:
        return batch
    last = torch.channels_last
    return {name: x.contiguous(memory_format=last) if x.dim() == 4 else x for name, x in batch.items()}
