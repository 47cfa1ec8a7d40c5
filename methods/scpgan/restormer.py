"""Restormer with biased layer norms, the restorer of RSCP2GAN. Submodules carry the published checkpoints' names."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


class LayerNorm(nn.Module):
    """Normalises each pixel over its channels (eps 1e-5), then scales and shifts; keys ``body.*``."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        """(N, width, H, W) -> the same shape."""
        return self.body(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Attention(nn.Module):
    """MDTA: attention between channels, over all pixels, so its result depends on the whole image."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
        self.qkv = nn.Conv2d(width, 3 * width, 1, bias=False)
        self.qkv_dwconv = nn.Conv2d(3 * width, 3 * width, 3, padding=1, groups=3 * width, bias=False)
        self.project_out = nn.Conv2d(width, width, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, width, H, W) -> the same shape."""
        n, _, h, w = x.shape
        mixed = self.qkv_dwconv(self.qkv(x)).view(n, 3, len(self.temperature), -1, h * w)
        query, key, value = mixed.unbind(1)
        query, key = functional.normalize(query, dim=-1), functional.normalize(key, dim=-1)
        weight = (query @ key.transpose(-2, -1) * self.temperature).softmax(-1)
        return self.project_out((weight @ value).view_as(x))


class FeedForward(nn.Module):
    """GDFN: one half of the features gates the other."""

    def __init__(self, width: int, expansion: float) -> None:
        super().__init__()
        hidden = int(width * expansion)
        self.project_in = nn.Conv2d(width, 2 * hidden, 1, bias=False)
        self.dwconv = nn.Conv2d(2 * hidden, 2 * hidden, 3, padding=1, groups=2 * hidden, bias=False)
        self.project_out = nn.Conv2d(hidden, width, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, width, H, W) -> the same shape."""
        gate, value = self.dwconv(self.project_in(x)).chunk(2, 1)
        return self.project_out(functional.gelu(gate) * value)


class Block(nn.Module):
    """Attention and feed-forward, each normalised before and added to its input."""

    def __init__(self, width: int, heads: int, expansion: float) -> None:
        super().__init__()
        self.norm1, self.attn = LayerNorm(width), Attention(width, heads)
        self.norm2, self.ffn = LayerNorm(width), FeedForward(width, expansion)

    def forward(self, x: Tensor) -> Tensor:
        """(N, width, H, W) -> the same shape."""
        x = x + self.attn(self.norm1(x))
        return x + self.ffn(self.norm2(x))


class Embedding(nn.Module):
    """The first convolution; key ``proj``."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(channels, width, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) -> (N, width, H, W)."""
        return self.proj(x)


class Resizing(nn.Module):
    """Half the size and twice the features, or the other way round, by moving pixels into channels or back."""

    def __init__(self, width: int, up: bool) -> None:
        super().__init__()
        convolution = nn.Conv2d(width, 2 * width if up else width // 2, 3, padding=1, bias=False)
        self.body = nn.Sequential(convolution, nn.PixelShuffle(2) if up else nn.PixelUnshuffle(2))

    def forward(self, x: Tensor) -> Tensor:
        """(N, width, H, W) -> (N, 2 width, H / 2, W / 2), or (N, width / 2, 2 H, 2 W)."""
        return self.body(x)


class Restormer(nn.Module):
    """S. W. Zamir et al., "Restormer", CVPR 2022, with the layer norm "WithBias" and no bias in the convolutions.

    Args:
        width: features of the first level, doubled at each of the three below. The decoder's first level and the
            refinement keep the doubled features of the skip and the level below, as in the original.
        blocks: per level. refinement: blocks after the decoder. heads: per level. expansion: of the feed-forward part.
        The authors' numbers give 26,126,644 parameters.
    """

    def __init__(
        self,
        width: int = 48,
        blocks: Sequence[int] = (4, 6, 6, 8),
        refinement: int = 4,
        heads: Sequence[int] = (1, 2, 4, 8),
        expansion: float = 2.66,
        channels: int = 3,
    ) -> None:
        super().__init__()
        self.multiple = 8

        def level(depth: int, features: int, count: int) -> nn.Sequential:
            return nn.Sequential(*(Block(features, heads[depth], expansion) for _ in range(count)))

        self.patch_embed = Embedding(channels, width)
        self.encoder_level1, self.down1_2 = level(0, width, blocks[0]), Resizing(width, up=False)
        self.encoder_level2, self.down2_3 = level(1, 2 * width, blocks[1]), Resizing(2 * width, up=False)
        self.encoder_level3, self.down3_4 = level(2, 4 * width, blocks[2]), Resizing(4 * width, up=False)
        self.latent, self.up4_3 = level(3, 8 * width, blocks[3]), Resizing(8 * width, up=True)
        self.reduce_chan_level3 = nn.Conv2d(8 * width, 4 * width, 1, bias=False)
        self.decoder_level3, self.up3_2 = level(2, 4 * width, blocks[2]), Resizing(4 * width, up=True)
        self.reduce_chan_level2 = nn.Conv2d(4 * width, 2 * width, 1, bias=False)
        self.decoder_level2, self.up2_1 = level(1, 2 * width, blocks[1]), Resizing(2 * width, up=True)
        self.decoder_level1 = level(0, 2 * width, blocks[0])
        self.refinement = level(0, 2 * width, refinement)
        self.output = nn.Conv2d(2 * width, channels, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W), H and W multiples of 8 -> the same shape, unclamped. x is not changed."""
        first = self.encoder_level1(self.patch_embed(x))
        second = self.encoder_level2(self.down1_2(first))
        third = self.encoder_level3(self.down2_3(second))
        inner = self.up4_3(self.latent(self.down3_4(third)))
        inner = self.decoder_level3(self.reduce_chan_level3(torch.cat([inner, third], 1)))
        inner = self.decoder_level2(self.reduce_chan_level2(torch.cat([self.up3_2(inner), second], 1)))
        inner = self.decoder_level1(torch.cat([self.up2_1(inner), first], 1))
        return x + self.output(self.refinement(inner))


@torch.no_grad()
def initialise(net: Restormer, identity: float = 0.0) -> None:
    """PyTorch's default initial weights, which the constructor has drawn, moved towards returning the image unchanged.

    Args:
        identity: share, 0 to 1; at 1 nothing is added to the image at first. 0 is the authors'.
    """
    net.output.weight.mul_(1 - identity)
