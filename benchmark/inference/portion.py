"""How much is restored at once after a device's memory was not enough."""

from __future__ import annotations

from collections.abc import Sequence

from methods.base import Facts

LEAST = 64  # side of the smallest tile that is tried


def smaller(images: int, size: Sequence[int], pixels: int, tile: int, facts: Facts) -> tuple[int, int, str] | None:
    """The next smaller portion: half a batch, then one image, then tiles of half the side.

    Args:
        images: of the batch that did not fit. size: its height and width. pixels: that were restored together.
        tile: greatest side of a tile, 0 = whole images. facts: of the method.
    Returns:
        pixels, tile and a sentence for the record; None where nothing smaller is left to try.
    """
    area = size[0] * size[1]
    if images > 1:
        together = images // 2
        return together * area, tile, f"out of memory: {together} images at a time"
    side = min(tile, max(size)) if tile else max(size)
    if tile and side < max(size) and pixels > side * side:
        return max(pixels // 2, 1), tile, f"out of memory: fewer tiles of {tile} at a time"
    half = -(-side // 2)
    half += -half % facts.multiple
    margin = -(-(facts.context or 0) // facts.multiple) * facts.multiple
    if half >= side or half < max(LEAST, facts.min_side, 2 * margin + 4 * facts.multiple):
        return None
    return half * half, half, f"out of memory: tiles of {half}"
