"""The arithmetic of `metrics.psnr` and `metrics.ssim` without arrays of its own: `new` makes each of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmark.scoring import metrics
from benchmark.scoring.buffers import New


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


def squared_errors(x: np.ndarray, y: np.ndarray, new: New) -> np.ndarray:
    """(x - y)^2, of float64 arrays of one shape."""
    error = np.subtract(x, y, out=new(x.shape))
    return np.multiply(error, error, out=error)


def products(x: np.ndarray, y: np.ndarray, new: New) -> tuple[np.ndarray, np.ndarray]:
    """x^2 + y^2 and xy, of (H, W, C) float64 images."""
    squares, product = np.multiply(x, x, out=new(x.shape)), np.multiply(y, y, out=new(x.shape))
    squares += product
    return squares, np.multiply(x, y, out=product)


def ssim_map(m: Moments, value_range: float, unbias: float, out: np.ndarray, new: New) -> np.ndarray:
    """SSIM at each pixel, in `out`.

    Args:
        m: local means, (H, W, C), on any scale. value_range: L, on the same scale.
        unbias: factor on the covariances, N / (N - 1) for sample covariance over N pixels.
        out: (H, W, C) float64.
    """
    c1, c2 = (metrics.K1 * value_range) ** 2, (metrics.K2 * value_range) ** 2
    top, bottom, part = out, new(out.shape), new(out.shape)
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
