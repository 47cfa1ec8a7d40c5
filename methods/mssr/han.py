"""HAN as a generator: groups of attention blocks with noise after each, and attention over the groups' outputs."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from methods.mssr.attention import ChannelSpatialAttention, Group, LayerAttention, conv
from methods.mssr.head import damp, shrunk, strides
from methods.mssr.noise import Draw, Std, injection, of_each_image


class Trunk(nn.Module):
    """All of the network; a module of its own because the authors' keys begin with ``model.``. Arguments as HAN's."""

    def __init__(
        self,
        features: int,
        groups: int,
        blocks: int,
        reduction: int,
        noise: tuple[Std, float],
        steps: tuple[int, int],
        late: bool,
    ) -> None:
        super().__init__()
        early = (1, 1) if late else steps
        self.head = nn.Sequential(conv(3, features, early[0]), conv(features, features, early[1]))
        parts = [Group(features, blocks, reduction) for _ in range(groups)]
        self.body = nn.ModuleList([*parts, conv(features, features)])
        self.noises = nn.ModuleList(injection(features, *noise) for _ in range(groups + 2))
        self.la = LayerAttention()
        self.last_conv = conv(features * (groups + 1), features)
        self.csa = ChannelSpatialAttention()
        self.last = conv(2 * features, features)
        downs = [conv(features, features, stride) for stride in steps] if late else []
        self.tail = nn.Sequential(*downs, conv(features, 3))

    def forward(self, x: Tensor, draw: Draw | None = None) -> Tensor:
        """(N, 3, H, W) -> (N, 3, ceil(H / scale), ceil(W / scale)), unbounded."""
        start = h = self.head(x)
        outputs: list[Tensor] = []
        for stage, noise in zip(self.body, self.noises, strict=False):  # the last noise has no stage
            h = noise(stage(h), draw)
            outputs.append(h)
        layers = self.last_conv(self.la(torch.stack(outputs[::-1], 1)))
        spatial = self.csa(self.noises[-1](h, draw))
        return self.tail(self.last(torch.cat([spatial, layers], 1)) + start)


class HAN(nn.Module):
    """A clean image to a sample of the degraded one, mostly at the degraded size.

    Args:
        features: of all layers. groups, blocks: groups, and attention blocks in each. reduction: of channel attention.
        noise_std: of the injected maps (groups + 2 of them), or its range over the images; 0 = a deterministic network,
            without their keys.
        scale: clean side / degraded side, 1, 2 or 4.
        late_downsampling: shrink at the end (the variant that the authors call han2) in place of the beginning.
        residual: the shrunken input is added to the output.
        noise_start, head_start: see Noise and `damp`.
        The authors' numbers give 63,167,201 parameters, 63,462,369 with late downsampling.
    """

    def __init__(
        self,
        features: int = 128,
        groups: int = 10,
        blocks: int = 20,
        reduction: int = 16,
        noise_std: Std = 0.1,
        scale: int = 4,
        late_downsampling: bool = False,
        residual: bool = False,
        noise_start: float = 0.0,
        head_start: float = 1.0,
    ) -> None:
        super().__init__()
        self.scale, self.residual, self.noise_std = scale, residual, noise_std
        noise = noise_std, noise_start
        self.model = Trunk(features, groups, blocks, reduction, noise, strides(scale), late_downsampling)
        damp(self.model.tail[-1], head_start)  # type: ignore[arg-type]

    def forward(self, x: Tensor, draw: Draw | None = None) -> Tensor:
        """Sample degraded images.

        Args:
            x: (N, 3, H, W) clean, in [0, 1].
            draw: of the noise maps, see Noise, asked groups + 2 times in order; for a range of noise_std once before.
        Returns:
            (N, 3, ceil(H / scale), ceil(W / scale)), unbounded.
        """
        out = self.model(x, of_each_image(draw, self.noise_std, len(x)))
        return shrunk(x, self.scale) + out if self.residual else out
