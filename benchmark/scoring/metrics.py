"""PSNR, SSIM and colour planes as they are defined: plain functions on float64 images whose white is 255.

The scorer computes the same figures in pieces and in memory that it keeps (pieces.py, moments.py); a test holds the two
together.
"""

from __future__ import annotations

import math

import numpy as np

from benchmark.scoring.definition import Window
from benchmark.scoring.filters import across_channels, smooth

K1, K2 = 0.01, 0.03
_Y = (65.481, 128.553, 24.966)


def psnr(x: np.ndarray, y: np.ndarray, peak: float = 255.0) -> float:
    """10 log10(peak^2 / mean squared error) in dB, over all pixels and channels; inf for identical images.

    Args:
        x, y: float64 arrays of one shape, on the scale of `peak`.
    """
    # Not a dot product: its order of summation would depend on the threads of the BLAS at hand.
    return decibels(float(((x - y) ** 2).mean()), peak)


def decibels(mse: float, peak: float) -> float:
    """PSNR in dB of a mean squared error; inf for 0."""
    return math.inf if mse == 0 else 10 * math.log10(peak**2 / mse)


def ssim(
    x: np.ndarray,
    y: np.ndarray,
    value_range: float = 255.0,
    window: Window = Window(),  # noqa: B008  # frozen
    padding: str = "valid",
    covariance: str = "population",
    over: str = "channels",
) -> float:
    """Mean structural similarity (Z. Wang et al., "Image quality assessment", TIP 2004; K = 0.01, 0.03).

    Args:
        x, y: (H, W, C) float64, C 1 or 3, on any scale. value_range: L, on the same scale.
        window, padding, covariance, over: as in `benchmark.scoring.definition.Convention` (`over` = its ``ssim_over``).
    """

    def mean(image: np.ndarray) -> np.ndarray:
        smoothed = smooth(image, window, "replicate" if padding == "valid" else padding)
        return across_channels(smoothed, window) if over == "volume" else smoothed

    pixels = window.taps**2
    unbias = pixels / (pixels - 1) if covariance == "sample" else 1.0
    c1, c2 = (K1 * value_range) ** 2, (K2 * value_range) ** 2
    mean_x, mean_y = mean(x), mean(y)
    variances = unbias * (mean(x * x) + mean(y * y) - mean_x**2 - mean_y**2)
    covariances = unbias * (mean(x * y) - mean_x * mean_y)
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    similarity = luminance * (2 * covariances + c2) / (variances + c2)
    rim = window.radius if padding == "valid" else 0
    return float(similarity[rim : len(x) - rim, rim : x.shape[1] - rim].mean())


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
