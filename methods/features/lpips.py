"""LPIPS: the distance of two pictures as a network sees them, with weights learnt from what people answered."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from methods.features.networks import VGG16, AlexNet

# Of an image in [-1, 1]: what brings it to the range that the backbone was trained on.
_SHIFT = (-0.030, -0.088, -0.188)
_SCALE = (0.458, 0.448, 0.450)
_EPSILON = 1e-10


class LPIPS(nn.Module):
    """Zhang, Isola, Efros, Shechtman, Wang, CVPR 2018, arXiv 1801.03924: version 0.1.

    As its authors' first release computes it, which has an epsilon under the root of the norm too; the package
    ``lpips`` dropped that one, a difference far below the fourth digit. Frozen; gradients flow to both images.

    Args:
        backbone: AlexNet or VGG16, gives the features.
        heads: ``lin0.model.1.weight`` ... ``lin4.model.1.weight`` -> (1, C, 1, 1), the weight of each channel.
    """

    def __init__(self, backbone: AlexNet | VGG16, heads: dict[str, Tensor]) -> None:
        super().__init__()
        self.net = backbone
        for number, channels in enumerate(backbone.channels):
            with torch.device("meta"):  # the heads' own tensors take their places, whatever their type
                self.add_module(f"lin{number}", _Head(channels))
        inner = {f"net.{key}": value for key, value in backbone.state_dict().items()}
        self.load_state_dict({**inner, **heads}, assign=True)
        self.requires_grad_(False)
        self.eval()

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """(N, 3, H, W) twice, RGB in [0, 1] (values outside are taken as they are), sides at least 31
        (AlexNet) or 16 (VGG16) -> (N,)."""
        return torch.stack(self.contributions(x, y)).sum(0)

    def contributions(self, x: Tensor, y: Tensor) -> list[Tensor]:
        """What each of the five taps adds to the distance, (N,) each."""
        pairs = zip(self.net(_normalised(x)), self.net(_normalised(y)), strict=True)
        return [
            self.get_submodule(f"lin{number}")((_unit(a) - _unit(b)) ** 2).mean((1, 2, 3))
            for number, (a, b) in enumerate(pairs)
        ]


class _Head(nn.Module):
    """A weighted sum over channels, under the key ``model.1`` that the published file has (0 was a dropout)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.model = nn.Sequential(nn.Identity(), nn.Conv2d(channels, 1, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, 1, H, W)."""
        weighted: Tensor = self.model(x)
        return weighted


def _normalised(x: Tensor) -> Tensor:
    # plain numbers rather than buffers: exact in every dtype, and nothing to move between devices
    planes = zip((2 * x - 1).unbind(1), _SHIFT, _SCALE, strict=True)
    return torch.stack([(plane - shift) / scale for plane, shift, scale in planes], 1)


def _unit(features: Tensor) -> Tensor:
    """Each pixel's features divided by their length."""
    return features / ((_EPSILON + (features**2).sum(1, keepdim=True)).sqrt() + _EPSILON)
