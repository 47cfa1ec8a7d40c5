"""What the discriminator sees of an image: Haar details, or what a blur takes away."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from methods.mssr.wavelet import haar

SIDE = 5  # of the blurs
VARIANCE = (SIDE / 6) ** 2  # of the Gaussian one
ROOT_HALF = 0.5**0.5


class Wavelet(nn.Module):
    """The three Haar detail bands, all channels of one after the other's, or their mean; see `haar`.

    The buffers are those of the authors' library, so that their checkpoints load strictly; the sums need none.

    Args:
        levels: 1 in the paper; further ones add the details of what is left, at half the size each.
    """

    def __init__(self, levels: int = 1) -> None:
        super().__init__()
        self.levels = levels
        for name, sign in (("h0", 1.0), ("h1", -1.0)):
            taps = torch.tensor([ROOT_HALF, sign * ROOT_HALF])
            self.register_buffer(f"{name}_col", taps.reshape(1, 1, 2, 1))
            self.register_buffer(f"{name}_row", taps.reshape(1, 1, 1, 2))

    def forward(self, x: Tensor) -> Sequence[Tensor]:
        """(N, C, H, W) -> LH, HL, HH of half the size, then those of each further level, enlarged to that size."""
        x, *bands = haar(x)
        size = x.shape[-2:]
        for _ in range(1, self.levels):
            x, *details = haar(x)
            bands += [functional.interpolate(detail, size=size, mode="nearest") for detail in details]
        return bands


class LowPass(nn.Module):
    """A 5x5 Gaussian (zeros beyond the border) or mean (of the pixels inside), channel by channel."""

    def __init__(self, gaussian: bool) -> None:
        super().__init__()
        self.filter = nn.Module()
        self.filter.gaussian_filter = nn.Module()
        if gaussian:
            self.filter.gaussian_filter.register_buffer("weight", _gaussian().repeat(3, 1, 1, 1))
        self.gaussian = gaussian

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) -> the same shape."""
        if not self.gaussian:
            return functional.avg_pool2d(x, SIDE, 1, SIDE // 2, count_include_pad=False)
        weight: Tensor = self.filter.gaussian_filter.weight  # type: ignore[union-attr,assignment]
        return functional.conv2d(x, weight, padding=SIDE // 2, groups=3)


def _gaussian() -> Tensor:
    """(1, 1, 5, 5) of sum 1, in float32 as the authors make it."""
    square = (torch.arange(SIDE, dtype=torch.float32) - SIDE // 2).square()
    kernel = torch.exp(-(square[:, None] + square) / (2 * VARIANCE))
    return (kernel / kernel.sum())[None, None]


class HighPass(nn.Module):
    """What a low-pass takes away."""

    def __init__(self, gaussian: bool) -> None:
        super().__init__()
        self.filter_low = LowPass(gaussian)

    def forward(self, x: Tensor) -> Sequence[Tensor]:
        """(N, 3, H, W) -> one tensor of the same shape."""
        return (x - self.filter_low(x),)
