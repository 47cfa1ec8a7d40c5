"""Grey from RGB, in the three ways that published figures differ by."""

from __future__ import annotations

import numpy as np

# ITU-R BT.601 in the video range, as MATLAB's rgb2ycbcr has it for R, G, B in 0..255 (divided by 255 there).
MATLAB_Y = (65.481, 128.553, 24.966)
LUMA = (0.299, 0.587, 0.114)
# The same weights times 2^14, rounded: OpenCV converts bytes in integers.
LUMA_14_BITS = (4899, 9617, 1868)


def _float(rgb: np.ndarray) -> np.ndarray:
    if rgb.shape[-1] != 3:
        raise ValueError(f"Expected (..., H, W, 3) in RGB order, got shape {rgb.shape}.")
    return rgb if rgb.dtype in (np.float32, np.float64) else rgb.astype(np.float64)


def _weighted(rgb: np.ndarray, weights: tuple[float, float, float]) -> np.ndarray:
    r, g, b = (rgb[..., c] for c in range(3))
    return r * weights[0] + g * weights[1] + b * weights[2]


def matlab_y(rgb255: np.ndarray, *, rounded: bool = False) -> np.ndarray:
    """Y of MATLAB's ``rgb2ycbcr``: 16 + (65.481 R + 128.553 G + 24.966 B) / 255, spanning 16..235.

    Args:
        rgb255: (..., H, W, 3), values in 0..255, uint8 or float.
        rounded: to whole numbers, half away from zero, which is what MATLAB returns for uint8 input.
    Returns:
        (..., H, W), float64 (float32 for float32 input), on the scale 0..255.
    """
    y = 16 + _weighted(_float(rgb255), MATLAB_Y) / 255
    return np.floor(y + 0.5) if rounded else y


def grey(rgb: np.ndarray) -> np.ndarray:
    """Full-range luma 0.299 R + 0.587 G + 0.114 B on the scale of the input, not rounded.

    (..., H, W, 3) -> (..., H, W), float64 (float32 for float32 input).
    """
    return _weighted(_float(rgb), LUMA)


def luma_uint8(rgb: np.ndarray) -> np.ndarray:
    """Y of OpenCV's BGR -> YCrCb conversion of bytes: full range, 14-bit fixed point, rounded.

    (..., H, W, 3) uint8 in RGB order -> (..., H, W) uint8. The plane of compressive-sensing figures.
    """
    if rgb.dtype != np.uint8:
        raise ValueError(f"Expected uint8, got {rgb.dtype}.")
    sum14 = rgb.astype(np.int32) @ np.array(LUMA_14_BITS, np.int32)
    return ((sum14 + (1 << 13)) >> 14).astype(np.uint8)
