"""Local means by separable filters, in float64. `new` makes the array for a result (see buffers.py)."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from benchmark.scoring.buffers import New
from benchmark.scoring.definition import Window

_BORDERS = {"replicate": cv2.BORDER_REPLICATE, "zero": cv2.BORDER_CONSTANT}


def smooth(image: np.ndarray, window: Window, padding: str, new: New = np.empty) -> np.ndarray:
    """Mean over `window` around each pixel.

    Args:
        image: (H, W, C) float64, C 1 or 3. padding: ``replicate`` or ``zero``.
    Returns:
        (H, W, C) float64.
    """
    border, out = _BORDERS[padding], new(image.shape)
    if window.kind == "uniform":
        size = (window.taps, window.taps)
        return cv2.boxFilter(image, cv2.CV_64F, size, dst=out, borderType=border).reshape(image.shape)
    weights = np.array(window.weights)
    return cv2.sepFilter2D(image, cv2.CV_64F, weights, weights, dst=out, borderType=border).reshape(image.shape)


def across_channels(image: np.ndarray, window: Window, new: New = np.empty) -> np.ndarray:
    """The window's third axis: a weighted mean over the channels, the outer ones repeated beyond the ends.

    With `smooth` it makes the 3-D filter of an (H, W, C) volume; over so few channels it is a C x C matrix.
    """
    channels = image.shape[2]
    if channels == 1:
        return image
    return cv2.transform(image, _mix(window, channels), dst=new(image.shape)).reshape(image.shape)


@lru_cache
def _mix(window: Window, channels: int) -> np.ndarray:
    matrix = np.zeros((channels, channels))
    for row in range(channels):
        for offset, weight in enumerate(window.weights, -window.radius):
            matrix[row, min(max(row + offset, 0), channels - 1)] += weight
    return matrix


def decimate(image: np.ndarray) -> np.ndarray:
    """Box-filter and keep every f-th pixel, f = round(shorter side / 256), at least 1 (Wang's later SSIM script).

    An even box reaches one pixel further to the left and up, as in scipy.ndimage.

    Args:
        image: (H, W, C) float64.
    """
    factor = max(1, round(min(image.shape[:2]) / 256))
    if factor == 1:
        return image
    anchor = (factor // 2, factor // 2)
    mean = cv2.boxFilter(image, cv2.CV_64F, (factor, factor), anchor=anchor, borderType=cv2.BORDER_REFLECT)
    return np.ascontiguousarray(mean.reshape(image.shape)[::factor, ::factor])
