"""Which patch comes when: a pure function of (seed, stage, stream, step), the same for any number of processes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from datasets.ops.errors import UserError
from datasets.ops.noise import keyed_generator
from datasets.pool.supply import AUGMENTS, Supply


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
    rows = _starts(size[0], crop, stride, flush_last)
    columns = _starts(size[1], crop, stride, flush_last)
    return np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1).reshape(-1, 2)


def share(total: int, rank: int, world: int) -> slice:
    """The samples of a global batch that belong to one process; all of them where there are fewer than processes."""
    if total < world:
        return slice(0, total)
    return slice(total * rank // world, total * (rank + 1) // world)


class Order:
    """The order of patches of one stream.

    Args:
        supply: the stream. sizes: (entries, 2) height and width in degraded pixels. names: of the entries.
        key: (seed, stage, stream): what the order depends on besides the step.
    Raises:
        UserError: an image is smaller than the crop, or the grid gives less than one batch that is kept.
    """

    def __init__(self, supply: Supply, sizes: np.ndarray, names: Sequence[str], key: tuple) -> None:
        self.supply, self.sizes, self.key = supply, sizes, key
        self.modes = np.array(AUGMENTS[supply.augment], np.int64)
        small = np.flatnonzero((sizes < supply.crop).any(axis=1))
        if len(small):
            raise UserError(
                f"The training cuts patches of {supply.crop}x{supply.crop}, but the image {names[small[0]]!r} is only "
                f"{sizes[small[0], 0]}x{sizes[small[0], 1]}; give --set train.crop a smaller value."
            )
        self._grids = self._make_grids() if supply.sampling.startswith("grid") else None
        self.count = sum(len(g) for g in self._grids) if self._grids is not None else len(sizes)
        full, rest = divmod(self.count, supply.batch)
        self.steps_per_epoch = full + (rest > 0 and not supply.drop_last)
        if not self.steps_per_epoch:
            raise UserError(f"{self.count} patches give no batch of {supply.batch} where the last one is left out.")
        self._cached: tuple[int, np.ndarray] | None = None

    def _make_grids(self) -> list[np.ndarray]:
        s = self.supply
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
        if self.supply.sampling == "random":
            entry = rng.integers(0, len(self.sizes), self.supply.batch)
        else:
            entry = self._window(step)
        if self._grids is not None:
            corners, entry = self._corners[entry], np.searchsorted(self._ends, entry, side="right")
            y, x = corners[:, 0], corners[:, 1]
        else:
            y, x = self._corner(rng, entry)
        mode = self.modes[rng.integers(0, len(self.modes), len(entry))]
        return Picks(entry, y, x, mode, *self._mixing(rng, step, len(entry)))

    def _corner(self, rng: np.random.Generator, entry: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if not self.supply.crop:
            return np.zeros_like(entry), np.zeros_like(entry)
        room = self.sizes[entry] - self.supply.crop
        if self.supply.mosaic:
            return 2 * rng.integers(0, room[:, 0] // 2 + 1), 2 * rng.integers(0, room[:, 1] // 2 + 1)
        return rng.integers(0, room[:, 0] + 1), rng.integers(0, room[:, 1] + 1)

    def _window(self, step: int) -> np.ndarray:
        """The step's part of its epoch's permutation."""
        epoch, place = divmod(step, self.steps_per_epoch)
        turn = 0 if self.supply.order == "shuffle-once" else epoch
        if self._cached is None or self._cached[0] != turn:
            self._cached = turn, keyed_generator(*self.key, "order", turn).permutation(self.count)
        return self._cached[1][place * self.supply.batch : (place + 1) * self.supply.batch]

    def _mixing(self, rng: np.random.Generator, step: int, n: int) -> tuple[np.ndarray | None, np.ndarray | None]:
        if self.supply.mixup is None or self.epoch_of(step) + 1 < self.supply.mixup[1]:
            return None, None
        parameter = self.supply.mixup[0]
        return rng.beta(parameter, parameter, n).astype(np.float32), rng.permutation(n)
