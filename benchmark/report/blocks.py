"""Squared errors in square blocks, so that the page can tell the PSNR of any part; and the crops worth a look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

BLOCKS = 2048  # of an image, at most: 8 KB for each row
SMALLEST, CROPS = 8, 3  # pixels of a block's side; crops that are proposed


@dataclass(frozen=True)
class Crop:
    """A square of `side` pixels whose upper left corner is at (x, y) of the clean image, and why it is proposed."""

    x: int
    y: int
    side: int
    why: str


def block_side(height: int, width: int) -> int:
    """Side of the blocks of an image of this size: a multiple of 8."""
    side = SMALLEST
    while -(-height // side) * -(-width // side) > BLOCKS:
        side += SMALLEST
    return side


def block_errors(output: np.ndarray, clean: np.ndarray, side: int) -> np.ndarray:
    """Sums of squared differences in 8-bit levels, over the channels too.

    Args:
        output, clean: (H, W, C) uint8.
    Returns:
        (rows, columns) uint32 of blocks; those at the right and lower edge may be smaller.
    """
    squares = ((output.astype(np.int32) - clean.astype(np.int32)) ** 2).sum(2).astype(np.int64)
    down = np.add.reduceat(squares, np.arange(0, squares.shape[0], side), 0)
    return np.add.reduceat(down, np.arange(0, squares.shape[1], side), 1).clip(max=2**32 - 1).astype(np.uint32)


def disagreement(errors: Sequence[np.ndarray]) -> np.ndarray:
    """(rows, columns): how differently methods err in each block, as the deviation of their root errors."""
    return np.sqrt(np.stack([np.asarray(e, np.float64) for e in errors])).std(0)


def crops(measure: np.ndarray, size: tuple[int, int], side: int, why: str) -> list[Crop]:
    """The squares with the most of a `measure` given in blocks; a quarter of the shorter side wide, none overlapping.

    Args:
        measure: (rows, columns), one value per block. size: (H, W) of the image. side: of the blocks.
    """
    height, width = size
    blocks = max(1, round(min(height, width) / 4 / side))
    blocks = min(blocks, *measure.shape)
    sums = np.lib.stride_tricks.sliding_window_view(measure, (blocks, blocks)).sum((2, 3)).copy()
    found: list[Crop] = []
    while len(found) < CROPS and sums.size and sums.max() > 0:
        row, column = (int(i) for i in np.unravel_index(int(sums.argmax()), sums.shape))
        found.append(Crop(column * side, row * side, blocks * side, why))
        sums[max(0, row - blocks + 1) : row + blocks, max(0, column - blocks + 1) : column + blocks] = 0
    return found
