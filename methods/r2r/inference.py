"""How a trained network restores: one pass, or the mean over recorrupted draws. Shared by the adapter and the stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from datasets.core.errors import UserError
from methods.base import SampleInfo
from methods.r2r.network import DnCNN


def bgr(x: Tensor) -> Tensor:
    """RGB to BGR or back, (N, C, H, W): the order in which the official real-noise weights were trained. Grey stays."""
    return x.flip(1) if x.shape[1] == 3 else x


def restore(net: DnCNN, x: Tensor, info: Sequence[SampleInfo] | None, settings: Mapping[str, Any]) -> Tensor:
    """Restore a batch, (N, C, H, W) RGB or grey.

    Args:
        settings: a recipe's ``restore`` table. draws: 0 = one pass over the image itself (the authors' SIDD test);
            T = the mean of T passes over y + alpha sigma z (their Gaussian test, T = 50), z keyed by (image, pass).
            alpha: of those passes. clamp: whether the result is clamped to [0, 1] (after the mean, never before).
    Raises:
        UserError: draws are asked for, but an image's noise level is unknown.
    """
    x = bgr(x)
    restored = bgr(_mean_of_passes(net, x, info, settings) if settings["draws"] else net(x))
    return restored.clamp(0, 1) if settings["clamp"] else restored


def _mean_of_passes(net: DnCNN, x: Tensor, info: Sequence[SampleInfo] | None, settings: Mapping[str, Any]) -> Tensor:
    infos = _with_levels(info, len(x))
    strength = torch.tensor([settings["alpha"] * float(i.noise_level or 0) for i in infos]).to(x).view(-1, 1, 1, 1)
    total = torch.zeros_like(x)
    for number in range(settings["draws"]):
        z = torch.stack([i.draw(number, x.shape[1:]) for i in infos]).to(x)
        total += net(x + strength * z)
    return total / settings["draws"]


def _with_levels(info: Sequence[SampleInfo] | None, count: int) -> Sequence[SampleInfo]:
    if info is None or any(i.noise_level is None for i in info):
        name = next(
            (i.name for i in info or () if i.noise_level is None), f"a batch of {count} images without information"
        )
        raise UserError(
            f"R2R's mean over recorrupted draws needs the noise level of each image; it is unknown for {name}. "
            "Use a dataset that tells it, or one plain pass: --set restore.draws=0."
        )
    return info
