"""PSNR, SSIM and colour planes: pure functions on float64 images whose white is 255."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmark.scoring.scratch import New

K1, K2 = 0.01, 0.03
_Y = (65.481, 128.553, 24.966)


def psnr(x: np.ndarray, y: np.ndarray, peak: float = 255.0, new: New = np.empty) -> float:
    """10 log10(peak^2 / mean squared error) in dB, over all pixels and channels; inf for identical images.

    Args:
        x, y: float64 arrays of one shape, on the scale of `peak`.
    """
    error = np.subtract(x, y, out=new(x.shape))
    # Not a dot product: its order of summation would depend on the threads of the BLAS at hand.
    mse = float(np.multiply(error, error, out=error).mean())
    return math.inf if mse == 0 else 10 * math.log10(peak**2 / mse)


def luma(image: np.ndarray) -> np.ndarray:
    """MATLAB's rgb2ycbcr Y, 16..235, not rounded: (H, W, 3) RGB in 0..255 -> (H, W, 1)."""
    return 16 + _weighted(image, _Y) / 255


def _weighted(image: np.ndarray, weights: tuple[float, float, float]) -> np.ndarray:
    # Summed in this order, not by a matrix product: ties in the rounding would depend on the BLAS at hand.
    red, green, blue = (image[..., k : k + 1] * w for k, w in enumerate(weights))
    return red + green + blue


def luma_swapped(image: np.ndarray) -> np.ndarray:
    """MATLAB's Y with the weights of R and B exchanged (RGB data through a BGR formula), in the single precision of
    the script that does so (MSSR's ``--yonly``)."""
    single = image.astype(np.float32) / np.float32(255)
    y = ((single @ np.array(_Y[::-1])[:, None] + 16) / 255).astype(np.float32)
    return (y * np.float32(255)).astype(np.float64)


def grey(image: np.ndarray) -> np.ndarray:
    """Full-range luma 0.299 R + 0.587 G + 0.114 B: (H, W, 3) RGB -> (H, W, 1), not rounded."""
    return _weighted(image, (0.299, 0.587, 0.114))


@dataclass(frozen=True)
class Moments:
    """Local means of x, y, x^2 + y^2 and xy, each (H, W, C): all that an SSIM needs.

    The two second moments of x and y enter SSIM only as a sum, which saves one filtering in five.
    """

    x: np.ndarray
    y: np.ndarray
    squares: np.ndarray
    product: np.ndarray

    def each(self, change: Callable[[np.ndarray], np.ndarray]) -> Moments:
        """The same change made to all four."""
        return Moments(change(self.x), change(self.y), change(self.squares), change(self.product))


def products(x: np.ndarray, y: np.ndarray, new: New = np.empty) -> tuple[np.ndarray, np.ndarray]:
    """x^2 + y^2 and xy, of (H, W, C) float64 images."""
    squares, product = np.multiply(x, x, out=new(x.shape)), np.multiply(y, y, out=new(x.shape))
    squares += product
    return squares, np.multiply(x, y, out=product)


def ssim_map(m: Moments, value_range: float, unbias: float = 1.0, new: New = np.empty) -> np.ndarray:
    """SSIM at each pixel (Wang et al. 2004, K = 0.01, 0.03).

    Args:
        m: local means, (H, W, C), on any scale. value_range: L, on the same scale.
        unbias: factor on the covariances, N / (N - 1) for sample covariance over N pixels.
    Returns:
        (H, W, C) float64, at most 1 up to rounding.
    """
    c1, c2 = (K1 * value_range) ** 2, (K2 * value_range) ** 2
    top, bottom, part = (new(m.x.shape) for _ in range(3))
    np.multiply(m.x, m.y, out=top)
    top *= 2
    np.multiply(m.x, m.x, out=bottom)
    bottom += np.multiply(m.y, m.y, out=part)
    np.multiply(m.product, 2, out=part)
    part -= top
    top += c1
    top *= _contrast(part, unbias, c2)
    np.subtract(m.squares, bottom, out=part)
    bottom += c1
    bottom *= _contrast(part, unbias, c2)
    top /= bottom
    return top


def _contrast(covariance: np.ndarray, unbias: float, c2: float) -> np.ndarray:
    if unbias != 1:
        covariance *= unbias
    covariance += c2
    return covariance
