"""Which patch comes when: a pure function of (seed, stage, stream, step), the same for any number of processes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from datasets.core.errors import UserError
from datasets.ops.noise import keyed_generator
from datasets.streams import AUGMENTS, Stream


@dataclass(frozen=True)
class Picks:
    """The global batch of one step, before it is cut.

    Attributes:
        entry, y, x: (N,) int64: image and top left corner in degraded pixels. mode: (N,) flip mode.
        weight, partner: (N,) share of the sample itself and index of the sample that it is mixed with; or None.
    """

    entry: np.ndarray
    y: np.ndarray
    x: np.ndarray
    mode: np.ndarray
    weight: np.ndarray | None = None
    partner: np.ndarray | None = None


def _starts(size: int, crop: int, stride: int, flush_last: bool) -> np.ndarray:
    starts = np.arange(0, size - crop + 1, stride, dtype=np.int64)
    if flush_last and size >= crop and starts[-1] != size - crop:
        starts = np.append(starts, size - crop)
    return starts


def grid_positions(size: tuple[int, int], crop: int, stride: int, flush_last: bool = False) -> np.ndarray:
    """Corners of all patches of a grid, (n, 2) int64 as (y, x), row by row.

    Args:
        size: height and width. flush_last: add a last row and column that end at the border (R2R's SIDD patches);
            without it what is left over at the border is not used (R2R's Gaussian patches). Never padded.
    """
    return _corners(size, (crop, crop), stride, flush_last)


def _corners(size: Sequence[int], tile: Sequence[int], stride: int, flush_last: bool = True) -> np.ndarray:
    """Corners of rectangles of a height and a width on a grid, (n, 2)."""
    rows, columns = (_starts(n, t, stride, flush_last) for n, t in zip(size, tile, strict=True))
    return np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1).reshape(-1, 2)


def share(total: int, rank: int, world: int) -> slice:
    """The samples of a global batch that belong to one process; all of them where there are fewer than processes."""
    if total < world:
        return slice(0, total)
    return slice(total * rank // world, total * (rank + 1) // world)


class Tiles:
    """The tiles of some images: squares of one side, a stride apart, the last ones flush with the border.

    Args:
        sizes: (entries, 2) height and width. An image smaller than a tile is one, as far as it goes.
    Attributes:
        entry, corner, size: of each tile: image (n,), top left corner and height and width (n, 2).
    """

    def __init__(self, sizes: np.ndarray, side: int, stride: int) -> None:
        within = np.minimum(sizes, side)
        corners = [_corners(size, tile, stride) for size, tile in zip(sizes.tolist(), within.tolist(), strict=True)]
        self.entry = np.repeat(np.arange(len(sizes)), [len(c) for c in corners])
        self.corner, self.size = np.concatenate(corners), within[self.entry]


class PatchOrder:
    """The order of patches of one stream.

    Args:
        stream: what is cut. sizes: (entries, 2) height and width in degraded pixels. names: of the entries.
        key: (seed, stage, stream): what the order depends on besides the step.
    Raises:
        UserError: an image is smaller than the crop, or the grid gives less than one batch that is kept.
    """

    def __init__(self, stream: Stream, sizes: np.ndarray, names: Sequence[str], key: tuple) -> None:
        self.stream, self.sizes, self.key = stream, sizes, key
        self.modes = np.array(AUGMENTS[stream.augment], np.int64)
        small = np.flatnonzero((sizes < stream.crop).any(axis=1))
        if len(small):
            raise UserError(
                f"The training cuts patches of {stream.crop}x{stream.crop}, but the image {names[small[0]]!r} is only "
                f"{sizes[small[0], 0]}x{sizes[small[0], 1]}; give --set {stream.setting or 'a crop'} a smaller value."
            )
        self._grids = self._make_grids() if stream.sampling.startswith("grid") else None
        self._tiles = Tiles(sizes, stream.tile, stream.stride) if stream.tile else None
        self.count = sum(len(g) for g in self._grids) if self._grids is not None else len(sizes)
        full, rest = divmod(self.count, stream.batch)
        self.steps_per_epoch = full + (rest > 0 and not stream.drop_last)
        if not self.steps_per_epoch:
            raise UserError(f"{self.count} patches give no batch of {stream.batch} where the last one is left out.")
        self._cached: tuple[int, np.ndarray] | None = None

    def _make_grids(self) -> list[np.ndarray]:
        s = self.stream
        grids = [grid_positions((int(h), int(w)), s.crop, s.stride, s.sampling == "grid-flush") for h, w in self.sizes]
        self._ends = np.cumsum([len(g) for g in grids])
        self._corners = np.concatenate(grids)
        return grids

    def epoch_of(self, step: int) -> int:
        """0-based epoch that a step belongs to."""
        return step // self.steps_per_epoch

    def picks(self, step: int) -> Picks:
        """The global batch of a step."""
        rng = keyed_generator(*self.key, "patches", step)
        entry, y, x = self._places(rng, step)
        mode = self.modes[rng.integers(0, len(self.modes), len(entry))]
        return Picks(entry, y, x, mode, *self._mixing(rng, step, len(entry)))

    def _places(self, rng: np.random.Generator, step: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Images and corners."""
        if self._tiles is not None:
            return self._in_tiles(rng, self._tiles)
        if self._grids is not None:
            place = self._window(step)
            corners = self._corners[place]
            return np.searchsorted(self._ends, place, side="right"), corners[:, 0], corners[:, 1]
        if self.stream.sampling == "random":
            entry = rng.integers(0, len(self.sizes), self.stream.batch)
        else:
            entry = self._window(step)
        return entry, *self._corner(rng, entry)

    def _in_tiles(self, rng: np.random.Generator, tiles: Tiles) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        chosen = rng.integers(0, len(tiles.entry), self.stream.batch)
        room = tiles.size[chosen] - self.stream.crop
        corner = tiles.corner[chosen] + rng.integers(0, room + 1)
        return tiles.entry[chosen], corner[:, 0], corner[:, 1]

    def _corner(self, rng: np.random.Generator, entry: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if not self.stream.crop:
            return np.zeros_like(entry), np.zeros_like(entry)
        room = self.sizes[entry] - self.stream.crop
        if self.stream.mosaic:
            return 2 * rng.integers(0, room[:, 0] // 2 + 1), 2 * rng.integers(0, room[:, 1] // 2 + 1)
        return rng.integers(0, room[:, 0] + 1), rng.integers(0, room[:, 1] + 1)

    def _window(self, step: int) -> np.ndarray:
        """The step's part of its epoch's permutation."""
        epoch, place = divmod(step, self.steps_per_epoch)
        turn = 0 if self.stream.order == "shuffle-once" else epoch
        if self._cached is None or self._cached[0] != turn:
            self._cached = turn, keyed_generator(*self.key, "order", turn).permutation(self.count)
        return self._cached[1][place * self.stream.batch : (place + 1) * self.stream.batch]

    def _mixing(self, rng: np.random.Generator, step: int, n: int) -> tuple[np.ndarray | None, np.ndarray | None]:
        if self.stream.mixup is None or self.epoch_of(step) + 1 < self.stream.mixup[1]:
            return None, None
        parameter = self.stream.mixup[0]
        return rng.beta(parameter, parameter, n).astype(np.float32), rng.permutation(n)
