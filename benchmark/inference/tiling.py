"""Restoring a large image piece by piece, within a bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from benchmark.progress import Report, Task
from datasets.core.errors import UserError
from methods.base import Facts

# Where an output pixel depends on the whole image, tiles cannot agree exactly, and are faded into each other: over this
# part of their side before and behind a cut, unless the method says how much is enough.
_FADE = 8


@dataclass(frozen=True)
class Span:
    """One tile along one axis: pixels [low, high) are given to the method, [core_low, core_high) are its own part."""

    low: int
    high: int
    core_low: int
    core_high: int


def spans(side: int, tile: int, context: int, multiple: int) -> list[Span]:
    """Cut an axis into as few tiles as do, all of one length, whose cores cover it once.

    Neighbours overlap by twice the margin or a little more, so that hardly a pixel is computed for nothing.

    Args:
        side: length of the axis. tile: the greatest length of a tile (up to `multiple` more where nothing else fits).
        context: margin on both sides of a core.
        multiple: tiles start at its multiples, and end as far beyond one as the axis does, so that a network which
            works on a coarser grid sees the same grid.
    Raises:
        UserError: the tile has no room for a core.
    """
    margin = -(-context // multiple) * multiple
    if side <= tile:
        return [Span(0, side, 0, side)]
    most = tile - (tile - side) % multiple  # the greatest length that is `side` modulo `multiple`

    def step(length: int) -> int:
        return (length - 2 * margin) // multiple * multiple

    if (tile - 2 * margin) // multiple < 1:
        raise UserError(
            f"A tile of {tile} pixels is too small: this method sees {context} pixels around each output pixel, so "
            f"give --tile {2 * margin + 4 * multiple} or more, or leave --tile out."
        )
    most += 0 if step(most) else multiple
    if most >= side:
        return [Span(0, side, 0, side)]
    gaps = -(-(side - most) // step(most))
    length = next(n for n in range(most % multiple or multiple, most + 1, multiple) if gaps * step(n) >= side - n)
    units = (side - length) // multiple
    lows = [units * k // gaps * multiple for k in range(gaps + 1)]
    cores = [0, *((low + before + length) // 2 for before, low in pairwise(lows)), side]
    return [Span(low, low + length, cores[k], cores[k + 1]) for k, low in enumerate(lows)]


def weights(span: Span, side: int, fade: int) -> Tensor:
    """How much each pixel of a tile counts: 1 on its core, falling to 0 over `fade` pixels on both sides of an end."""
    at = torch.arange(span.low, span.high, dtype=torch.float32) + 0.5
    rise = (at - (span.core_low - fade)) / (2 * fade) if span.core_low else torch.ones_like(at)
    fall = (span.core_high + fade - at) / (2 * fade) if span.core_high < side else torch.ones_like(at)
    return torch.minimum(rise, fall).clamp(0, 1)


def tiled(
    restore: Callable[[Tensor, Sequence[str]], Tensor],
    x: Tensor,
    tile: int,
    facts: Facts,
    pixels: int = 1,
    report: Report = None,
) -> Tensor:
    """Restore (N, C, H, W) in tiles of one size and join them.

    With a finite `facts.context` each tile gives its core, and the outcome equals the whole image's up to the
    convolution's rounding. Without, neighbouring tiles are faded into each other, over `facts.fade` pixels or an eighth
    of a tile on both sides of a cut.

    Args:
        restore: (tiles, tags) -> restored tiles. Tiles are (T * N, C, h, w), one tile of all N images after the other;
            the T tags tell tiles apart (a method's random draws differ between them).
        tile: greatest side of a tile, margins included, in pixels of `x`; only larger sides are cut.
        pixels: so many are given to `restore` together, and at least one tile. report: told which tile is at work.
    """
    height, width = x.shape[-2:]
    if max(height, width) <= tile:
        return restore(x, [""])
    fade = 0 if facts.context is not None else tile // _FADE if facts.fade is None else min(facts.fade, tile // _FADE)
    margin = fade if facts.context is None else facts.context
    rows, columns = (spans(side, tile, margin, facts.multiple) for side in (height, width))
    grid = [(down, right) for down in rows for right in columns]
    together = max(1, pixels // (len(x) * (rows[0].high - rows[0].low) * (columns[0].high - columns[0].low)))
    canvas = _Canvas(height, width, facts.scale, fade)
    for start in range(0, len(grid), together):
        if report:
            report(Task(unit="tile", current=True), start, len(grid))
        chosen = grid[start : start + together]
        cut = [x[..., down.low : down.high, right.low : right.high] for down, right in chosen]
        given = torch.cat(cut) if len(cut) > 1 else cut[0]
        tags = [f"tile{down.low},{right.low}" for down, right in chosen]
        for (down, right), piece in zip(chosen, restore(given, tags).split(len(x)), strict=True):
            canvas.add(piece, down, right)
    return canvas.image()


class _Canvas:
    """The joined image, (N, C, H * scale, W * scale); made when the first tile tells how many channels it has."""

    def __init__(self, height: int, width: int, scale: int, fade: int) -> None:
        self.height, self.width, self.scale, self.fade = height, width, scale, fade
        self.total: Tensor | None = None
        self.norm = torch.empty(0)

    def add(self, piece: Tensor, down: Span, right: Span) -> None:
        size = self.height * self.scale, self.width * self.scale
        if self.total is None:
            self.total = piece.new_zeros(*piece.shape[:2], *size)
            self.norm = piece.new_zeros(size if self.fade else 0)
        if not self.fade:
            own = piece[..., self._within(down.core_low, down.core_high, down.low), :]
            own = own[..., self._within(right.core_low, right.core_high, right.low)]
            at = self._within(down.core_low, down.core_high), self._within(right.core_low, right.core_high)
            self.total[..., at[0], at[1]] = own
            return
        masks = weights(down, self.height, self.fade), weights(right, self.width, self.fade)
        mask = torch.outer(*(m.repeat_interleave(self.scale) for m in masks)).to(piece)
        at = self._within(down.low, down.high), self._within(right.low, right.high)
        self.total[..., at[0], at[1]] += mask * piece
        self.norm[at] += mask

    def image(self) -> Tensor:
        assert self.total is not None  # a grid has at least one tile
        return self.total.div_(self.norm) if self.fade else self.total

    def _within(self, low: int, high: int, start: int = 0) -> slice:
        return slice((low - start) * self.scale, (high - start) * self.scale)
