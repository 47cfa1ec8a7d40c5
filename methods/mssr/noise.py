"""Noise injected into a generator: one map per image and place, shared by all channels, with learned strengths."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

# (N, 1, H, W) -> a map of that shape of standard normal draws. `torch.zeros` switches the noise off.
Draw = Callable[[int, int, int, int], Tensor]


class Noise(nn.Module):
    """h + w * (std * z), where the map z ~ N(0, 1) is drawn afresh in each pass, in eval mode too.

    Args:
        channels: of the features. std: fixed factor, 0.1 in the paper's commands.
        start: standard deviation of the initial strengths w, (1, channels, 1, 1); the authors begin at 0.
    """

    def __init__(self, channels: int, std: float, start: float = 0.0) -> None:
        super().__init__()
        self.std = std
        self.w = nn.Parameter(torch.zeros(1, channels, 1, 1))
        if start:
            nn.init.normal_(self.w, 0, start)

    def forward(self, h: Tensor, draw: Draw | None = None) -> Tensor:
        """(N, channels, H, W) -> the same shape.

        Args:
            draw: gives the map, see Draw; None draws from torch's global generator.
        """
        n, _, height, width = h.shape
        return h + self.w * (self.std * (draw or torch.randn)(n, 1, height, width).to(h))


class Silence(nn.Module):
    """In place of Noise where a generator is to be deterministic: no parameters, nothing drawn."""

    def forward(self, h: Tensor, draw: Draw | None = None) -> Tensor:
        """`h` itself."""
        return h


def injection(channels: int, std: float, start: float = 0.0) -> Noise | Silence:
    """Noise of a standard deviation above 0; for 0 none at all, and no keys in the state dict."""
    return Noise(channels, std, start) if std else Silence()
