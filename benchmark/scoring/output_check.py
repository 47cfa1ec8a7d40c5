"""The one check of restored images, whoever hands them over: type, shape, finiteness, and that white is 1.

Methods, modules and plug-ins pass it in the Restorer, files in `runs.external`, and every pair that is scored passes it
in the scorer. It needs no torch: a tensor is asked for its dtype and shape only.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from datasets.core.errors import UserError
from datasets.ops.ranges import unit

FLOATS = ("float16", "bfloat16", "float32", "float64")
BRIGHT = 16.0  # times as bright as the image it comes from: no restoration is, and 255 and 65535 are far above
_WHITE = 1.0  # a mean above white: nothing below can be on a scale of 0 to 255


def check_form(output: Any, shape: tuple[int, ...], who: str, allowed: tuple[str, ...] = FLOATS) -> None:
    """Raise UserError for an array or tensor of another type or shape than expected; the sentence begins with `who`.

    Args:
        output: has ``dtype`` and ``shape``. allowed: names of dtypes.
    """
    kind = str(output.dtype).removeprefix("torch.")
    if kind not in allowed:
        hint = "; divide 8-bit values by 255" if kind == "uint8" else ""
        raise UserError(f"{who} has the type {kind}, where floats with white at 1 are expected{hint}.")
    if tuple(output.shape) != shape:
        raise UserError(f"{who} has the shape {tuple(output.shape)}, where {shape} is expected.")


def check_values(output: np.ndarray, reference: np.ndarray | None, who: str, remedy: str = "") -> None:
    """Raise UserError for values that are not finite, or whose white is plainly not 1; the range found is named.

    A network may overshoot and a bad one may give anything: what tells another scale is an image that is above white in
    the mean, and many times as bright as the image it was made from or for.

    Args:
        output: floats (8-bit images have nothing to check).
        reference: the degraded or the clean image, any size; None = the
            range is not looked at.
        who: begins the sentence. remedy: what to do about another range; default: divide.
    """
    if output.dtype == np.uint8 or not output.size:
        return
    mean = float(output.mean(dtype=np.float64))
    if not np.isfinite(mean):
        bad = output.size - int(np.count_nonzero(np.isfinite(output)))
        if bad:
            raise UserError(f"{who} holds NaN or infinite values ({bad} of {output.size}).")
    if reference is None or mean <= _WHITE or mean <= BRIGHT * float(unit(reference).mean(dtype=np.float64)):
        return
    low, high = float(output.min()), float(output.max())
    if -low > mean:  # as far below black as above white: a network that broke, not a scale
        return
    peak = next((white for white in (255, 1023, 4095, 16383, 65535) if high <= 1.25 * white), 65535)
    raise UserError(f"{who} has values from {low:g} to {high:g}, where white is 1: {remedy or f'divide by {peak}'}.")


def check_output(output: Any, reference: np.ndarray, shape: tuple[int, ...], who: str, remedy: str = "") -> np.ndarray:
    """A restored image from outside, checked: (H, W, C) uint8, or float32 with white at 1.

    Args:
        output: array, (H, W, C), or (H, W) for one channel. reference: see `check_values`. shape: that it must have.
        who: names it, such as ``The output p0.npy``. remedy: see `check_values`.
    Raises:
        UserError: another type (bool, complex, other whole numbers), another shape, values that are not finite or whose
            white is not 1.
    """
    array = np.asarray(output)
    array = array[:, :, None] if array.ndim == 2 else array
    check_form(array, shape, who, (*FLOATS, "uint8"))
    check_values(array, reference, who, remedy)
    return array if array.dtype == np.uint8 else array.astype(np.float32, copy=False)
