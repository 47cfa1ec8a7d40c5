"""The conditional generator of degraded images, with its learned filter on the prompt."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from methods.blurs import gaussian_kernel

SLOPE = 0.2


class Residual(nn.Module):
    """Two convolutions, each with a leaky ReLU, added to their input.

    ``SA``, ``CA`` and ``conv1x1`` are an attention that the authors' forward pass leaves out; they are stored all the
    same, so that published checkpoints fit.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        narrow = max(1, width // 8)
        self.SA = nn.ModuleDict({"spatial": nn.ModuleDict({"conv": nn.Conv2d(2, 1, 3, padding=1, bias=False)})})
        squeeze = nn.Sequential(nn.Conv2d(width, narrow, 1), nn.ReLU(inplace=True), nn.Conv2d(narrow, width, 1))
        self.CA = nn.ModuleDict({"conv_du": squeeze})
        self.conv1x1 = nn.Conv2d(2 * width, width, 1)
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, width, H, W) -> the same shape."""
        inner = functional.leaky_relu(self.conv1(x), SLOPE)
        return x + functional.leaky_relu(self.conv2(inner), SLOPE)


class Generator(nn.Module):
    """Content and prompt in, a degraded content out: content + body([content; prompt - filter(prompt)]).

    No noise goes in: all that is random comes from the prompt, a degraded image or what was removed from one. The
    filter (``Gas``) is a learned convolution over all channels, in spite of its name.

    Args:
        width: features. blocks: residual ones. kernel: side of the filter, the first and the last convolution.
        The authors' numbers give 601,950 parameters, 56,223 of them never used.
    """

    def __init__(self, width: int = 64, blocks: int = 6, kernel: int = 7, channels: int = 3) -> None:
        super().__init__()
        padding = kernel // 2
        self.scale = nn.Parameter(torch.randn(channels, 1, 1))  # stored, never used
        self.Gas = nn.Conv2d(channels, channels, kernel, padding=padding)
        self.conv_input = nn.Sequential(nn.Conv2d(2 * channels, width, kernel, padding=padding))
        self.residual = nn.Sequential(*(Residual(width) for _ in range(blocks)))
        self.conv_output = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1),
            nn.LeakyReLU(SLOPE, inplace=True),
            nn.Conv2d(width, width, 3, padding=1),
            nn.LeakyReLU(SLOPE, inplace=True),
            nn.Conv2d(width, channels, kernel, padding=padding),
        )

    def forward(self, content: Tensor, prompt: Tensor) -> Tensor:
        """Both (N, channels, H, W), any H and W -> the same shape, unclamped."""
        details = prompt - self.Gas(prompt)
        return content + self.conv_output(self.residual(self.conv_input(torch.cat([content, details], 1))))


@torch.no_grad()
def hand_on(net: Generator, share: float) -> None:
    """Move initial weights towards a generator that hands the prompt's details on: content + prompt - blur(prompt).

    Two features carry each channel, with both signs, as lrelu(d) - lrelu(-d) = (1 + slope) * d; the residual blocks
    begin at zero. The degradation of a real image is then real from the first step on, and the filter is the Gaussian
    that its name (Gas) promises, of a deviation of 0.3 kernels. Not the authors'; only the small recipes use it.

    Args:
        net: with biases of 0 and 2 * channels features or more. share: 0 to 1.
    """
    channels, side = len(net.Gas.weight), net.Gas.weight.shape[-1]
    one, nothing = torch.eye(channels), torch.zeros(2 * channels, channels)
    split = torch.kron(one, torch.tensor([[1.0], [-1.0]]))
    join = split.T / (1 + SLOPE)
    blur = gaussian_kernel(side, 0.3 * side).float()
    net.Gas.weight.lerp_(one[:, :, None, None] * blur, share)
    _pass_on(net.conv_input[0], torch.cat([nothing, split], 1), share)
    for layer, mixing in ((0, torch.eye(2 * channels)), (2, split @ join), (4, join)):
        _pass_on(net.conv_output[layer], mixing, share)
    for block in net.residual:
        block.conv2.weight.mul_(1 - share)  # type: ignore[union-attr, operator]


def _pass_on(convolution: nn.Module, mixing: Tensor, share: float) -> None:
    """Move a convolution's weights towards mixing its first features pixel by pixel."""
    weight: Tensor = convolution.weight  # type: ignore[assignment]
    target = torch.zeros_like(weight)
    target[: len(mixing), : mixing.shape[1], weight.shape[2] // 2, weight.shape[3] // 2] = mixing
    weight.lerp_(target, share)
