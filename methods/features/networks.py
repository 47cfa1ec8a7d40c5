"""The convolutional parts of VGG-19, VGG-16 and AlexNet, frozen, with torchvision's layer numbers and key names."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

# Simonyan & Zisserman, ICLR 2015, configuration E: channels of the 3x3 convolutions; 0 is a pooling.
_VGG19 = (64, 64, 0, 128, 128, 0, 256, 256, 256, 256, 0, 512, 512, 512, 512, 0, 512, 512, 512, 512, 0)
VGG19_LAYERS = 37
# Configuration D of the same paper, up to its last ReLU.
_VGG16 = (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512)


class VGG19(nn.Module):
    """The first layers of VGG-19's ``features``, as torchvision numbers them. Frozen; gradients flow to the input.

    Args:
        layers: how many, 1 to 37. 20 ends with conv4_1 before its ReLU, 21 after it; conv5_1 is number 28, so 29.

    Convolutions (3x3, padding 1) are 0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34, each followed by a
    ReLU; poolings by 2 are 4, 9, 18, 27, 36. Keys are ``features.N.weight`` and ``features.N.bias``.
    """

    def __init__(self, layers: int) -> None:
        super().__init__()
        if not 1 <= layers <= VGG19_LAYERS:
            raise ValueError(f"VGG-19 has 1 to {VGG19_LAYERS} layers of features, not {layers}.")
        self.features = nn.Sequential(*_vgg_layers(_VGG19)[:layers])
        self.requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W), prepared as the weights want it (torchvision's: RGB in [0, 1], normalised) -> the last
        layer's (N, C, H', W'); sides are halved, rounded down, by each pooling."""
        features: Tensor = self.features(x)
        return features


def _vgg_layers(widths: tuple[int, ...]) -> list[nn.Module]:
    layers: list[nn.Module] = []
    channels = 3
    for width in widths:
        if width:
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
            channels = width
        else:
            layers.append(nn.MaxPool2d(2))
    return layers


class VGG16(nn.Module):
    """VGG-16's ``features`` as torchvision has them, without the last pooling.

    Frozen; gradients flow to the input. Keys are ``features.N.weight`` and ``.bias``, N of 0, 2, 5, 7, 10, 12, 14, 17,
    19, 21, 24, 26, 28.

    Args:
        pool: makes what halves the sides between the five stages; given the channels that pass it. None = max pooling.
    """

    channels = (64, 128, 256, 512, 512)  # of the five stages

    def __init__(self, pool: Callable[[int], nn.Module] | None = None) -> None:
        super().__init__()
        self.features = nn.Sequential(*_vgg_layers(_VGG16))
        poolings = [n for n, layer in enumerate(self.features) if isinstance(layer, nn.MaxPool2d)]
        self.ends = (*poolings, len(self.features))
        if pool:
            for place, channels in zip(poolings, self.channels, strict=False):
                self.features[place] = pool(channels)
        self.requires_grad_(False)

    def forward(self, x: Tensor) -> list[Tensor]:
        """(N, 3, H, W), normalised, sides at least 16 -> the outputs of the five stages, each (N, C, H', W')."""
        taps, start = [], 0
        for end in self.ends:
            x = self.features[start:end](x)
            taps.append(x)
            start = end
        return taps


class AlexNet(nn.Module):
    """AlexNet's ``features`` as torchvision has them (Krizhevsky, arXiv 1404.5997), without the last pooling.

    Frozen; gradients flow to the input. Keys are ``features.N.weight`` and ``.bias``, N of 0, 3, 6, 8, 10.
    """

    channels = (64, 192, 384, 256, 256)  # of the five ReLU outputs

    def __init__(self) -> None:
        super().__init__()
        one, two, three, four, five = self.channels
        self.features = nn.Sequential(
            *(nn.Conv2d(3, one, 11, stride=4, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2)),
            *(nn.Conv2d(one, two, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2)),
            *(nn.Conv2d(two, three, 3, padding=1), nn.ReLU()),
            *(nn.Conv2d(three, four, 3, padding=1), nn.ReLU()),
            *(nn.Conv2d(four, five, 3, padding=1), nn.ReLU()),
        )
        self.requires_grad_(False)

    def forward(self, x: Tensor) -> list[Tensor]:
        """(N, 3, H, W), normalised, sides at least 31 -> the outputs of the five ReLUs, each (N, C, H', W')."""
        taps = []
        for layer in self.features:
            x = layer(x)
            if isinstance(layer, nn.ReLU):
                taps.append(x)
        return taps
