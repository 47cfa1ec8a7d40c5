"""Restoring a large image piece by piece, within a bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from datasets.ops.errors import UserError
from methods.base import Facts

# Overlap of neighbouring tiles, as a part of their side, where an output pixel depends on the whole image: then tiles
# cannot agree exactly, and they are faded into each other.
_FADE = 8


@dataclass(frozen=True)
class Span:
    """One tile along one axis: pixels [low, high) are given to the method, [core_low, core_high) are its own part."""

    low: int
    high: int
    core_low: int
    core_high: int


def spans(side: int, tile: int, context: int, multiple: int) -> list[Span]:
    """Cut an axis into tiles whose cores cover it once.

    Args:
        side: length of the axis. tile: length of a tile. context: margin on both sides of a core.
        multiple: tiles start at its multiples, so that a network which works on a coarser grid sees the same grid.
    Raises:
        UserError: the tile has no room for a core.
    """
    margin = -(-context // multiple) * multiple
    if side <= tile:
        return [Span(0, side, 0, side)]
    step = (tile - 2 * margin) // multiple * multiple
    if step < 1:
        raise UserError(
            f"A tile of {tile} pixels is too small: this method sees {context} pixels around each output pixel, so "
            f"give --tile {2 * margin + 4 * multiple} or more, or leave --tile out."
        )
    last = (side - tile) // multiple * multiple
    found = []
    for core in range(0, side, step):
        high = min(side, core + step + margin)
        low = max(0, core - margin)
        found.append(Span(min(low, last) if high == side else low, high, core, min(side, core + step)))
    return found


def weights(span: Span, side: int, fade: int) -> Tensor:
    """How much each pixel of a tile counts: 1 on its core, 0 outside; with `fade`, a linear fall over the overlap."""
    at = torch.arange(span.low, span.high, dtype=torch.float32) + 0.5
    if not fade:
        return ((at > span.core_low) & (at < span.core_high)).float()
    rise = (at - (span.core_low - fade)) / (2 * fade) if span.core_low else torch.ones_like(at)
    fall = (span.core_high + fade - at) / (2 * fade) if span.core_high < side else torch.ones_like(at)
    return torch.minimum(rise, fall).clamp(0, 1)


def tiled(restore: Callable[[Tensor, str], Tensor], x: Tensor, tile: int, facts: Facts) -> Tensor:
    """Restore (N, C, H, W) in square tiles and join them.

    With a finite `facts.context` the seams are cut, and the outcome equals the whole image's up to the convolution's
    rounding; without, neighbouring tiles overlap by a quarter and are faded into each other.

    Args:
        restore: (tile, tag) -> restored tile; the tag tells tiles apart (a method's random draws differ between them).
        tile: side of a tile, margins included, in pixels of `x`; larger sides are cut, smaller ones left whole.
    """
    height, width = x.shape[-2:]
    if max(height, width) <= tile:
        return restore(x, "")
    fade = tile // _FADE if facts.context is None else 0
    margin = fade if facts.context is None else facts.context
    scale = facts.scale
    total, norm = None, torch.zeros(height * scale, width * scale, device=x.device)
    for down, right in _grid(height, width, tile, margin, facts.multiple):
        piece = restore(x[..., down.low : down.high, right.low : right.high], f"tile{down.low},{right.low}")
        mask = torch.outer(weights(down, height, fade), weights(right, width, fade)).to(x.device)
        mask = mask.repeat_interleave(scale, 0).repeat_interleave(scale, 1)
        at = (slice(down.low * scale, down.high * scale), slice(right.low * scale, right.high * scale))
        if total is None:
            total = piece.new_zeros(*piece.shape[:2], height * scale, width * scale)
        total[..., at[0], at[1]] += mask * piece
        norm[at] += mask
    assert total is not None
    return total / norm


def _grid(height: int, width: int, tile: int, margin: int, multiple: int) -> Iterator[tuple[Span, Span]]:
    for down in spans(height, tile, margin, multiple):
        for right in spans(width, tile, margin, multiple):
            yield down, right
