"""DeamNet, the restorer of SCPGabNet. Submodules carry the names that the published checkpoints have."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional


class Conv(nn.Module):
    """A k x k convolution with bias and zero padding; keys ``conv2d.*``."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3) -> None:
        super().__init__()
        self.conv2d = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, H, W)."""
        return self.conv2d(x)


class Rectified(nn.Module):
    """A 3x3 convolution and a ReLU; keys ``block.0.*``."""

    def __init__(self, width: int, stride: int = 1) -> None:
        super().__init__()
        self.block = nn.Sequential(nn.Conv2d(width, width, 3, stride, 1), nn.ReLU(inplace=True))

    def forward(self, x: Tensor) -> Tensor:
        """(N, width, H, W) -> (N, width, H / stride, W / stride)."""
        return self.block(x)


class Doubled(nn.Module):
    """Nearest neighbours at twice the size, then a rectified convolution. The keys call it a transposed convolution."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv2d = Rectified(width)

    def forward(self, x: Tensor) -> Tensor:
        """(N, width, H, W) -> (N, width, 2 H, 2 W)."""
        return self.conv2d(functional.interpolate(x, scale_factor=2.0, mode="nearest"))


def _gate(width: int) -> nn.Sequential:
    """Weights in (0, 1) through a bottleneck of a sixteenth of the features."""
    narrow = max(1, width // 16)
    return nn.Sequential(Conv(width, narrow), nn.ReLU(inplace=True), Conv(narrow, width), nn.Sigmoid())


class Weighing(nn.Module):
    """W_t: how much of the first transform enters the t-th step again, per feature and pixel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.C, self.cat = Conv(width, width), Conv(2 * width, width, 1)
        self.weight = nn.ModuleDict({"conv_du": _gate(width)})

    def forward(self, denoised: Tensor, start: Tensor) -> Tensor:
        """Both (N, width, H, W) -> weights in (0, 1) of the same shape."""
        return self.weight["conv_du"](self.cat(torch.cat([self.C(start), denoised], 1)))


class Attention(nn.Module):
    """Mixes a level of the encoder with what comes from below, by a learned gate."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.ConvTranspose = Doubled(width)
        self.C, self.cat = Conv(width, width), Conv(2 * width, width, 1)
        self.conv_du = _gate(width)

    def forward(self, below: Tensor, skip: Tensor) -> Tensor:
        """below (N, width, H, W), skip (N, width, 2 H, 2 W) -> as skip."""
        up = self.ConvTranspose(below)
        gate = self.conv_du(self.cat(torch.cat([self.C(skip), up], 1)))
        return (1 - gate) * up + gate * skip


class Joining(nn.Module):
    """What comes from below, doubled, beside the attended skip; one 1x1 convolution without activation joins them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.ConvTranspose, self.conv1 = Doubled(width), Rectified(width)
        self.cat = Conv(2 * width, width, 1)

    def forward(self, below: Tensor, skip: Tensor) -> Tensor:
        """below (N, width, H, W), skip (N, width, 2 H, 2 W) -> as skip."""
        return self.cat(torch.cat([self.conv1(skip), self.ConvTranspose(below)], 1))


class Down(nn.Module):
    """Two rectified convolutions (the skip), then one of stride 2."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(Rectified(width), Rectified(width), Rectified(width, stride=2))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(N, width, H, W) -> the skip of the same shape, and (N, width, H / 2, W / 2)."""
        skip = self.body[1](self.body[0](x))
        return skip, self.body[2](skip)


class Up(nn.Module):
    """Joins below and skip, then two rectified convolutions."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.upsample = Joining(width)
        self.body = nn.Sequential(Rectified(width), Rectified(width))

    def forward(self, below: Tensor, skip: Tensor) -> Tensor:
        """below (N, width, H, W), skip (N, width, 2 H, 2 W) -> as skip."""
        return self.body(self.upsample(below, skip))


class NonLinearOperator(nn.Module):
    """NLO: a U-Net with gated skips, added to its input. ``conv_dila*`` and ``cat1`` are stored, but never used."""

    def __init__(self, width: int, levels: int) -> None:
        super().__init__()
        self.levels = range(levels)
        self.conv_dila1, self.conv_dila2, self.conv_dila3 = (Conv(width, width, k) for k in (3, 5, 7))
        self.cat1 = nn.Conv2d(3 * width, width, 1)
        for level in self.levels:
            self.add_module(f"e{level}", Down(width))
            self.add_module(f"attention{level}", Attention(width))
            self.add_module(f"de{level}", Up(width))
        self.mid = nn.Sequential(Rectified(width), Rectified(width))
        self.final = Conv(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(N, width, H, W) with H and W multiples of 2 ** levels -> the same shape."""
        skips, inner = [], x
        for level in self.levels:
            skip, inner = self.get_submodule(f"e{level}")(inner)
            skips.append(skip)
        inner = self.mid(inner)
        for level in reversed(self.levels):
            attended = self.get_submodule(f"attention{level}")(inner, skips[level])
            inner = self.get_submodule(f"de{level}")(inner, attended)
        return x + self.final(inner)


class Transform(nn.Module):
    """T (into features) or its inverse (back to the image), each with one residual block among the features."""

    def __init__(self, width: int, channels: int, inverse: bool) -> None:
        super().__init__()
        self.inverse = inverse
        self.ext = Conv(width, channels) if inverse else Conv(channels, width)
        self.pre = nn.Sequential(Conv(width, width), nn.ReLU(inplace=True), Conv(width, width))

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) -> (N, width, H, W), or the other way round."""
        inner = x if self.inverse else self.ext(x)
        inner = inner + self.pre(inner)
        return self.ext(inner) if self.inverse else inner


class DeamNet(nn.Module):
    """C. Ren et al., "Adaptive Consistency Prior Based Deep Network for Image Denoising", CVPR 2021, for real noise.

    An unfolding: z <- (1 - W_t) * NLO(z) + W_t * T(x), t = 1, 2 ..., then the inverse transform. There is no skip from
    the input to the output, so an untrained one returns nothing like an image.

    Args:
        width: features. unfoldings: steps, which share the NLO. levels: of its U-Net.
        The authors' numbers give 2,228,131 parameters, 352,512 of them never used.
    """

    def __init__(self, width: int = 64, unfoldings: int = 4, levels: int = 4, channels: int = 3) -> None:
        super().__init__()
        self.multiple = 2**levels
        self.steps = [f"line{t}{t}" for t in range(1, unfoldings + 1)]
        self.transform_function = Transform(width, channels, inverse=False)
        self.inverse_transform_function = Transform(width, channels, inverse=True)
        for name in self.steps:
            self.add_module(name, Weighing(width))
        self.net2 = NonLinearOperator(width, levels)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W), H and W multiples of `multiple` -> the same shape, unclamped. x is not changed."""
        start = self.transform_function(x)
        inner = start
        for name in self.steps:
            denoised = self.net2(inner)
            weight = self.get_submodule(name)(denoised, start)
            inner = (1 - weight) * denoised + weight * start
        return self.inverse_transform_function(inner)


