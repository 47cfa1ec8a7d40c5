"""DeResnet: a residual network that degrades, with noise before each of its blocks."""

from __future__ import annotations

from torch import Tensor, nn

from methods.mssr.head import damp, shrunk, strides
from methods.mssr.noise import Draw, Std, injection, of_each_image


class ResidualBlock(nn.Module):
    """h + conv(PReLU(conv(h))), one slope."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.prelu = nn.PReLU()
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, h: Tensor) -> Tensor:
        """(N, width, H, W) -> the same shape."""
        return h + self.conv2(self.prelu(self.conv1(h)))


class DeResnet(nn.Module):
    """A clean image to a sample of the degraded one, at the full size until the strided convolutions at the end.

    Args:
        width: features. blocks: residual blocks, each with noise before it.
        noise_std: of the injected maps, or its range over the images; 0 = a deterministic network, without their keys.
        scale: clean side / degraded side: 4 or 2 (stride-2 convolutions after the blocks), or 1 (none: our adaptation;
            the authors' code fails there).
        residual: the output is the shrunken input plus the last convolution's, in place of a sigmoid of that one.
        noise_start, head_start: see Noise and `damp`.
        The authors' numbers give 668,750 parameters, 594,892 at scale 1.
    """

    def __init__(
        self,
        width: int = 64,
        blocks: int = 8,
        noise_std: Std = 0.1,
        scale: int = 4,
        residual: bool = False,
        noise_start: float = 0.0,
        head_start: float = 1.0,
    ) -> None:
        super().__init__()
        self.scale, self.residual, self.noise_std = scale, residual, noise_std
        self.block_input = nn.Sequential(nn.Conv2d(3, width, 3, padding=1), nn.PReLU())
        self.noises = nn.ModuleList(injection(width, noise_std, noise_start) for _ in range(blocks))
        self.res_blocks = nn.ModuleList(ResidualBlock(width) for _ in range(blocks))
        self.down_sample = nn.Sequential(*_downs(width, scale))
        self.block_output = nn.Conv2d(width, 3, 3, padding=1)
        damp(self.block_output, head_start)

    def forward(self, x: Tensor, draw: Draw | None = None) -> Tensor:
        """Sample degraded images.

        Args:
            x: (N, 3, H, W) clean, in [0, 1].
            draw: of the noise maps, see Noise, asked once per block in order; for a range of noise_std once before.
        Returns:
            (N, 3, ceil(H / scale), ceil(W / scale)), in [0, 1]; unbounded where `residual`.
        """
        h, draw = self.block_input(x), of_each_image(draw, self.noise_std, len(x))
        for noise, block in zip(self.noises, self.res_blocks, strict=True):
            h = block(noise(h, draw))
        out = self.block_output(self.down_sample(h))
        return shrunk(x, self.scale) + out if self.residual else out.sigmoid()


def _downs(width: int, scale: int) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for stride in strides(scale):
        if stride > 1:
            layers += [nn.Conv2d(width, width, 3, stride, 1), nn.PReLU()]
    return layers
