"""From a mosaic to an image: gradient-corrected linear interpolation, and plain bilinear interpolation.

H. S. Malvar, L. He, R. Cutler, "High-quality linear interpolation for demosaicing of Bayer-patterned color images",
ICASSP 2004: the method of MATLAB's ``demosaic``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np

CFAS = {"RGGB": (0, 1, 1, 2), "BGGR": (2, 1, 1, 0), "GRBG": (1, 0, 2, 1), "GBRG": (1, 2, 0, 1)}
Site = tuple[slice, slice]


def phases(cfa: Sequence[int]) -> Iterator[tuple[Site, int]]:
    """The four sites of the cell: (index of all pixels of that phase, their colour).

    Raises ValueError unless the cell is one red, two greens on a diagonal, one blue.
    """
    cell = tuple(int(c) for c in cfa)
    if cell not in CFAS.values():
        raise ValueError(f"A colour filter array is one of {CFAS}, not {cfa!r}.")
    for k, colour in enumerate(cell):
        yield (slice(k // 2, None, 2), slice(k % 2, None, 2)), colour


_LEVELS = 65536.0  # a float: before NumPy 2 an integer of this size made float32 into float64


@cache
def _kernels(kind: str) -> dict[str, np.ndarray]:
    """5x5 kernels: green at red/blue; red (blue) at a green site of its own row, of the other row, at blue (red)."""
    if kind == "malvar":
        green = [[0, 0, -1, 0, 0], [0, 0, 2, 0, 0], [-1, 2, 4, 2, -1], [0, 0, 2, 0, 0], [0, 0, -1, 0, 0]]
        row = [[0, 0, 0.5, 0, 0], [0, -1, 0, -1, 0], [-1, 4, 5, 4, -1], [0, -1, 0, -1, 0], [0, 0, 0.5, 0, 0]]
        cross = [[0, 0, -1.5, 0, 0], [0, 2, 0, 2, 0], [-1.5, 0, 6, 0, -1.5], [0, 2, 0, 2, 0], [0, 0, -1.5, 0, 0]]
    elif kind == "bilinear":
        green = [[0] * 5, [0, 0, 2, 0, 0], [0, 2, 0, 2, 0], [0, 0, 2, 0, 0], [0] * 5]
        row = [[0] * 5, [0] * 5, [0, 4, 0, 4, 0], [0] * 5, [0] * 5]
        cross = [[0] * 5, [0, 2, 0, 2, 0], [0] * 5, [0, 2, 0, 2, 0], [0] * 5]
    else:
        raise ValueError(f"Demosaicing is 'malvar' or 'bilinear', not {kind!r}.")
    made = {"green": np.array(green) / 8, "row": np.array(row) / 8, "cross": np.array(cross) / 8}
    return made | {"column": made["row"].T.copy()}


def demosaic(raw: np.ndarray, cfa: Sequence[int], kind: str = "malvar", *, bits16: bool = False) -> np.ndarray:
    """Interpolate the missing colours. Linear in the mosaic unless `bits16`; may overshoot [0, 1] then.

    Args:
        raw: (H, W) float32 or float64, each side at least 3; borders are mirrored without repeating the edge, which
            keeps the phase of the filter array (MATLAB's own border rule is not published: leave 2 pixels out of
            comparisons).
        kind: ``malvar`` or ``bilinear``.
        bits16: as the R2R pipeline calls MATLAB: round(65536 v) saturated at 65535, the result in whole numbers too,
            divided by 65536.
    Returns:
        (H, W, 3), type of `raw`.
    """
    if raw.ndim != 2 or min(raw.shape) < 3:
        raise ValueError(f"Expected a mosaic (H, W) of at least 3x3, got shape {raw.shape}.")
    if not bits16:
        return _interpolate(raw, cfa, kind)
    whole = np.clip(np.floor(raw * _LEVELS + 0.5), 0, 65535)
    return np.clip(np.floor(_interpolate(whole, cfa, kind) + 0.5), 0, 65535) / _LEVELS


def _interpolate(raw: np.ndarray, cfa: Sequence[int], kind: str) -> np.ndarray:
    import cv2

    seen = {name: cv2.filter2D(raw, -1, k, borderType=cv2.BORDER_REFLECT_101) for name, k in _kernels(kind).items()}
    seen["own"] = raw
    rgb = np.empty((*raw.shape, 3), raw.dtype)
    sites = list(phases(cfa))
    rows = {colour: k // 2 for k, (_, colour) in enumerate(sites) if colour != 1}
    for k, (site, here) in enumerate(sites):
        for wanted in range(3):
            rgb[(*site, wanted)] = seen[_which(here, wanted, rows.get(wanted) == k // 2)][site]
    return rgb


def _which(here: int, wanted: int, same_row: bool) -> str:
    """Name of the kernel that gives colour `wanted` at a site of colour `here`."""
    if here == wanted:
        return "own"
    if wanted == 1:
        return "green"
    if here == 1:
        return "row" if same_row else "column"
    return "cross"
