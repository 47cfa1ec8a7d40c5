"""NAFNet, the restorer that RSCP2GAN's authors take for rain and snow. Submodules carry the published names."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

EPSILON = 1e-6


class LayerNorm2d(nn.Module):
    """Normalises each pixel over its channels (eps 1e-6), then scales and shifts; keys ``weight`` and ``bias``."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        """(N, width, H, W) -> the same shape."""
        variance, mean = torch.var_mean(x, 1, correction=0, keepdim=True)
        scaled = (x - mean) / (variance + EPSILON).sqrt()
        return scaled * self.weight[:, None, None] + self.bias[:, None, None]


def gated(x: Tensor) -> Tensor:
    """SimpleGate: one half of the channels times the other, (N, 2 C, H, W) -> (N, C, H, W)."""
    first, second = x.chunk(2, 1)
    return first * second


class Block(nn.Module):
    """A NAFNet block: gated depthwise convolution under simplified channel attention, then a gated feed-forward part.

    Each is normalised before, and added to its input by a learned scale per channel (``beta``, ``gamma``), 0 at first.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, 2 * width, 1)
        self.conv2 = nn.Conv2d(2 * width, 2 * width, 3, padding=1, groups=2 * width)
        self.conv3 = nn.Conv2d(width, width, 1)
        self.sca = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(width, width, 1))
        self.conv4, self.conv5 = nn.Conv2d(width, 2 * width, 1), nn.Conv2d(width, width, 1)
        self.norm1, self.norm2 = LayerNorm2d(width), LayerNorm2d(width)
        self.beta, self.gamma = (nn.Parameter(torch.zeros(1, width, 1, 1)) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        """(N, width, H, W) -> the same shape."""
        z = gated(self.conv2(self.conv1(self.norm1(x))))
        x = x + self.beta * self.conv3(z * self.sca(z))
        return x + self.gamma * self.conv5(gated(self.conv4(self.norm2(x))))


class NAFNet(nn.Module):
    """L. Chen, X. Chu, X. Zhang, J. Sun, "Simple Baselines for Image Restoration", ECCV 2022, arXiv 2204.04676.

    Args:
        width: features of the first level, doubled at each one below.
        encoder: blocks per level, from the full size down. middle: blocks at the bottom.
        decoder: blocks per level, from the bottom up; as many levels.

    Attributes:
        multiple: of the sides, 2^levels. The published class pads inside with zeros, which here `inference` does.
        With width 32, encoder [1, 1, 1, 28], middle 1, decoder [1, 1, 1, 1] it has 17,111,907 parameters.
    """

    def __init__(
        self,
        width: int = 32,
        encoder: Sequence[int] = (1, 1, 1, 28),
        middle: int = 1,
        decoder: Sequence[int] = (1, 1, 1, 1),
        channels: int = 3,
    ) -> None:
        super().__init__()
        self.multiple = 1 << len(encoder)
        widths = [width << level for level in range(len(encoder))]

        def level(features: int, count: int) -> nn.Sequential:
            return nn.Sequential(*(Block(features) for _ in range(count)))

        self.intro = nn.Conv2d(channels, width, 3, padding=1)
        self.ending = nn.Conv2d(width, channels, 3, padding=1)
        self.encoders = nn.ModuleList(level(*pair) for pair in zip(widths, encoder, strict=True))
        self.downs = nn.ModuleList(nn.Conv2d(w, 2 * w, 2, 2) for w in widths)
        self.middle_blks = level(width << len(encoder), middle)
        self.ups = nn.ModuleList(_up(2 * w) for w in reversed(widths))
        self.decoders = nn.ModuleList(level(*pair) for pair in zip(reversed(widths), decoder, strict=True))

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W), H and W multiples of `multiple` -> the same shape, unclamped."""
        z, skips = self.intro(x), []
        for blocks, down in zip(self.encoders, self.downs, strict=True):
            skips.append(blocks(z))
            z = down(skips[-1])
        z = self.middle_blks(z)
        for blocks, up in zip(self.decoders, self.ups, strict=True):
            z = blocks(up(z) + skips.pop())
        return x + self.ending(z)


def _up(width: int) -> nn.Sequential:
    """Twice the size and half the features, by moving channels into pixels."""
    return nn.Sequential(nn.Conv2d(width, 2 * width, 1, bias=False), nn.PixelShuffle(2))


@torch.no_grad()
def initialise(net: NAFNet, identity: float = 0.0) -> None:
    """PyTorch's default initial weights, which the constructor has drawn, moved towards returning the image unchanged.

    Args:
        identity: share, 0 to 1; at 1 nothing is added to the image at first. 0 is the published code's.
    """
    for parameter in net.ending.parameters():
        parameter.mul_(1 - identity)
