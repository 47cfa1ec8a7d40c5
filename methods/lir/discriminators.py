"""What judges images, at several scales, and what judges latents. Submodules carry the official checkpoints' names."""

from __future__ import annotations

import math
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional

from methods.lir.blocks import ConvBlock
from methods.lir.losses import blurred
from methods.lir.network import CHANNELS

# The official code has 0.2 in the discriminators of images and PyTorch's default in that of latents.
SLOPE, LATENT_SLOPE = 0.2, 0.01
LATENT_LAYERS = 4


class ImageDiscriminator(nn.Module):
    """D_X and D_Y: a network of its own for each scale, each scale half of the one before. 8,271,171 parameters.

    Args:
        dim: features of the first layer, doubled in each following one. layers: of stride 2. scales: how many.
        high_pass: 0 for the authors', which sees images as they are; otherwise the side of a box, and what is seen is
            what an image has beyond its mean over that: noise, but no colours of scenes.
    """

    def __init__(self, dim: int = 64, layers: int = 4, scales: int = 3, high_pass: int = 0) -> None:
        super().__init__()
        self.high_pass = high_pass
        self.cnns = nn.ModuleList(_patch_discriminator(dim, layers) for _ in range(scales))
        initialise(self)

    def forward(self, x: Tensor) -> list[Tensor]:
        """(N, 3, H, W) -> a score map (N, 1, about H / 2^layers, ...) for each scale, unbounded.

        The authors' four layers at three scales need sides of 61 or more.
        """
        if self.high_pass:
            x = x - blurred(x, self.high_pass, math.inf)
        maps = []
        for place, net in enumerate(self.cnns):
            if place:
                x = functional.avg_pool2d(x, 3, 2, 1, count_include_pad=False)
            maps.append(net(x))
        return maps


def _patch_discriminator(dim: int, layers: int) -> nn.Sequential:
    widths = [CHANNELS, *(dim << level for level in range(layers))]
    blocks = [ConvBlock(inputs, outputs, 4, 2, 1, "none", nn.LeakyReLU(SLOPE)) for inputs, outputs in pairwise(widths)]
    return nn.Sequential(*blocks, nn.Conv2d(widths[-1], 1, 1))


class Halved(nn.Module):
    """A 3x3 convolution of stride 2 with mirrored borders, rectified; keys ``model.1.*``."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.model = nn.Sequential(nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3, 2), nn.LeakyReLU(LATENT_SLOPE))

    def forward(self, z: Tensor) -> Tensor:
        """(N, width, h, w) -> (N, width, about h / 2, about w / 2)."""
        return self.model(z)


class LatentDiscriminator(nn.Module):
    """D_R: a content latent -> how much it looks like a clean image's. 2,360,577 parameters for 256 features.

    The smallest side of a latent is 9.
    """

    def __init__(self, width: int = 256) -> None:
        super().__init__()
        halved = (Halved(width) for _ in range(LATENT_LAYERS))
        self.model = nn.Sequential(*halved, nn.AdaptiveAvgPool2d(1), nn.Conv2d(width, 1, 1))
        initialise(self)

    def forward(self, z: Tensor) -> Tensor:
        """(N, width, h, w) -> (N,), unbounded."""
        return self.model(z).flatten()


def initialise(net: nn.Module) -> None:
    """The authors' initial weights of all discriminators: N(0, 0.02^2), biases 0."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.normal_(module.weight, 0.0, 0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
