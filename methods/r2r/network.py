"""The DnCNN of both R2R repositories: one class, told apart by its arguments."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class DnCNN(nn.Module):
    """A plain stack of 3x3 convolutions with batch normalisation, zero padding, no bias but in the first one.

    K. Zhang et al., "Beyond a Gaussian Denoiser", TIP 2017, as the R2R authors use it. State-dict keys are theirs:
    ``dncnn.i.*`` with i = 0 the first convolution, 2 + 3k, 3 + 3k the k-th inner convolution and its normalisation,
    3 * depth - 4 the last one.

    Args:
        channels: of input and output. Three channels come in BGR order (the adapter hides it).
        depth: number of convolutions: 17 for Gaussian noise (556,032 parameters at 1 channel), 20 for SIDD (669,376).
        width: features. The paper's nets have 64.
        first_bias: whether the first convolution has a bias (SIDD: yes).
        eps, momentum: of the batch normalisation, in PyTorch's meaning. SIDD: 1e-4 and 0.95, so that the running
            statistics are nearly those of the last batch; meant was perhaps 0.05. Running variances go down to
            2.4e-4, and eps 1e-5 in place of 1e-4 costs 2.7 to 3.4 dB.
        residual: return the input minus the stack's output (R2R: the denoised image). False returns the stack's
            output, which in a supervised DnCNN is the noise.
    """

    def __init__(
        self,
        channels: int = 1,
        depth: int = 17,
        width: int = 64,
        first_bias: bool = False,
        eps: float = 1e-5,
        momentum: float = 0.1,
        residual: bool = True,
    ) -> None:
        super().__init__()
        self.channels, self.depth, self.residual = channels, depth, residual
        layers: list[nn.Module] = [_convolution(channels, width, first_bias), nn.ReLU(inplace=True)]
        for _ in range(depth - 2):
            layers += [_convolution(width, width), nn.BatchNorm2d(width, eps, momentum), nn.ReLU(inplace=True)]
        self.dncnn = nn.Sequential(*layers, _convolution(width, channels))

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) -> the same shape, any H and W, unclamped. x is not changed."""
        return x - self.dncnn(x) if self.residual else self.dncnn(x)


def _convolution(inputs: int, outputs: int, bias: bool = False) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1, bias=bias)


@torch.no_grad()
def initialise(net: DnCNN, generator: torch.Generator | None = None) -> None:
    """Initial weights of both training scripts.

    Args:
        generator: None = torch's default one, which the caller seeds.

    Convolutions N(0, 2 / fan_in), their bias 0; normalisation weights N(0, 2 / (9 * width)) clamped to +-0.025 (at
    width 64 two thirds of them end on a bound), their bias 0. The stack's output is thus small at first, and the
    network begins near the identity: with normalisation weights of 1 it takes hundreds of steps to get there.
    """
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            module.weight.normal_(0, math.sqrt(2 / (9 * module.in_channels)), generator=generator)
        elif isinstance(module, nn.BatchNorm2d):
            deviation = math.sqrt(2 / (9 * module.num_features))
            module.weight.normal_(0, deviation, generator=generator).clamp_(-0.025, 0.025)
        if isinstance(module, (nn.Conv2d, nn.BatchNorm2d)) and module.bias is not None:
            module.bias.zero_()
