"""The parts of HAN: residual channel attention, layer attention and channel-spatial attention.

As MSSR's generator has them, which is not quite the published super-resolution network.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def conv(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    """3x3 with a border of zeros."""
    return nn.Conv2d(inputs, outputs, 3, stride, 1)


class ChannelAttention(nn.Module):
    """A weight for each channel from the channels' means."""

    def __init__(self, features: int, reduction: int) -> None:
        super().__init__()
        inner = max(features // reduction, 1)
        squeeze, widen = nn.Conv2d(features, inner, 1), nn.Conv2d(inner, features, 1)
        self.conv_du = nn.Sequential(squeeze, nn.ReLU(inplace=True), widen, nn.Sigmoid())

    def forward(self, h: Tensor) -> Tensor:
        """(N, features, H, W) -> the same shape."""
        return h * self.conv_du(h.mean((2, 3), keepdim=True))


class RCAB(nn.Module):
    """Residual channel attention block: h + attention(conv(ReLU(conv(h))))."""

    def __init__(self, features: int, reduction: int) -> None:
        super().__init__()
        relu, attention = nn.ReLU(inplace=True), ChannelAttention(features, reduction)
        self.body = nn.Sequential(conv(features, features), relu, conv(features, features), attention)

    def forward(self, h: Tensor) -> Tensor:
        """(N, features, H, W) -> the same shape."""
        return h + self.body(h)


class Group(nn.Module):
    """Blocks, a convolution, and the group's input added."""

    def __init__(self, features: int, blocks: int, reduction: int) -> None:
        super().__init__()
        parts = [RCAB(features, reduction) for _ in range(blocks)]
        self.body = nn.Sequential(*parts, conv(features, features))

    def forward(self, h: Tensor) -> Tensor:
        """(N, features, H, W) -> the same shape."""
        return h + self.body(h)


class LayerAttention(nn.Module):
    """LAM: each stage's output plus gamma times a mean over the stages, weighted by how *unlike* they are.

    The weights are a softmax of (largest product of the row - product); the products grow with the number of pixels,
    so that with real features nearly all weight is on a single stage.
    """

    def __init__(self) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, stack: Tensor) -> Tensor:
        """(N, stages, C, H, W) -> (N, stages * C, H, W)."""
        n, stages, channels, height, width = stack.shape
        flat = stack.reshape(n, stages, -1)
        mixed = self.gamma * torch.bmm(layer_weights(flat), flat) + flat
        return mixed.reshape(n, stages * channels, height, width)


def layer_weights(flat: Tensor) -> Tensor:
    """(N, stages, values) -> (N, stages, stages), rows of sum 1."""
    products = torch.bmm(flat, flat.transpose(1, 2))
    return (products.amax(2, keepdim=True) - products).softmax(2)


class ChannelSpatialAttention(nn.Module):
    """CSAM as the code has it: h * sigmoid(3-D convolution over channels, rows and columns).

    `gamma` weighs a residual in the published module; here it is in the state dict and in no formula.
    """

    def __init__(self) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(1))
        self.conv = nn.Conv3d(1, 1, 3, padding=1)

    def forward(self, h: Tensor) -> Tensor:
        """(N, C, H, W) -> the same shape."""
        return h * self.conv(h[:, None])[:, 0].sigmoid()
