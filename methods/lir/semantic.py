"""Semantic consistency: what a network that names pictures sees in two images."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from datasets.core.registry import unknown
from methods.lir.losses import same_features

# caffe: BGR in 0..255 less the mean colour, which is what the code feeds to torchvision's weights, though these were
# trained on the other: RGB in [0, 1], shifted and scaled per channel.
INPUTS = ("caffe", "torchvision")
CAFFE_MEAN = (103.939, 116.779, 123.680)
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def prepared(x: Tensor, kind: str) -> Tensor:
    """RGB images (N, 3, H, W), nominally in [0, 1], as a feature network of a kind of INPUTS takes them."""
    if kind not in INPUTS:
        raise unknown("value of train.vgg_input", kind, INPUTS)
    if kind == "caffe":
        return x.flip(1) * 255 - _planes(CAFFE_MEAN, x)
    return (x - _planes(MEAN, x)) / _planes(DEVIATION, x)


def _planes(values: tuple[float, ...], x: Tensor) -> Tensor:
    return torch.tensor(values, dtype=x.dtype, device=x.device).view(-1, 1, 1)


class Semantic(nn.Module):
    """P(u, v) of two images.

    Args:
        features: frozen; (N, 3, H, W) -> (N, C, h, w). kind: see INPUTS.
    """

    def __init__(self, features: nn.Module, kind: str) -> None:
        super().__init__()
        self.features, self.kind = features, kind

    def forward(self, u: Tensor, v: Tensor) -> Tensor:
        """The distance of (N, 3, H, W) and (N, 3, H, W); the gradient flows to both."""
        seen = [self.features(prepared(image, self.kind)) for image in (u, v)]
        return same_features(*seen)
