"""Noise injected into a generator: one map per image and place, shared by all channels, with learned strengths."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from datasets.core.errors import UserError

# (N, 1, H, W) -> a map of that shape of standard normal draws. `torch.zeros` switches the noise off.
Draw = Callable[[int, int, int, int], Tensor]
# The fixed factor of noise: a number, or the ends of a range, see `of_each_image`.
Std = float | Sequence[float]


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


def injection(channels: int, std: Std, start: float = 0.0) -> Noise | Silence:
    """Noise of a standard deviation above 0, for a range its middle; for 0 none, and no keys in the state dict."""
    return Noise(channels, middle(std), start) if std else Silence()


def check_std(std: Any) -> None:
    """Raise UserError for what is neither a number of 0 or more nor a range above 0."""
    ends = std if isinstance(std, list | tuple) else [std, std]
    numbers = all(isinstance(end, int | float) and not isinstance(end, bool) for end in ends)
    if numbers and len(ends) == 2 and (0 < ends[0] < ends[1] if ends is std else std >= 0):
        return
    raise UserError(
        "train.noise_std is a number of 0 or more, or a range [LOW, HIGH] over the images with 0 < LOW < HIGH; "
        f"got {std!r}."
    )


def middle(std: Std) -> float:
    """The geometric mean of a range; a number itself."""
    return math.sqrt(std[0] * std[1]) if isinstance(std, Sequence) else std


def of_each_image(draw: Draw | None, std: Std, n: int) -> Draw | None:
    """The draw of one pass; for a range of `std` with a factor for each of the n images, the same in all its maps.

    The factor takes the middle of the range to a value that is log-uniform in it, so that one generator stands for weak
    noise as for strong. Ours: the authors have one strength. For a number nothing more is drawn.
    """
    if not isinstance(std, Sequence):
        return draw
    maps = draw or torch.randn
    uniform = torch.erf(maps(n, 1, 1, 1) / math.sqrt(2))  # in (-1, 1)
    factor = (std[1] / middle(std)) ** uniform
    return lambda *shape: factor * maps(*shape)
