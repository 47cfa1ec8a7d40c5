"""A score without ground truth, to choose the best restorer where there are no clean partners at all."""

from __future__ import annotations

import torch
from torch import Tensor

SIDE = 16  # of the blocks
FLAT = 0.25  # the share of blocks that counts as flat


def no_reference(degraded: Tensor, restored: Tensor) -> float:
    """A stand-in for the PSNR in dB, from noise that is left and structure that is lost. This project's own.

    Blocks of 16x16 are ranked by their variance after restoring. In the flattest quarter whatever varies is taken as
    noise that is left. What was removed there is noise alone; where more was removed elsewhere, the excess is taken as
    structure. Both are mean squares, so that -10 log10 of their sum compares like a PSNR; its absolute value means
    nothing, and noise that depends on brightness blurs it.

    Args:
        degraded, restored: (N, C, H, W) in [0, 1], sides of 16 or more.
    """
    spread, removed = _variances(restored), _variances(degraded - restored)
    flat = spread.argsort()[: max(1, round(FLAT * len(spread)))]
    left = spread[flat].mean()
    lost = (removed.mean() - removed[flat].mean()).clamp_min(0)
    return float(-10 * torch.log10((left + lost).clamp_min(1e-10)))


def _variances(x: Tensor) -> Tensor:
    """Variance within each block, averaged over the channels."""
    blocks = x.detach().double().unfold(-2, SIDE, SIDE).unfold(-2, SIDE, SIDE)
    return blocks.flatten(-2).var(-1).mean(1).flatten()
