"""RRDBNet: residual in residual dense blocks, then upsampling."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from methods.mssr.description import TAIL, context, unshuffled
from methods.mssr.head import damp, strides

SLOPE, SHARE = 0.2, 0.2  # of the leaky units; of what a block adds to its input
STRIP = 1 << 22  # output pixels that are computed together after the trunk


def _leaky(x: Tensor) -> Tensor:
    return functional.leaky_relu(x, SLOPE, inplace=True)


def _conv(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1)


class DenseBlock(nn.Module):
    """Five convolutions, each of which sees all before it.

    Initial weights: Kaiming's normal ones times 0.1, biases 0.
    """

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        for k in range(5):
            conv = _conv(width + k * growth, growth if k < 4 else width)
            nn.init.kaiming_normal_(conv.weight)
            with torch.no_grad():
                conv.weight.mul_(0.1)
                conv.bias.zero_()  # type: ignore[union-attr]
            self.add_module(f"conv{k + 1}", conv)

    def forward(self, h: Tensor) -> Tensor:
        """(N, width, H, W) -> the same shape."""
        seen = [h]
        for k in range(1, 5):
            seen.append(_leaky(self.get_submodule(f"conv{k}")(torch.cat(seen, 1))))
        return h + SHARE * self.get_submodule("conv5")(torch.cat(seen, 1))


class RRDB(nn.Module):
    """Three dense blocks, a fifth of whose change is added to the input."""

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        self.rdb1, self.rdb2, self.rdb3 = (DenseBlock(width, growth) for _ in range(3))

    def forward(self, h: Tensor) -> Tensor:
        """(N, width, H, W) -> the same shape."""
        return h + SHARE * self.rdb3(self.rdb2(self.rdb1(h)))


class RRDBNet(nn.Module):
    """ESRGAN's network: a trunk at low resolution, then nearest-neighbour upsampling with a convolution after each.

    Args:
        width: features. blocks: RRDB blocks. growth: features of a dense block's inner convolutions.
        scale: restored side / degraded side: 1, 2 or 4.
        shrink: pixels of a side that are unshuffled into channels before the trunk; 0 = 4 / scale, as newer ESRGAN code
            does (at scale 1 the trunk works at a quarter of the side). scale * shrink is 1, 2 or 4.
        skip: add the input, resized bicubically, to the output; the authors do not.
        head_start: factor on the last convolution's initial weights; with `skip`, 0 begins at bicubic interpolation.
        The authors' numbers give 16,697,987 parameters, 16,723,907 at scale 1.
    Raises:
        UserError: another scale or shrink.
    """

    def __init__(
        self,
        width: int = 64,
        blocks: int = 23,
        growth: int = 32,
        scale: int = 4,
        shrink: int = 0,
        skip: bool = False,
        head_start: float = 1.0,
    ) -> None:
        super().__init__()
        self.scale, self.skip, self.blocks = scale, skip, blocks
        self.shrink = unshuffled(scale, shrink)
        self.doublings = len([stride for stride in strides(scale * self.shrink) if stride > 1])
        self.conv_first = _conv(3 * self.shrink**2, width)
        self.body = nn.Sequential(*(RRDB(width, growth) for _ in range(blocks)))
        self.conv_body = _conv(width, width)
        for k in range(1, self.doublings + 1):
            self.add_module(f"conv_up{k}", _conv(width, width))
        self.conv_hr = _conv(width, width)
        self.conv_last = _conv(width, 3)
        damp(self.conv_last, head_start)

    @property
    def context(self) -> int:
        """Pixels of surroundings, at the degraded size, that an output pixel depends on."""
        return context(self.blocks, self.shrink)

    def features(self, x: Tensor) -> Tensor:
        """(N, 3, H, W), sides multiples of `shrink` -> (N, width, H / shrink, W / shrink): the trunk with its skip."""
        h = self.conv_first(functional.pixel_unshuffle(x, self.shrink))
        return h + self.conv_body(self.body(h))

    def forward(self, x: Tensor) -> Tensor:
        """Restore.

        Args:
            x: (N, 3, H, W), RGB in [0, 1], sides multiples of `shrink`.
        Returns:
            (N, 3, H * scale, W * scale), unbounded.
        """
        h = self.features(x)
        rows = max(1, STRIP // (h.shape[3] * 4**self.doublings))
        out = torch.cat([self._enlarged_rows(h, top, rows) for top in range(0, h.shape[2], rows)], 2)
        return out + enlarged(x, self.scale) if self.skip else out

    def _enlarged_rows(self, h: Tensor, top: int, rows: int) -> Tensor:
        """The part after the trunk for some of its rows: what of a large image takes the memory."""
        start = max(0, top - TAIL)
        part = h[:, :, start : top + rows + TAIL]
        for k in range(1, self.doublings + 1):
            part = functional.interpolate(part, scale_factor=2.0, mode="nearest")
            part = _leaky(self.get_submodule(f"conv_up{k}")(part))
        part = self.conv_last(_leaky(self.conv_hr(part)))
        each = 2**self.doublings
        return part[:, :, (top - start) * each : (top - start + rows) * each]


def enlarged(x: Tensor, scale: int) -> Tensor:
    """Bicubic enlargement, (N, C, H, W) -> (N, C, H * scale, W * scale), with Keys' a = -0.5 as MATLAB has."""
    if scale == 1:
        return x
    return functional.interpolate(x, scale_factor=float(scale), mode="bicubic", antialias=True, align_corners=False)
