"""The named conventions written once more with scikit-image and SciPy, one at a time: an outside opinion."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.ndimage import gaussian_filter
from skimage.color import rgb2ycbcr
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

Result = tuple[float, float | None]


def unclamped(image: np.ndarray) -> np.ndarray:
    """Float, white at 1; 8-bit images are divided in single precision, as the papers' codes do."""
    return (image.astype(np.float32) / 255 if image.dtype == np.uint8 else image).astype(np.float64)


def clamped(image: np.ndarray) -> np.ndarray:
    return np.clip(unclamped(image), 0, 1)


def rounded(image: np.ndarray) -> np.ndarray:
    return image if image.dtype == np.uint8 else np.clip(np.rint(image * 255), 0, 255).astype(np.uint8)


def truncated(image: np.ndarray) -> np.ndarray:
    return image if image.dtype == np.uint8 else (np.clip(image, 0, 1) * 255).astype(np.uint8)


def psnr(x: np.ndarray, y: np.ndarray, peak: float) -> float:
    return float(peak_signal_noise_ratio(y.astype(np.float64), x.astype(np.float64), data_range=peak))


def wang(x: np.ndarray, y: np.ndarray, peak: float) -> float:
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    x, y = np.atleast_3d(x).astype(np.float64), np.atleast_3d(y).astype(np.float64)
    return float(structural_similarity(x, y, data_range=peak, channel_axis=2, **options))


def box(x: np.ndarray, y: np.ndarray, peak: float) -> float:
    x, y = np.atleast_3d(x).astype(np.float64), np.atleast_3d(y).astype(np.float64)
    return float(structural_similarity(x, y, data_range=peak, channel_axis=2))


def volume(x: np.ndarray, y: np.ndarray, peak: float) -> float:
    """MATLAB's ssim on the H x W x C array."""

    def mean(a: np.ndarray) -> np.ndarray:
        return gaussian_filter(a, 1.5, mode="nearest", radius=5)

    x, y = x.astype(np.float64), y.astype(np.float64)
    mx, my, c1, c2 = mean(x), mean(y), (0.01 * peak) ** 2, (0.03 * peak) ** 2
    vx, vy, cov = mean(x * x) - mx**2, mean(y * y) - my**2, mean(x * y) - mx * my
    return float((((2 * mx * my + c1) * (2 * cov + c2)) / ((mx**2 + my**2 + c1) * (vx + vy + c2))).mean())


def luma(image: np.ndarray) -> np.ndarray:
    return rgb2ycbcr(rounded(image))[..., 0]


def figures(form: Callable[[np.ndarray], np.ndarray], peak: float, ssim: Callable | None) -> Callable[..., Result]:
    def both(x: np.ndarray, y: np.ndarray) -> Result:
        x, y = form(x), form(y)
        return psnr(x, y, peak), ssim(x, y, peak) if ssim else None

    return both


def _mixed(x: np.ndarray, y: np.ndarray) -> Result:
    return psnr(clamped(x), clamped(y), 1), wang(rounded(x), rounded(y), 255)


def _truncated(x: np.ndarray, y: np.ndarray) -> Result:
    return psnr(truncated(x), rounded(y), 255), None


ORACLES: dict[str, Callable[..., Result]] = {
    "float-gauss": figures(clamped, 1, wang),
    "uint8-gauss": figures(rounded, 255, wang),
    "mixed-gauss": _mixed,
    "unclamped-float": figures(unclamped, 1, None),
    "trunc-uint8": _truncated,
    "awgn-grey": figures(clamped, 1, None),
    "matlab-volume-float": figures(clamped, 1, volume),
    "matlab-volume-uint8": figures(rounded, 255, volume),
    "skimage7-uint8": figures(rounded, 255, box),
    "skimage7-float": figures(clamped, 1, box),
    "y-rounded-wang": figures(lambda image: np.rint(luma(image)), 255, wang),
    "y-float-wang": figures(luma, 255, wang),
    "cs-luma-skimage7": figures(clamped, 1, box),
    "rgb-border4-wang": figures(lambda image: rounded(image)[4:-4, 4:-4], 255, wang),
}
