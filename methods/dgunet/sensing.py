"""DGUNet and DGUNet+ for compressive sensing: the degradation is known, and learned with the network.

A block of 32x32 pixels x is seen through m = ceil(1024 * ratio / 100) measurements Phi x; the iterations start at
Phi^T Phi x and step along Phi^T Phi (x_k - x). The convolutions see the whole image, so one class serves both steps of
the authors' training (their first-step class takes single blocks only).
"""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn

from methods.dgunet.blocks import Decoder, Encoder, Features, GradientBlock, Supervised, conv, shallow, unet
from methods.dgunet.network import step_size
from methods.dgunet.precision import at_least_float32, precisely


def measurements(ratio: float, block: int = 32) -> int:
    """Number of measurements of a block: 11, 41, 103, 256 and 512 at 1, 4, 10, 25 and 50 %."""
    return math.ceil(block * block * ratio / 100)


def to_blocks(x: Tensor, side: int) -> Tensor:
    """(N, 1, H, W), both multiples of `side` -> (N, blocks, side * side): blocks and their pixels row by row."""
    n, _, h, w = x.shape
    return x.view(n, h // side, side, w // side, side).transpose(2, 3).reshape(n, -1, side * side)


def from_blocks(blocks: Tensor, height: int, width: int) -> Tensor:
    """The inverse of `to_blocks`: (N, blocks, side * side) -> (N, 1, height, width)."""
    side = math.isqrt(blocks.shape[-1])
    grid = blocks.view(len(blocks), height // side, width // side, side, side).transpose(2, 3)
    return grid.reshape(len(blocks), 1, height, width)


class SensingStage(nn.Module):
    """An inner stage. `phi` and `phit` are in the authors' class and checkpoints, and are never used."""

    def __init__(self, width: int, step: int, unused: nn.PReLU) -> None:
        super().__init__()
        self.r = step_size()
        self.shallow_feat = shallow(1, width, nn.PReLU())
        self.stage_encoder, self.stage_decoder = Encoder(width, step, "sum"), Decoder(width, step)
        self.sam = Supervised(width, 1, attention=True)
        self.phi, self.phit = GradientBlock(unused), GradientBlock(unused)
        self.concat = conv(2 * width, width)

    def forward(self, v: Tensor, g: Tensor, previous: Features) -> tuple[Tensor, Tensor, Features]:
        """Image after the gradient step, features and U-Net of the stage before -> features, image, U-Net."""
        f = self.concat(torch.cat([self.shallow_feat(v), g], dim=1))
        found = unet(self.stage_encoder, self.stage_decoder, f, previous)
        g, x = self.sam(found[1][2], v)
        return g, x, found


class SensingDGUNet(nn.Module):
    """DGUNet (`plus` False: the inner stages share their weights) or DGUNet+ (True) for grey images.

    Args:
        ratio: measurements in percent of the pixels. width: n, step: s, tail: q, as of DGUNet. stages: in all, 7 in
            the paper. block: side of the blocks that are measured.

    With n 32, s 16, q 16 and m measurements DGUNet has 2,284,604 + 1024 m parameters, DGUNet+ 6,810,140 + 1024 m. Phi
    is a parameter, learned like the rest; at first Xavier-normal. The first encoder has fusing convolutions that are
    never used, as in the authors' checkpoints.
    """

    def __init__(
        self,
        ratio: float,
        width: int = 32,
        step: int = 16,
        tail: int = 16,
        stages: int = 7,
        block: int = 32,
        plus: bool = False,
    ) -> None:
        super().__init__()
        self.ratio, self.block, self.plus, self.inner = ratio, block, plus, stages - 2
        outer, unused = nn.PReLU(), nn.PReLU()
        self.Phi = nn.Parameter(nn.init.xavier_normal_(torch.empty(measurements(ratio, block), block * block)))
        self.r0, self.r_final = step_size(), step_size()
        self.shallow_feat1 = shallow(1, width, outer)
        if plus:
            self.body = nn.ModuleList([SensingStage(width, step, unused) for _ in range(self.inner)])
        else:
            self.stage_model = SensingStage(width, step, unused)
        self.shallow_feat_final = shallow(1, width, outer)
        self.stage1_encoder, self.stage1_decoder = Encoder(width, step, "sum"), Decoder(width, step)
        self.sam12 = Supervised(width, 1, attention=True)
        self.concat_final = conv(2 * width, width + tail)
        self.tail = conv(width + tail, 1)

    def sense(self, x: Tensor) -> Tensor:
        """Phi^T Phi x for each block of (N, 1, H, W), H and W multiples of `block`; in float32 or better."""
        with precisely(x):
            blocks = to_blocks(at_least_float32(x), self.block)
            return from_blocks(blocks @ self.Phi.mT @ self.Phi, *x.shape[-2:])

    def unfold(self, start: Tensor) -> list[Tensor]:
        """The initial estimate Phi^T Phi x, (N, 1, H, W), -> the stages' images, last stage first."""
        v = self._descend(start, start, self.r0)
        found = unet(self.stage1_encoder, self.stage1_decoder, self.shallow_feat1(v))
        g, x = self.sam12(found[1][2], v)
        images = [x]
        for k in range(self.inner):
            stage = cast(SensingStage, self.body[k] if self.plus else self.stage_model)
            g, x, found = stage(self._descend(x, start, stage.r), g, found)
            images.append(x)
        v = self._descend(x, start, self.r_final)
        f = self.concat_final(torch.cat([self.shallow_feat_final(v), g], dim=1))
        return [*images, self.tail(f) + v][::-1]

    def _descend(self, x: Tensor, start: Tensor, r: Tensor) -> Tensor:
        return x - r * (self.sense(x) - start)

    def forward(self, x: Tensor) -> list[Tensor]:
        """The true image (N, 1, H, W), which is measured here -> the stages' images, last stage first."""
        return self.unfold(self.sense(x))
