"""The images of a comparison: what is accepted, and the forms (float, rounded, truncated) that conventions ask for."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from benchmark.scoring.buffers import New
from benchmark.scoring.output_check import check_values
from datasets.core.errors import UserError

Forms = tuple[str, str]

WHITE = 255.0
_AT_ONCE = 2**18  # values looked at together
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
    def bounds(self) -> tuple[float, float]:
        """Least and largest value; NaN where there is one."""
        return float(self.array.min()), float(self.array.max())

    @cached_property
    def eight_bit(self) -> bool:
        """Whether it is uint8, or 8-bit levels divided by 255 in its own precision."""
        if self.array.dtype == np.uint8:
            return True
        white = self.array.dtype.type(WHITE)
        # Most float images fail on their first row, and a few rows at a time need little memory.
        step = max(1, _AT_ONCE // self.array[0].size)
        parts = [self.array[:1], *(self.array[top : top + step] for top in range(0, len(self.array), step))]
        return self.inside and all(np.array_equal(np.rint(a * white) / white, a) for a in parts)

    @cached_property
    def inside(self) -> bool:
        """Whether every value lies in [0, 1]."""
        return self.array.dtype == np.uint8 or (self.bounds[0] >= 0 and self.bounds[1] <= 1)

    def form(self, wanted: str, clamp: bool) -> str:
        """The name of a form; forms that coincide for this image have one name."""
        if wanted != "float":
            return "rounded" if self.eight_bit else wanted
        return "clamped" if clamp or self.inside else "unclamped"

    def make(self, form: str, where: tuple[slice, slice], precision: np.dtype, new: New) -> np.ndarray:
        """One form of some rows and columns. An 8-bit image becomes float, and a float one is quantised, in the
        precision that the papers' codes have there: that of the float images at hand."""
        given = self.array[where]
        out = new(given.shape)
        if given.dtype == np.uint8 and form == "rounded":
            out[...] = given
            return out
        white = precision.type(WHITE)
        values = given / white if given.dtype == np.uint8 else given
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


class ImagePair:
    """A restored image and its clean image, checked; see `benchmark.scoring.conventions.score` for both."""

    def __init__(self, restored: Any, clean: Any) -> None:
        self.restored, self.clean = Image(restored, "restored"), Image(clean, "clean")
        self.shape = self.clean.array.shape
        if self.restored.array.shape != self.shape:
            raise UserError(
                f"The restored image must have the clean image's shape {self.shape}, got {self.restored.array.shape}."
            )
        check_values(self.restored.array, self.clean.array, "The restored image")
        _require_finite(self.restored, "The method's output cannot be scored")
        _require_finite(self.clean, "The clean image cannot be used")
        if not self.clean.inside:
            low, high = self.clean.bounds
            if low < -_SLACK or high > 1 + _SLACK:  # its range is not guessed
                raise UserError(f"A float clean image must lie within [0, 1], got values from {low:g} to {high:g}.")
        floats = [image.array.dtype for image in (self.restored, self.clean) if image.array.dtype != np.uint8]
        self._precision = np.result_type(*floats) if floats else np.dtype(np.float64)
        self._eight_bit = self.restored.eight_bit and self.clean.eight_bit

    def forms(self, wanted: str, clamp: bool) -> Forms:
        """The names of the restored and the clean image's forms for one input of a convention."""
        if self._eight_bit:
            return "rounded", "rounded"
        truth = "float" if wanted == "float" else "rounded"
        return self.restored.form(wanted, clamp), self.clean.form(truth, True)

    def make(self, side: int, form: str, where: tuple[slice, slice], new: New) -> np.ndarray:
        """Some rows and columns of one image (side 0: restored, 1: clean) in one form."""
        return (self.restored, self.clean)[side].make(form, where, self._precision, new)


def _require_finite(image: Image, sentence: str) -> None:
    """Raise UserError, beginning with `sentence`, where the image holds NaN or infinite values."""
    if image.array.dtype == np.uint8 or np.isfinite(image.bounds).all():
        return
    bad = image.array.size - np.count_nonzero(np.isfinite(image.array))
    raise UserError(f"{sentence}: {bad} of {image.array.size} values are NaN or infinite.")
