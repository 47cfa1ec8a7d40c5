"""Cutting the patches: one gather for the whole batch, on the device where the images fit on it."""

from __future__ import annotations

import warnings

import numpy as np
import torch
from torch import Tensor

from datasets.core.errors import UserError
from datasets.ops.flips import flip
from datasets.pool.order import PatchOrder, Picks, share
from datasets.pool.store import Store
from datasets.pool.transfer import moved
from datasets.streams import Stream


class Pool:
    """Batches of one stream.

    Args:
        stream, store: what is cut, from what. key: (seed, stage, stream).
        device: where batches go. rank, world: this process among all; it gets its share of each global batch.
        resident: whether the images lie on the device; otherwise patches are cut on the CPU.
    """

    def __init__(
        self,
        stream: Stream,
        store: Store,
        key: tuple,
        device: torch.device | str = "cpu",
        rank: int = 0,
        world: int = 1,
        resident: bool = True,
    ) -> None:
        self.stream, self.device, self.rank, self.world = stream, torch.device(device), rank, world
        members = store.shapes
        self._scales = {m: stream.scale if m.startswith("clean") else 1 for m in members}
        sizes = _common(store, self._scales)
        self._shapes = store.shapes
        self.order = PatchOrder(stream, sizes, store.names, key)
        if stream.crop == 0 and set(self.order.modes) - {0, 1, 4, 5} and (sizes[:, 0] != sizes[:, 1]).any():
            raise UserError(f"Whole images that are not square cannot be turned: augment {stream.augment!r}.")
        home = self.device if resident else torch.device("cpu")
        self._pixels = {m: _tensor(store.pixels[m]).to(home) for m in members}
        self._offsets = {m: torch.from_numpy(store.offsets(m)) for m in members}
        self._modes = sorted(set(self.order.modes.tolist()))
        self._grids: dict[tuple[str, int, int], tuple[Tensor, Tensor]] = {}

    @property
    def steps_per_epoch(self) -> int:
        """Steps of one pass."""
        return self.order.steps_per_epoch

    def epoch_of(self, step: int) -> int:
        """0-based epoch that a step belongs to."""
        return self.order.epoch_of(step)

    def size_of(self, step: int) -> int:
        """Samples of the global batch of a step."""
        s = self.stream
        if s.sampling == "random":
            return s.batch
        return min(s.batch, self.order.count - step % self.steps_per_epoch * s.batch)

    def batch(self, step: int) -> dict[str, Tensor]:
        """This process's share of the batch of a step: member -> (N, C, H, W) float32 on the device.

        uint8 members are divided by 255; float32 ones come as they are.
        """
        picks = self.order.picks(step)
        mine = np.arange(len(picks.entry))[share(len(picks.entry), self.rank, self.world)]
        own = self._cut(picks, mine)
        if picks.weight is None or picks.partner is None:
            return own
        other = self._cut(picks, picks.partner[mine])
        weight = moved(torch.from_numpy(picks.weight[mine]), self.device).view(-1, 1, 1, 1)
        return {m: weight * own[m] + (1 - weight) * other[m] for m in own}

    def _cut(self, picks: Picks, chosen: np.ndarray) -> dict[str, Tensor]:
        return {member: self._gather(member, picks, chosen) for member in self._pixels}

    def _gather(self, member: str, picks: Picks, chosen: np.ndarray) -> Tensor:
        entry, scale, pixels = picks.entry[chosen], self._scales[member], self._pixels[member]
        height, width = self._side(member, entry)
        rows, columns = self._grid(member, height, width)
        turn = torch.from_numpy(np.searchsorted(self._modes, picks.mode[chosen]))
        stride = torch.from_numpy(self._shapes[member][entry, 1])
        corner = self._offsets[member][torch.from_numpy(entry)]
        corner = corner + torch.from_numpy(picks.y[chosen]) * scale * stride + torch.from_numpy(picks.x[chosen]) * scale
        corner, stride, turn = moved(torch.stack([corner, stride, turn]), pixels.device)  # in one go
        index = corner.view(-1, 1, 1) + rows[turn] * stride.view(-1, 1, 1) + columns[turn]
        patches = moved(pixels[index], self.device).permute(0, 3, 1, 2).contiguous()
        return patches.float() / 255 if patches.dtype == torch.uint8 else patches

    def _side(self, member: str, entry: np.ndarray) -> tuple[int, int]:
        if self.stream.crop:
            return (self.stream.crop * self._scales[member],) * 2
        shapes = np.unique(self._shapes[member][entry], axis=0)
        if len(shapes) > 1:
            raise UserError(f"Whole images in one batch must have one size; came {shapes.tolist()}. Use a batch of 1.")
        return int(shapes[0, 0]), int(shapes[0, 1])

    def _grid(self, member: str, height: int, width: int) -> tuple[Tensor, Tensor]:
        """Row and column of each pixel of a patch, turned in each mode: (modes, height, width) int64."""
        key = (member, height, width)
        if key not in self._grids:
            rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
            home = self._pixels[member].device
            self._grids = {k: v for k, v in self._grids.items() if k[0] != member}  # whole images come in many sizes
            self._grids[key] = (
                torch.stack([flip(rows, m) for m in self._modes]).to(home),
                torch.stack([flip(columns, m) for m in self._modes]).to(home),
            )
        return self._grids[key]


def _tensor(array: np.ndarray) -> Tensor:
    with warnings.catch_warnings():  # the map is read-only, and nothing here writes to it
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(array)


def _common(store: Store, scales: dict[str, int]) -> np.ndarray:
    """(entries, 2) sizes in degraded pixels, which all members must share."""
    member = min(scales, key=lambda m: scales[m])
    sizes = store.shapes[member] // scales[member]
    for other, shapes in store.shapes.items():
        wrong = np.flatnonzero((shapes // scales[other] != sizes).any(axis=1))
        if len(wrong):
            first = wrong[0]
            size = store.shapes[member][first].tolist()
            raise UserError(
                f"The training image {store.names[first]!r} is {size} as {member!r}, so {other!r} must be "
                f"{(sizes[first] * scales[other]).tolist()}; it is {shapes[first].tolist()}."
            )
    return sizes
