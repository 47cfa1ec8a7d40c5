"""The patch discriminator, which sees an image and its high frequencies."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from methods.blurs import gaussian_kernel, per_channel

SLOPE, SIDE = 0.2, 15
HIGH_PASSES = ("learned", "gaussian")


class Blur(nn.Module):
    """A filter per channel with mirrored borders; key ``conv.weight``, (channels, 1, 15, 15).

    Args:
        sigma: of the Gaussian, in pixels.
        learned: the kernel is a parameter, which `initialise` fills at random, as in the released training; otherwise
            it stays the Gaussian that it is made as (a buffer).
    """

    def __init__(self, channels: int, sigma: float, learned: bool) -> None:
        super().__init__()
        kernel = gaussian_kernel(SIDE, sigma).float().repeat(channels, 1, 1, 1)
        self.conv = nn.Module()
        if learned:
            self.conv.register_parameter("weight", nn.Parameter(kernel))
        else:
            self.conv.register_buffer("weight", kernel)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W), sides of 8 or more -> the same shape, in float32 or better."""
        padded = functional.pad(x, [SIDE // 2] * 4, mode="reflect")
        return per_channel(padded, self.conv.weight)  # type: ignore[arg-type]


class Discriminator(nn.Module):
    """70x70 patches judged real or not: [u; gain * (u - blur(u))] through 4x4 convolutions with instance norms.

    Args:
        width: features of the first layer, doubled in each following one, at most eightfold.
        layers: of stride 2. The smallest side of an image is 24 with three of them. 0 leaves the first and the last
            one, 10x10 patches and no norm: what it says then grows with the noise's strength, which norms take away.
        high_pass: ``learned`` (the released code: its weight initialisation overwrites the Gaussian with random
            numbers, and the optimiser trains them) or ``gaussian`` (fixed, as it is constructed).
        gain: factor on the high frequencies; 1 in the authors' code. sigma: of the Gaussian.
        The authors' numbers give 2,768,484 parameters.
    """

    def __init__(
        self,
        width: int = 64,
        layers: int = 3,
        high_pass: str = "learned",
        gain: float = 1.0,
        sigma: float = 9.0,
        channels: int = 3,
    ) -> None:
        super().__init__()
        self.gain = gain
        self.Gas = Blur(channels, sigma, high_pass == "learned")
        widths = [width * min(2**n, 8) for n in range(layers + 1)]
        body: list[nn.Module] = [nn.Conv2d(2 * channels, width, 4, 2, 1), nn.LeakyReLU(SLOPE, inplace=True)]
        for n in range(1, layers + 1):
            body += [
                nn.Conv2d(widths[n - 1], widths[n], 4, 2 if n < layers else 1, 1),
                nn.InstanceNorm2d(widths[n]),
                nn.LeakyReLU(SLOPE, inplace=True),
            ]
        self.model = nn.Sequential(*body, nn.Conv2d(widths[-1], 1, 4, 1, 1))

    def forward(self, image: Tensor) -> Tensor:
        """(N, channels, H, W) -> (N, 1, about H / 8, about W / 8), unbounded."""
        details = image - self.Gas(image)
        if self.gain != 1:
            details = self.gain * details
        return self.model(torch.cat([image, details], 1))


@torch.no_grad()
def initialise(net: nn.Module, deviation: float = 0.02) -> None:
    """The authors' initial weights of generator and discriminator: convolutions N(0, 0.02), biases 0.

    Args:
        deviation: in place of the 0.02, which in a narrow network makes a layer's output vanish.

    A learned kernel of the high-pass is a convolution like any other to them: it ends as N(0, 0.02) as well.
    """
    for name, parameter in net.named_parameters():
        if name.endswith("bias"):
            parameter.zero_()
        elif parameter.dim() == 4:
            parameter.normal_(0, deviation)
