"""Building blocks of the generators. Submodules carry the names that the official checkpoints have."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from methods.blurs import wide

EPSILON = 1e-5
NORMS = ("batch", "layer", "none")


class LayerNorm(nn.Module):
    """Each image over all its channels and pixels: gamma * (x - mean) / (std + 1e-5) + beta.

    Neither torch's LayerNorm nor its GroupNorm: the deviation is the unbiased one, and epsilon is added to it rather
    than to the variance. Statistics span the image, so a tile gives another result than the whole.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) -> the same shape, computed in float32 at least."""
        std, mean = torch.std_mean(wide(x), dim=(1, 2, 3), keepdim=True)
        scale, shift = self.gamma.view(1, -1, 1, 1), self.beta.view(1, -1, 1, 1)
        return ((wide(x) - mean) / (std + EPSILON) * scale + shift).to(x.dtype)


def norm_layer(kind: str, channels: int) -> nn.Module | None:
    """A norm of NORMS; None for ``none``."""
    made: dict[str, type[nn.Module]] = {"batch": nn.BatchNorm2d, "layer": LayerNorm}
    return made[kind](channels) if kind in made else None


class ConvBlock(nn.Module):
    """A convolution with mirrored borders and bias, a norm, an activation; keys ``conv.*`` and ``norm.*``.

    Args:
        padding: rows and columns that are mirrored on each side (the border itself is not repeated).
        norm: of NORMS. activation: without parameters; None leaves values as they are.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        stride: int,
        padding: int,
        norm: str = "none",
        activation: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, padding_mode="reflect")
        self.norm = norm_layer(norm, outputs)
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, H / stride, W / stride), rounded down."""
        x = self.conv(x)
        if self.norm is not None:
            x = self.norm(x)
        return x if self.activation is None else self.activation(x)


class Residual(nn.Module):
    """x + two 3x3 blocks; nothing is rectified after the sum, so latents are signed."""

    def __init__(self, width: int, norm: str) -> None:
        super().__init__()
        first = ConvBlock(width, width, 3, 1, 1, norm, nn.ReLU())
        self.model = nn.Sequential(first, ConvBlock(width, width, 3, 1, 1, norm))

    def forward(self, x: Tensor) -> Tensor:
        """(N, width, H, W) -> the same shape."""
        return x + self.model(x)


class Residuals(nn.Module):
    """Residual blocks in a row; keys ``model.N.*``."""

    def __init__(self, count: int, width: int, norm: str) -> None:
        super().__init__()
        self.model = nn.Sequential(*(Residual(width, norm) for _ in range(count)))

    def forward(self, x: Tensor) -> Tensor:
        """(N, width, H, W) -> the same shape."""
        return self.model(x)