@torch.no_grad()
def initialise(net: DeamNet, identity: float = 0.0) -> None:
    """The authors' initial weights: Xavier's normal ones for every convolution, PyTorch's default for the biases.

    Args:
        identity: share, 0 to 1, of weights that return the image unchanged, which only the small recipes use: the
            first convolution hands each channel on in every third feature, the last one takes the means of them, and
            the residual branches begin at zero. Without a skip from input to output a colour that the clean images
            lack would otherwise keep what chance made of it.
    """
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.xavier_normal_(module.weight)
    if identity:
        first, last = net.transform_function.ext.conv2d, net.inverse_transform_function.ext.conv2d
        copying = _copying(first.weight)
        _move(first, copying, identity)
        _move(last, copying.transpose(0, 1) / copying.sum((0, 2, 3)).view(-1, 1, 1, 1), identity)
        for key in ("transform_function.pre.2", "inverse_transform_function.pre.2", "net2.final"):
            _move(cast(Conv, net.get_submodule(key)).conv2d, torch.zeros(()), identity)


def _copying(weight: Tensor) -> Tensor:
    """A convolution's (width, channels, k, k) weights that copy channel j modulo `channels` to feature j."""
    width, channels, side, _ = weight.shape
    copying, feature = torch.zeros_like(weight), torch.arange(width)
    copying[feature, feature % channels, side // 2, side // 2] = 1
    return copying


def _move(convolution: nn.Conv2d, weight: Tensor, share: float) -> None:
    """Move weights so far towards `weight`, and biases towards 0."""
    convolution.weight.lerp_(weight.expand_as(convolution.weight), share)
    if convolution.bias is not None:
        convolution.bias.mul_(1 - share)
