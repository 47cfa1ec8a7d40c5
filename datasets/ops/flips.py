"""The eight flips and rotations of the square, and their exact inverses.

Numbered as in the sampler of SCPGabNet: 0 identity, 1 upside down, 2 a quarter turn counter-clockwise, 3 that and then
upside down, 4 a half turn, 5 that and upside down, 6 three quarters counter-clockwise, 7 that and upside down.
"""

from __future__ import annotations

from typing import Any, TypeVar, cast

import numpy as np

MODES = range(8)
# 3 and 7 (reflections at the two diagonals) are their own inverses, as 0, 1, 4 and 5 are; the quarter turns swap.
INVERSE = (0, 1, 6, 3, 4, 5, 2, 7)

Image = TypeVar("Image")  # a numpy array or a torch tensor


def flip(image: Image, mode: int) -> Image:
    """Turn an image; quarter turns swap height and width.

    Args:
        image: torch tensor (..., H, W), or numpy array (H, W, C) or (H, W), of any type. Not changed.
        mode: 0 to 7, see the module's text.
    Returns:
        the turned image, contiguous; for mode 0 the image itself.
    Raises:
        ValueError: for any other mode.

    A colour filter array turns with its mosaic where both sides are even: flip the 2x2 cell by the same mode.
    """
    if mode not in MODES:
        raise ValueError(f"A flip has a mode from 0 to 7, not {mode!r}.")
    if mode == 0:
        return image
    given: Any = image
    if isinstance(given, np.ndarray):
        turned: Any = np.rot90(given, mode // 2, axes=(0, 1))
        turned = np.ascontiguousarray(turned[::-1] if mode % 2 else turned)
    else:
        turned = given.rot90(mode // 2, (-2, -1))
        turned = (turned.flip(-2) if mode % 2 else turned).contiguous()
    return cast(Image, turned)


def unflip(image: Image, mode: int) -> Image:
    """The inverse: ``unflip(flip(x, mode), mode)`` equals x exactly. Arguments as for `flip`."""
    if mode not in MODES:
        raise ValueError(f"A flip has a mode from 0 to 7, not {mode!r}.")
    return flip(image, INVERSE[mode])
