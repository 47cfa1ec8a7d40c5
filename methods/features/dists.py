"""DISTS: the distance of two pictures by the structure and texture of a network's features."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from datasets.core.errors import UserError
from methods.features.networks import VGG16

# ImageNet's, of an image in [0, 1].
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_EPSILON, _ROOT = 1e-6, 1e-12
CHANNELS = (3, *VGG16.channels)


class L2Pooling(nn.Module):
    """The root of the local mean square under a Hanning window of 3 taps, at every second pixel: pools without aliases.

    Args:
        channels: of the input.
    """

    window: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        taps = torch.tensor([0.25, 0.5, 0.25])
        self.register_buffer("window", torch.outer(taps, taps).expand(channels, 1, 3, 3).clone(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, (H + 1) // 2, (W + 1) // 2)."""
        squares = functional.conv2d(x**2, self.window, stride=2, padding=1, groups=x.shape[1])
        return (squares + _ROOT).sqrt()


class DISTS(nn.Module):
    """Ding, Ma, Wang, Simoncelli, "Image Quality Assessment: Unifying Structure and Texture Similarity", TPAMI 2020.

    Channel by channel of the picture itself and of five stages of VGG-16 (with `L2Pooling`), texture is compared by the
    means, structure by the covariance; learnt weights sum to one. Nothing is resized. Frozen; gradients flow to both
    images.

    Args:
        backbone: made with ``pool=L2Pooling``.
        weights: ``alpha`` (texture) and ``beta`` (structure), each (1, 1475, 1, 1).
    Raises:
        UserError: weights of other names or shapes.
    """

    alpha: Tensor
    beta: Tensor

    def __init__(self, backbone: VGG16, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        shape = (1, sum(CHANNELS), 1, 1)
        if {key: tuple(value.shape) for key, value in weights.items()} != {"alpha": shape, "beta": shape}:
            raise UserError(f"Expected alpha and beta of shape {shape} for DISTS; got {', '.join(weights)}.")
        self.net = backbone
        total = sum(value.sum() for value in weights.values())
        for name in ("alpha", "beta"):
            self.register_buffer(name, (weights[name] / total).flatten())
        self.requires_grad_(False)
        self.eval()

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """(N, 3, H, W) twice, RGB in [0, 1], sides at least 16 -> (N,)."""
        parts = [self._similarities(a, b) for a, b in zip(self._features(x), self._features(y), strict=True)]
        texture, structure = (torch.cat(each, 1) for each in zip(*parts, strict=True))
        return 1 - (self.alpha * texture + self.beta * structure).sum(1)

    def _features(self, x: Tensor) -> list[Tensor]:
        planes = zip(x.unbind(1), _MEAN, _DEVIATION, strict=True)
        normalised = torch.stack([(plane - mean) / deviation for plane, mean, deviation in planes], 1)
        return [x, *self.net(normalised)]

    @staticmethod
    def _similarities(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """(N, C, H, W) twice -> texture and structure, (N, C) each."""
        mean_x, mean_y = x.mean((2, 3)), y.mean((2, 3))
        variances = [((each - mean[..., None, None]) ** 2).mean((2, 3)) for each, mean in ((x, mean_x), (y, mean_y))]
        covariance = (x * y).mean((2, 3)) - mean_x * mean_y
        texture = (2 * mean_x * mean_y + _EPSILON) / (mean_x**2 + mean_y**2 + _EPSILON)
        return texture, (2 * covariance + _EPSILON) / (variances[0] + variances[1] + _EPSILON)
