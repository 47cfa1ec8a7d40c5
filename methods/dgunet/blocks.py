"""The parts of DGUNet that are plain convolutions. State-dict keys, their order included, are the authors'.

All convolutions have stride 1 and zero padding that keeps the size, unless noted.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# What one U-Net hands to the next: encoder features e_j (level j's channels of the level below, resolution 1 / 2^j),
# decoder features d_j (coarse to fine; d_2 has the full resolution).
Features = tuple[list[Tensor], list[Tensor]]

HIDDEN = 64  # of the gradient step's residual blocks
REDUCTION = 4  # of the channel attention
SLOPE, FUSION_SLOPE = 0.2, 0.1  # of the leaky rectifiers: U-Net blocks, and their fusion


def conv(inputs: int, outputs: int, kernel: int = 3, bias: bool = False) -> nn.Conv2d:
    """A convolution that keeps the size."""
    return nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=bias)


class GradientBlock(nn.Module):
    """Stand-in for the unknown degradation or its transpose: x + conv(PReLU(conv(x))) on (N, 3, H, W).

    Args:
        activation: the PReLU, one object for all gradient blocks of a network (a default argument in their code).
    """

    def __init__(self, activation: nn.PReLU, channels: int = 3) -> None:
        super().__init__()
        self.body = nn.Sequential(conv(channels, HIDDEN, bias=True), activation, conv(HIDDEN, channels, bias=True))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class ChannelGate(nn.Module):
    """u times a weight per channel, made from the means of u over the image: squeeze and excitation."""

    def __init__(self, width: int) -> None:
        super().__init__()
        narrow = width // REDUCTION
        self.conv_du = nn.Sequential(conv(width, narrow, 1), nn.ReLU(), conv(narrow, width, 1), nn.Sigmoid())

    def forward(self, u: Tensor) -> Tensor:
        return u * self.conv_du(u.mean((-2, -1), keepdim=True))


class Attended(nn.Module):
    """f + gate(conv(PReLU(conv(f)))): MPRNet's channel-attention block, without biases."""

    def __init__(self, width: int, activation: nn.PReLU) -> None:
        super().__init__()
        self.CA = ChannelGate(width)
        self.body = nn.Sequential(conv(width, width), activation, conv(width, width))

    def forward(self, f: Tensor) -> Tensor:
        return f + self.CA(self.body(f))


def shallow(channels: int, width: int, activation: nn.PReLU) -> nn.Sequential:
    """Shallow features of an image: a convolution and an attended block."""
    return nn.Sequential(conv(channels, width), Attended(width, activation))


