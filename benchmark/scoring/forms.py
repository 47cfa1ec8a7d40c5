"""The images of a comparison: what is accepted, and the forms (float, rounded, truncated) that conventions ask for."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from benchmark.scoring.scratch import New
from datasets.ops.errors import UserError

WHITE = 255.0
_SLACK = 1e-6  # what resizing in single precision may leave above white; it is clipped away


class Image:
    """One side of a comparison. Forms are (H, W, C) float64 with white at 255, so that 8-bit values are exact.

    Args:
        array: (H, W, C) or (H, W), C 1 or 3; uint8, or float32 or float64 with white at 1.
        what: restored or clean, for messages.
    """

    def __init__(self, array: Any, what: str) -> None:
        self.array = _checked(array, what)

    @cached_property
    def eight_bit(self) -> bool:
        """Whether it is uint8, or 8-bit levels divided by 255 in its own precision."""
        if self.array.dtype == np.uint8:
            return True
        white = self.array.dtype.type(WHITE)
        # Most float images fail on their first row, which saves looking at the others.
        return all(np.array_equal(np.rint(a * white) / white, a) for a in (self.array[0], self.array)) and self._within

    @cached_property
    def inside(self) -> bool:
        """Whether every value lies in [0, 1]."""
        return self.array.dtype == np.uint8 or self._within

    @property
    def _within(self) -> bool:
        return bool(self.array.min() >= 0 and self.array.max() <= 1)

    def form(self, wanted: str, clamp: bool) -> str:
        """The name of a form; forms that coincide for this image have one name."""
        if wanted != "float":
            return "rounded" if self.eight_bit else wanted
        return "clamped" if clamp or self.inside else "unclamped"

    def make(self, form: str, precision: np.dtype, new: New = np.empty) -> np.ndarray:
        """One form. An 8-bit image becomes float, and a float one is quantised, in the precision that the papers' codes
        have there: that of the float images at hand."""
        out = new(self.array.shape)
        if self.array.dtype == np.uint8 and form == "rounded":
            out[...] = self.array
            return out
        white = precision.type(WHITE)
        values = self.array / white if self.array.dtype == np.uint8 else self.array
        if form != "unclamped" and not self.inside:
            values = np.clip(values, 0, 1)
        if form in ("clamped", "unclamped"):
            return np.multiply(values, WHITE, out=out, dtype=np.float64)
        quantise = np.rint if form == "rounded" else np.floor
        return quantise(values * white, out=out)


def _checked(array: Any, what: str) -> np.ndarray:
    if not isinstance(array, np.ndarray) or array.dtype not in (np.uint8, np.float32, np.float64):
        got = f"dtype {array.dtype}" if isinstance(array, np.ndarray) else type(array).__name__
        raise UserError(f"The {what} image must be a numpy array of uint8, float32 or float64, got {got}.")
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3 or array.shape[2] not in (1, 3) or array.size == 0:
        raise UserError(f"The {what} image must be (H, W), (H, W, 1) or (H, W, 3), got shape {array.shape}.")
    return array


def require_finite(image: Image, sentence: str) -> None:
    """Raise UserError, beginning with `sentence`, where the image holds NaN or infinite values."""
    if image.array.dtype == np.uint8 or np.isfinite(image.array).all():
        return
    bad = image.array.size - np.count_nonzero(np.isfinite(image.array))
    raise UserError(f"{sentence}: {bad} of {image.array.size} values are NaN or infinite.")


def require_range(clean: Image) -> None:
    """Raise UserError for a float clean image whose white is not 1: its range is not guessed."""
    if clean.inside:
        return
    low, high = float(clean.array.min()), float(clean.array.max())
    if low < -_SLACK or high > 1 + _SLACK:
        raise UserError(f"A float clean image must lie within [0, 1], got values from {low:g} to {high:g}.")
