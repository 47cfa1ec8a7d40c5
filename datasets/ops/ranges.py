"""What white is: 255 in bytes, 65535 in 16 bits, 1 in floats. The only place that says so."""

from __future__ import annotations

from typing import Any

import numpy as np

_WHITE = {np.dtype(np.uint8): 255.0, np.dtype(np.uint16): 65535.0}


def white(dtype: Any) -> float:
    """The value that stands for white in arrays of this type: 255, 65535, or 1 for floats."""
    return _WHITE.get(np.dtype(dtype), 1.0)


def unit(image: np.ndarray) -> np.ndarray:
    """The image as float32 with white at 1: uint8 divided by 255, uint16 by 65535, floats as they are. Any shape."""
    single = image.astype(np.float32)
    return single if image.dtype.kind == "f" else single / np.float32(white(image.dtype))


def levels(image: np.ndarray, dtype: Any) -> np.ndarray:
    """The nearest levels of a whole-number type for floats with white at 1; what lies outside is clipped first.

    In the floats' own precision, as pictures have been written here from the start.
    """
    return np.rint(np.clip(image, 0, 1) * image.dtype.type(white(dtype))).astype(dtype)
