"""Recorruption: from one noisy image a pair whose two noises are uncorrelated. Pure functions, numpy or torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from torch import Tensor

from datasets.ops import isp

Image = TypeVar("Image", np.ndarray, Tensor)


def recorrupt(noisy: Image, noise: Image, alpha: float) -> tuple[Image, Image]:
    """The pair (y + alpha e, y - e / alpha) of a noisy image y. Nothing is clipped.

    R2R's theorem with D = alpha I: where e has the covariance of the noise in y and is independent of it, the noises of
    the two images are uncorrelated, and the second one serves as a target in place of the clean image. Both must be
    made from the same e.

    Args:
        noisy: y, any shape. noise: e, a shape that broadcasts to it (one draw for three channels, say).
        alpha: 0.5 (Gaussian noise), 2 (raw noise) or 20 (real sRGB images) in the authors' use. A larger one gives a
            noisier input and a cleaner target.
    """
    return noisy + alpha * noise, noisy - noise / alpha


def recorrupt_raw(
    mosaic: np.ndarray, cfa: Sequence[int], beta: Sequence[float], draw: np.ndarray, alpha: float
) -> tuple[np.ndarray, np.ndarray]:
    """A pair of mosaics under the signal-dependent law, its variance taken at the noisy value.

    e = draw * sqrt(b1 y + b2), the variance not below 0 (the authors' code has no such guard and would have made
    complex numbers; it cannot be meant).

    Args:
        mosaic: y, (H, W), normalised raw. cfa: see datasets.ops.isp. beta: (b1_R, b2_R, b1_G, b2_G, b1_B, b2_B).
        draw: (H, W) standard normal.
    """
    return recorrupt(mosaic, draw * np.sqrt(isp.noise_variance(mosaic, cfa, beta)), alpha)
