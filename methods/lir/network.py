"""The generators: content encoders, noise encoder, decoders, and the restorer that two of them make."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from datasets.core.errors import UserError
from datasets.core.registry import unknown
from methods.lir.blocks import NORMS, ConvBlock, LayerNorm, Residuals
from methods.lir.description import smallest

CHANNELS = 3  # grey images are given to the networks as three equal channels


def _down(dim: int, halvings: int, kernel: int, norm: str) -> list[nn.Module]:
    """From an image to dim * 2^halvings features at 1 / 2^halvings of its size."""
    layers: list[nn.Module] = [ConvBlock(CHANNELS, dim, kernel, 1, kernel // 2, norm, nn.ReLU())]
    for level in range(halvings):
        layers.append(ConvBlock(dim << level, dim << level + 1, 4, 2, 1, norm, nn.ReLU()))
    return layers


class Encoder(nn.Module):
    """E_X and E_Y: image -> content latent. 5,390,848 parameters with the authors' numbers."""

    def __init__(self, dim: int, halvings: int, residuals: int, kernel: int, norm: str) -> None:
        super().__init__()
        self.model = nn.Sequential(*_down(dim, halvings, kernel, norm), Residuals(residuals, dim << halvings, norm))

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) -> (N, dim * 2^halvings, H / 2^halvings, W / 2^halvings), rounded down; signed."""
        return self.model(x)


class NoiseEncoder(nn.Module):
    """E_X^N: degraded image -> noise latent of `width` channels, as large as the content latent. 731,904 parameters."""

    def __init__(self, dim: int, halvings: int, kernel: int, norm: str, width: int) -> None:
        super().__init__()
        self.model = nn.Sequential(*_down(dim, halvings, kernel, norm), nn.Conv2d(dim << halvings, width, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) -> (N, width, H / 2^halvings, W / 2^halvings), rounded down."""
        return self.model(x)


class Decoder(nn.Module):
    """G_X and G_Y: latent -> image in (-reach, reach), by tanh. 23,002,627 and 5,758,723 parameters.

    Args:
        width: of the latent: content for G_Y, [content; noise] for G_X.
        up_norm: of the blocks that follow each enlargement. reach: 1 for the authors', whose noisy images are clipped.
    """

    def __init__(
        self, width: int, halvings: int, residuals: int, kernel: int, norm: str, up_norm: str, reach: float
    ) -> None:
        super().__init__()
        self.reach = reach
        layers: list[nn.Module] = [Residuals(residuals, width, norm)]
        for _ in range(halvings):
            layers += [nn.Upsample(scale_factor=2), ConvBlock(width, width // 2, 5, 1, 2, up_norm, nn.ReLU())]
            width //= 2
        self.model = nn.Sequential(*layers, ConvBlock(width, CHANNELS, kernel, 1, kernel // 2, "none", nn.Tanh()))

    def forward(self, z: Tensor) -> Tensor:
        """(N, width, h, w) -> (N, 3, h * 2^halvings, w * 2^halvings)."""
        return self.reach * self.model(z)


def widths(network: Mapping[str, Any]) -> tuple[int, int]:
    """Channels of the content and of the noise latent; the authors' have as many of either."""
    content = network["dim"] << network["halvings"]
    return content, network["noise_channels"] or content


def _decoder(network: Mapping[str, Any], width: int) -> Decoder:
    keys = ("halvings", "decoder_residuals", "kernel", "norm", "up_norm", "reach")
    return Decoder(width, *(network[key] for key in keys))


# The children of a generator by their names in the official checkpoints. Of each pair of generators three are never
# called: the clean one's `styc` and `dec_recs`, the degraded one's `dec_cont`.
PARTS: Mapping[str, Callable[[Mapping[str, Any]], nn.Module]] = {
    "enc": lambda n: Encoder(n["dim"], n["halvings"], n["residuals"], n["kernel"], n["norm"]),
    "styc": lambda n: NoiseEncoder(n["dim"], n["halvings"], n["kernel"], n["norm"], widths(n)[1]),
    "dec_cont": lambda n: _decoder(n, widths(n)[0]),
    "dec_recs": lambda n: _decoder(n, sum(widths(n))),
}
USED = {"a": ("enc", "styc", "dec_recs"), "b": ("enc", "dec_cont")}


def generator(network: Mapping[str, Any], parts: Sequence[str] = tuple(PARTS)) -> nn.ModuleDict:
    """The named parts of a generator with their initial weights (torch's default generator).

    Args:
        network: a recipe's table.
    Raises:
        UserError: an unknown norm, or numbers that make no network.
    """
    _check(network)
    made = nn.ModuleDict({name: PARTS[name](network) for name in parts})
    initialise(made, network["last_gain"])
    return made


def _check(network: Mapping[str, Any]) -> None:
    for key in ("norm", "up_norm"):
        if network[key] not in NORMS:
            raise unknown(f"value of network.{key}", network[key], NORMS)
    if network["dim"] < 2 or network["halvings"] < 0 or network["residuals"] < 0:
        raise UserError(
            "LIR's generators take network.dim of 2 or more, and network.halvings and network.residuals of 0 or more; "
            f"got {network['dim']}, {network['halvings']} and {network['residuals']}."
        )


def initialise(net: nn.Module, last_gain: float = 1.0) -> None:
    """The authors' initial weights: convolutions by He's rule over inputs, biases 0, layer norms' gamma uniform.

    Args:
        last_gain: factor on the decoders' last convolutions. Without norms their tanh would begin, and stay, saturated.
    """
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, a=0, mode="fan_in")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, LayerNorm):
            nn.init.uniform_(module.gamma)
    for module in net.modules():
        if isinstance(module, Decoder):
            module.model[-1].get_parameter("conv.weight").data.mul_(last_gain)


class Restorer(nn.Module):
    """G_Y(E_X(x)): the encoder of the degraded and the decoder of the clean side. 11,149,571 parameters.

    Args:
        enc, dec_cont: of the generators of degraded and of clean images. grey: images have one channel.

    Attributes:
        multiple: of the sides that come back as large as they were. smallest: side; 8 for the authors'.
    """

    def __init__(self, enc: nn.Module, dec_cont: nn.Module, halvings: int, grey: bool = False) -> None:
        super().__init__()
        self.enc, self.dec_cont = enc, dec_cont
        self.multiple, self.grey = 1 << halvings, grey
        self.smallest = smallest(self.multiple)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W), or (N, 1, H, W) where grey -> the same shape; sides of `multiple`."""
        if not self.grey:
            return self.dec_cont(self.enc(x))
        return self.dec_cont(self.enc(colours(x))).mean(1, keepdim=True)


def colours(x: Tensor) -> Tensor:
    """(N, 1 or 3, H, W) -> (N, 3, H, W): a grey image as three equal channels."""
    return x.expand(-1, CHANNELS, -1, -1)


def restorer(network: Mapping[str, Any]) -> Restorer:
    """The restorer of a recipe's ``network`` table, with initial weights."""
    parts = generator(network, ("enc", "dec_cont"))
    return Restorer(parts["enc"], parts["dec_cont"], network["halvings"], network["grey"])
