"""Bicubic resizing in the two ways that papers use: OpenCV's, which aliases, and MATLAB's, which does not."""

from __future__ import annotations

from functools import cache

import numpy as np

from datasets.ops.ranges import unit


def cubic(image: np.ndarray, scale: float) -> np.ndarray:
    """OpenCV's bicubic interpolation of floats: no antialiasing, no clipping, no rounding to bytes.

    The R2R authors make their training scales so (1, 0.9, 0.8, 0.7): values overshoot [0, 1].

    Args:
        image: (H, W, C) or (H, W), float32 or float64, or uint8 (divided by 255 first, as float32).
        scale: new side / old side; the new sides are int(H * scale), int(W * scale).
    Returns:
        the same number of dimensions, float; scale 1 gives an equal copy.
    """
    import cv2

    if image.dtype.kind == "u":
        image = unit(image)
    height, width = (int(side * scale) for side in image.shape[:2])
    if min(height, width) < 1:
        raise ValueError(f"Scale {scale} leaves nothing of {image.shape[:2]}.")
    resized = cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC)
    return resized.reshape(height, width, *image.shape[2:])  # OpenCV drops a single channel


def imresize(
    image: np.ndarray, scale: float | None = None, *, size: tuple[int, int] | None = None, clip: bool = True
) -> np.ndarray:
    """Bicubic resizing like MATLAB's ``imresize``: antialiased when it shrinks, mirrored borders.

    Keys' cubic with a = -0.5, stretched by 1 / scale when shrinking; weights normalised per output pixel; rows first,
    then columns; clipped once at the end, not rounded.

    Args:
        image: (H, W) or (H, W, C), float (the type is kept) or uint8 (then float64 in [0, 1]).
        scale: new side / old side, sides rounded up; or
        size: (new H, new W), each axis with its own scale.
        clip: to [0, 1].
    """
    if (scale is None) == (size is None):
        raise ValueError("imresize takes either a scale or a size.")
    if image.dtype == np.uint8:
        image = image / 255.0
    for axis in (0, 1):
        old = image.shape[axis]
        new = size[axis] if size else int(np.ceil(old * scale - 1e-9))
        image = _resized(image, axis, new, float(scale) if scale else new / old)
    return np.clip(image, 0, 1) if clip else image


def imresize_bytes(image: np.ndarray, scale: float) -> np.ndarray:
    """What MATLAB's ``imresize`` makes of a uint8 image: rounded to bytes after the rows and again after the columns.

    The published low-resolution files of Set5 are so, to one level in one value of 2,000; rounding once differs in
    one of ten. (H, W) or (H, W, C) uint8 -> the same.
    """
    height, width = (int(np.ceil(side * scale - 1e-9)) for side in image.shape[:2])
    rows = to_bytes(imresize(image, size=(height, image.shape[1])))
    return to_bytes(imresize(rows, size=(height, width)))


def to_bytes(image: np.ndarray) -> np.ndarray:
    """8 bits of values in [0, 1], halves rounded up as MATLAB does."""
    return np.floor(image * 255 + 0.5).astype(np.uint8)


def _resized(image: np.ndarray, axis: int, new: int, scale: float) -> np.ndarray:
    if new < 1:
        raise ValueError(f"Nothing is left of {image.shape} at scale {scale}.")
    taps, weights = _taps(image.shape[axis], new, scale)
    gathered = np.moveaxis(image, axis, -1)[..., taps]
    summed = np.einsum("...ok,ok->...o", gathered, weights.astype(image.dtype))
    return np.moveaxis(summed, -1, axis)


@cache
def _taps(old: int, new: int, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """For each output pixel the input pixels that it sees, and their weights: two arrays (new, taps)."""
    stretch = max(1.0, 1 / scale)
    width = 4 * stretch
    centre = (np.arange(1, new + 1) - 0.5) / scale + 0.5  # 1-based, as in MATLAB
    first = np.floor(centre - width / 2)
    positions = first[:, None] + np.arange(int(np.ceil(width)) + 2)
    weights = _keys((centre[:, None] - positions) / stretch)
    mirror = np.concatenate([np.arange(old), np.arange(old)[::-1]])
    return mirror[(positions.astype(int) - 1) % (2 * old)], weights / weights.sum(axis=1, keepdims=True)


def _keys(t: np.ndarray) -> np.ndarray:
    """Keys' cubic convolution kernel with a = -0.5, support |t| < 2."""
    t = np.abs(t)
    inner = 1.5 * t**3 - 2.5 * t**2 + 1
    outer = -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2
    return np.where(t <= 1, inner, np.where(t < 2, outer, 0.0))
