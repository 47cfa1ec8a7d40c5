"""One comparison of two images under any number of conventions, in memory that does not grow with the images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from benchmark.scoring import metrics
from benchmark.scoring.buffers import scratch
from benchmark.scoring.definition import ALIGNED_SIDE, Convention, Score
from benchmark.scoring.pieces import Box, Piece, Sums, boxes, require_room
from benchmark.scoring.quantise import WHITE, ImagePair
from datasets.core.errors import UserError
from datasets.ops.alignment import aligned_scores


def scores(pair: ImagePair, conventions: Sequence[Convention]) -> list[Score]:
    """The pair's score under each convention. Raises UserError where the image is smaller than the window."""
    for c in conventions:
        if not c.tile:
            require_room(pair.shape, c.border)
            if c.ssim_input is not None and c.align == "none" and not c.downsample:
                rim = c.border + (c.window.radius if c.padding == "valid" else 0)
                require_room(pair.shape, rim, f"Convention {c.name!r} cannot take an SSIM: a rim")
    # Decimation counts its pixels from the image's corner, so that pieces of it would not fit together.
    piecewise = [c for c in conventions if not c.tile and c.align == "none" and not c.downsample]
    found = dict(zip(piecewise, _summed(pair, piecewise, list(boxes(*pair.shape[:2]))), strict=True))
    for c in conventions:
        if c.tile:
            found[c] = _tiled(pair, c)
        elif c.align == "ecc":
            found[c] = _aligned(pair, c)
        elif c.downsample:
            (found[c],) = _summed(pair, [c], [_whole(pair)])
    return [found[c] for c in conventions]


def _summed(pair: ImagePair, conventions: Sequence[Convention], pieces: Sequence[Box]) -> list[Score]:
    """Scores from the sums over pieces, which together are the image."""
    halo = max((c.window.radius for c in conventions if c.ssim_input is not None), default=0)
    totals: list[Sums] = []
    memory = scratch()
    for box in pieces if conventions else ():
        with memory.frame():
            piece = Piece(pair, box, halo, memory)
            sums = [piece.sums(c) for c in conventions]
        totals = [total.plus(one) for total, one in zip(totals, sums, strict=True)] if totals else sums
    found = []
    for c, total in zip(conventions, totals, strict=True):
        errors = np.atleast_1d(total.errors) / total.pixels
        decibels = [metrics.decibels(float(mse), WHITE * c.data_range) for mse in errors]
        psnr = sum(decibels) / len(decibels)
        found.append(Score(psnr, None if c.ssim_input is None else total.similarity / total.windows))
    return found


def _whole(pair: ImagePair) -> Box:
    return Box(0, pair.shape[0], 0, pair.shape[1])


def _aligned(pair: ImagePair, c: Convention) -> Score:
    require_room(pair.shape, ALIGNED_SIDE // 2, f"Convention {c.name!r} aligns what it scores: a rim")
    memory, box = scratch(), _whole(pair)
    with memory.frame():
        piece = Piece(pair, box, 0, memory)
        x, y = piece.arrays(pair.forms(c.psnr_input, c.clamp), c.plane, box.grown(-c.border))
        return Score(*aligned_scores(x / WHITE, y / WHITE))


def _tiled(pair: ImagePair, c: Convention) -> Score:
    height, width = pair.shape[:2]
    corners = [
        (row, column)
        for row in range(0, height - c.tile + 1, c.tile)
        for column in range(0, width - c.tile + 1, c.tile)
    ]
    if not corners:
        raise UserError(f"Convention {c.name!r} scores tiles of {c.tile} pixels, got an image of {height} x {width}.")
    found = []
    for row, column in corners:
        where = slice(row, row + c.tile), slice(column, column + c.tile)
        found += scores(ImagePair(pair.restored.array[where], pair.clean.array[where]), [replace(c, tile=0)])
    ssims = [s.ssim for s in found if s.ssim is not None]
    return Score(float(np.mean([s.psnr for s in found])), float(np.mean(ssims)) if ssims else None)