class Block(nn.Module):
    """A U-Net block, (N, inputs, H, W) -> (N, outputs, H, W).

    Args:
        normalised: instance norm (affine, no running statistics, hence the same in training and in eval mode) of the
            first half of the channels, as in HINet: the encoders' blocks.
        fused: take the previous U-Net's features of this level; ``gated`` modulates by them (RGB networks), ``sum``
            adds them (sensing); '' has none.
        down: has a convolution 4x4 of stride 2, applied by `halve`.
    """

    def __init__(
        self, inputs: int, outputs: int, *, normalised: bool = False, fused: str = "", down: bool = False
    ) -> None:
        super().__init__()
        self.fused = fused
        self.identity = conv(inputs, outputs, 1, bias=True)
        self.conv_1 = conv(inputs, outputs, bias=True)
        self.conv_2 = conv(outputs, outputs, bias=True)
        if fused:
            self.csff_enc = conv(outputs, outputs, bias=True)
            self.csff_dec = conv(inputs, outputs, bias=True)
        if fused == "gated":
            self.phi = conv(outputs, outputs, bias=True)
            self.gamma = conv(outputs, outputs, bias=True)
        self.norm = nn.InstanceNorm2d(outputs // 2, affine=True) if normalised else None
        self.downsample = nn.Conv2d(outputs, outputs, 4, stride=2, padding=1, bias=False) if down else None

    def forward(self, x: Tensor, enc: Tensor | None = None, dec: Tensor | None = None) -> Tensor:
        """`enc` (outputs channels) and `dec` (inputs channels) are the previous U-Net's, at the size of x."""
        t = self.conv_1(x)
        if self.norm is not None:
            half, rest = t.chunk(2, dim=1)
            t = torch.cat([self.norm(half), rest], dim=1)
        t = F.leaky_relu(self.conv_2(F.leaky_relu(t, SLOPE)), SLOPE)
        out = t + self.identity(x)
        return out if enc is None or dec is None else self._fuse(out, self.csff_enc(enc) + self.csff_dec(dec))

    def _fuse(self, out: Tensor, message: Tensor) -> Tensor:
        if self.fused == "sum":
            return out + message
        a = F.leaky_relu(message, FUSION_SLOPE)
        # The authors add `out` once more, so that the factor is 1 + sigmoid.
        return out * torch.sigmoid(self.phi(a)) + self.gamma(a) + out

    def halve(self, x: Tensor) -> Tensor:
        """(N, outputs, H, W) -> (N, outputs, H / 2, W / 2)."""
        halved: Tensor = self.get_submodule("downsample")(x)
        return halved


class Encoder(nn.Module):
    """Four levels of blocks; the widths are c_j = width + j * step, and a level's output has the next one's width."""

    def __init__(self, width: int, step: int, fused: str = "") -> None:
        super().__init__()
        c = [width + j * step for j in range(4)]
        levels = [Block(c[j], c[j + 1], normalised=True, fused=fused, down=True) for j in range(3)]
        self.body = nn.ModuleList([*levels, Block(c[3], c[3], normalised=True)])

    def forward(self, x: Tensor, previous: Features | None = None) -> tuple[Tensor, list[Tensor]]:
        """(N, c0, H, W), H and W multiples of 8 -> the deepest features (N, c3, H/8, W/8) and [e_0, e_1, e_2]."""
        skips = []
        *levels, deepest = cast(Iterable[Block], self.body)
        for j, level in enumerate(levels):
            # e_j meets d of the same resolution, and decoders count from the coarse end
            pair = () if previous is None else (previous[0][j], previous[1][2 - j])
            skips.append(level(x, *pair))
            x = level.halve(skips[-1])
        return deepest(x), skips


class Rise(nn.Module):
    """One level of the decoder: a transposed convolution 2x2 of stride 2, then a block over it and the skip."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(inputs, outputs, 2, stride=2)
        self.conv_block = Block(2 * outputs, outputs)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        return self.conv_block(torch.cat([self.up(x), skip], dim=1))


class Decoder(nn.Module):
    """Three levels up, each joined by the encoder's features through a convolution."""

    def __init__(self, width: int, step: int) -> None:
        super().__init__()
        c = [width + j * step for j in range(4)]
        self.body = nn.ModuleList([Rise(c[3 - j], c[2 - j]) for j in range(3)])
        self.skip_conv = nn.ModuleList([conv(c[3 - j], c[2 - j], bias=True) for j in range(3)])

    def forward(self, x: Tensor, encoded: list[Tensor]) -> list[Tensor]:
        """-> [d_0, d_1, d_2], at 1/4, 1/2 and the full resolution, of c2, c1 and c0 channels."""
        found: list[Tensor] = []
        for j in range(3):
            x = self.body[j](x, self.skip_conv[j](encoded[2 - j]))
            found.append(x)
        return found


class Supervised(nn.Module):
    """The end of a stage: features f (N, width, H, W), image v -> features for the next stage, this stage's image.

    Args:
        attention: gate the features by the image (sensing networks; the RGB ones have none, whatever the name says).
    """

    def __init__(self, width: int, channels: int, attention: bool) -> None:
        super().__init__()
        self.conv1 = conv(width, width, 1)
        self.conv2 = conv(width, channels, 1)
        self.conv3 = conv(channels, width, 1) if attention else None

    def forward(self, f: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        image = self.conv2(f) + v
        features = self.conv1(f)
        if self.conv3 is not None:
            features = features * torch.sigmoid(self.conv3(image))
        return features + f, image


def unet(encoder: nn.Module, decoder: nn.Module, f: Tensor, previous: Features | None = None) -> Features:
    """One U-Net on features f, with the previous one's features where the encoder fuses them."""
    deepest, encoded = encoder(f, previous)
    return encoded, decoder(deepest, encoded)
