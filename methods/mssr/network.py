"""The networks, made as a recipe says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from datasets.core.registry import unknown
from methods.mssr.deresnet import DeResnet
from methods.mssr.discriminator import Discriminator
from methods.mssr.han import HAN
from methods.mssr.rrdb import RRDBNet

Generator = DeResnet | HAN
KINDS = ("deresnet", "han", "han2")


class Pair(nn.Module):
    """Two networks of one architecture, `a` and `b`, whose mean is the result."""

    def __init__(self, a: RRDBNet, b: RRDBNet) -> None:
        super().__init__()
        self.a, self.b = a, b
        self.scale, self.shrink, self.context = a.scale, a.shrink, a.context

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W), sides multiples of their `shrink` -> (N, 3, H * scale, W * scale), unbounded."""
        return 0.5 * self.a(x) + 0.5 * self.b(x)


def single(network: Mapping[str, Any]) -> RRDBNet:
    """One restorer of a recipe's ``network`` table, with its initial weights (torch's default generator)."""
    return RRDBNet(**network)


def restorer(network: Mapping[str, Any]) -> Pair:
    """Both restorers of a recipe's ``network`` table: the role ``restorer``."""
    return Pair(single(network), single(network))


def generator(train: Mapping[str, Any], kind: str, scale: int) -> Generator:
    """A generator of a recipe's ``train`` table, with its initial weights.

    Args:
        kind: of KINDS. scale: clean side / degraded side.
    """
    if kind not in KINDS:
        raise unknown("value of train.generators", kind, KINDS)
    common = {key: train[key] for key in ("noise_std", "noise_start", "residual", "head_start")}
    if kind == "deresnet":
        return DeResnet(train["deresnet_width"], train["deresnet_blocks"], scale=scale, **common)
    size = {key: train[f"han_{key}"] for key in ("features", "groups", "blocks", "reduction")}
    return HAN(**size, scale=scale, late_downsampling=kind == "han2", **common)


def generators(train: Mapping[str, Any], scale: int) -> nn.ModuleDict:
    """All generators of a recipe's ``train`` table by number, the first is ``1``: the role ``generator``.

    To be filled from weights: all zeros. They are as large as the published HAN, and zeros cost neither time nor memory
    until they are written.
    """
    with torch.device("meta"):
        kinds = enumerate(train["generators"], 1)
        nets = nn.ModuleDict({str(number): generator(train, kind, scale) for number, kind in kinds})
    zeros = {key: torch.zeros(value.shape, dtype=value.dtype) for key, value in nets.state_dict().items()}
    nets.load_state_dict(zeros, assign=True)
    return nets


def discriminator(train: Mapping[str, Any]) -> Discriminator:
    """The discriminator of a recipe's ``train`` table, with its initial weights."""
    size = train["discriminator_width"], train["discriminator_kernel"]
    keys = ("filter", "norm", "layout", "gain", "offset", "bands", "levels")
    return Discriminator(*size, **{key: train[key] for key in keys})
