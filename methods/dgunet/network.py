"""DGUNet and DGUNet+ for RGB images whose degradation is unknown: denoising, deblurring, deraining.

Proximal-gradient iterations, unrolled. Stage k takes a gradient step v = x - r T(S(x) - y), where the small blocks S
and T stand for the degradation and its transpose, and a proximal step x = v + U-Net(v) that also gets the features of
stage k - 1. The last stage has no U-Net and adds the degraded image y. Nothing is clamped.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from methods.dgunet.blocks import Decoder, Encoder, Features, GradientBlock, Supervised, conv, shallow, unet
from methods.dgunet.projection import Merge

RGB = 3


def step_size() -> nn.Parameter:
    """A learned scalar r, 0.5 at first."""
    return nn.Parameter(torch.tensor([0.5]))


class SharedStage(nn.Module):
    """The stage that DGUNet runs several times with the same weights.

    `concat12` is in the authors' class and checkpoints, and is never used.
    """

    def __init__(self, width: int, step: int, rank: int, gradient: nn.PReLU) -> None:
        super().__init__()
        self.r1 = step_size()
        self.phi_1, self.phit_1 = GradientBlock(gradient), GradientBlock(gradient)
        self.shallow_feat2 = shallow(RGB, width, nn.PReLU())
        self.stage2_encoder, self.stage2_decoder = Encoder(width, step, "gated"), Decoder(width, step)
        self.sam23 = Supervised(width, RGB, attention=False)
        self.concat12 = conv(2 * width, width)
        self.merge12 = Merge(width, rank)

    def forward(self, x: Tensor, y: Tensor, g: Tensor, previous: Features) -> tuple[Tensor, Tensor, Features]:
        """Image, degraded image, features and U-Net of the stage before -> features, image, U-Net of this one."""
        v = x - self.r1 * self.phit_1(self.phi_1(x) - y)
        f = self.merge12(self.shallow_feat2(v), g)
        found = unet(self.stage2_encoder, self.stage2_decoder, f, previous)
        g, x = self.sam23(found[1][2], v)
        return g, x, found


class DGUNet(nn.Module):
    """The network whose inner stages share their weights.

    Args:
        width: n, features at full resolution. step: s, more of them at each level down.
        tail: q, more of them in the last stage. rank: of the subspace projection. stages: in all, 7 in the paper.

    Widths and parameters: denoising and deblurring n 80, s 48, q 32: 17,331,512; deraining n 40, s 20, q 16: 3,661,912.
    Activations: one PReLU slope for all gradient blocks; one for the first and the last shallow features; the shared
    stage's own. The state dict names each under every key that uses it.
    """

    def __init__(self, width: int = 80, step: int = 48, tail: int = 32, rank: int = 16, stages: int = 7) -> None:
        super().__init__()
        gradient, outer = nn.PReLU(), nn.PReLU()
        self.inner = stages - 2
        self.r0, self.r6 = step_size(), step_size()
        self.basic = SharedStage(width, step, rank, gradient)
        self.shallow_feat1, self.shallow_feat7 = shallow(RGB, width, outer), shallow(RGB, width, outer)
        self.stage1_encoder, self.stage1_decoder = Encoder(width, step), Decoder(width, step)
        self.sam12 = Supervised(width, RGB, attention=False)
        self.phi_0, self.phit_0 = GradientBlock(gradient), GradientBlock(gradient)
        self.phi_6, self.phit_6 = GradientBlock(gradient), GradientBlock(gradient)
        self.concat67 = conv(2 * width, width + tail)
        self.tail = conv(width + tail, RGB)

    def forward(self, y: Tensor) -> list[Tensor]:
        """Degraded (N, 3, H, W), H and W multiples of 8 and not both 8 -> the stages' images, last stage first."""
        v = y - self.r0 * self.phit_0(self.phi_0(y) - y)
        found = unet(self.stage1_encoder, self.stage1_decoder, self.shallow_feat1(v))
        g, x = self.sam12(found[1][2], v)
        images = [x]
        for _ in range(self.inner):
            g, x, found = self.basic(x, y, g, found)
            images.append(x)
        v = x - self.r6 * self.phit_6(self.phi_6(x) - y)
        f = self.concat67(torch.cat([self.shallow_feat7(v), g], dim=1))
        return [*images, self.tail(f) + y][::-1]


class DGUNetPlus(nn.Module):
    """The network whose stages each have weights of their own.

    Args: as of DGUNet. Widths and parameters: denoising n 80, s 40: 48,361,987; deblurring n 96, s 48: 69,572,915;
    deraining n 40, s 20: 12,176,107. The last stage has the projection too. Activations: one PReLU slope for all
    gradient blocks, one for all shallow features.
    """

    def __init__(self, width: int = 80, step: int = 40, rank: int = 16, stages: int = 7) -> None:
        super().__init__()
        gradient, outer = nn.PReLU(), nn.PReLU()
        self.stages = stages
        for k in range(stages):
            self.register_parameter(f"r{k}", step_size())
        for k in range(1, stages + 1):
            self.add_module(f"shallow_feat{k}", shallow(RGB, width, outer))
        for k in range(stages):
            self.add_module(f"phi_{k}", GradientBlock(gradient))
            self.add_module(f"phit_{k}", GradientBlock(gradient))
        for k in range(1, stages):
            self.add_module(f"stage{k}_encoder", Encoder(width, step, "gated" if k > 1 else ""))
            self.add_module(f"stage{k}_decoder", Decoder(width, step))
        for k in range(1, stages):
            self.add_module(f"sam{k}{k + 1}", Supervised(width, RGB, attention=False))
            self.add_module(f"merge{k}{k + 1}", Merge(width, rank))
        self.tail = conv(width, RGB)

    def _part(self, name: str) -> nn.Module:
        return self.get_submodule(name)

    def _prepared(self, k: int, x: Tensor, y: Tensor, g: Tensor | None) -> tuple[Tensor, Tensor]:
        """Gradient step and features of stage k (counted from 1), joined with the features g of the stage before."""
        there, back = self._part(f"phi_{k - 1}"), self._part(f"phit_{k - 1}")
        v = x - getattr(self, f"r{k - 1}") * back(there(x) - y)
        f = self._part(f"shallow_feat{k}")(v)
        return v, f if g is None else self._part(f"merge{k - 1}{k}")(f, g)

    def forward(self, y: Tensor) -> list[Tensor]:
        """As of DGUNet."""
        x, g, found = y, None, None
        images: list[Tensor] = []
        for k in range(1, self.stages):
            v, f = self._prepared(k, x, y, g)
            found = unet(self._part(f"stage{k}_encoder"), self._part(f"stage{k}_decoder"), f, found)
            g, x = self._part(f"sam{k}{k + 1}")(found[1][2], v)
            images.append(x)
        _, f = self._prepared(self.stages, x, y, g)
        return [*images, self.tail(f) + y][::-1]
