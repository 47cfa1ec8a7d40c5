"""HDF5 files of unknown origin: only data that lie in the file itself, and no more than it can hold."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from datasets.core.errors import UserError
from datasets.core.files import open_ordinary

MOST_BYTES = 1 << 36  # of the file
MOST_ARRAY = 1 << 34  # of one array in memory
_MOST_OBJECTS = 1 << 20
_RATIO = 1100  # deflate's best


@contextmanager
def open_hdf5(path: Path | str) -> Iterator[Any]:
    """An h5py.File opened for reading, after all that it holds was looked at (once per state of the file).

    Raises:
        UserError: missing, not ordinary; an external link, external storage or a virtual dataset, by name (they would
            take other files' bytes for this one's); an array larger than the file can hold.
        OSError: it is not HDF5, or truncated, as h5py says.
    """
    import h5py

    with open_ordinary(path, MOST_BYTES) as stream:
        state = path_state(stream.fileno())
    _check(str(path), state)
    with h5py.File(path, "r") as file:
        yield file


def path_state(handle: int) -> tuple[int, int, int]:
    """(inode, size, time of change) of an open file."""
    found = os.fstat(handle)
    return found.st_ino, found.st_size, found.st_mtime_ns


@functools.lru_cache(maxsize=256)
def _check(path: str, state: tuple[int, int, int]) -> None:
    import h5py

    with h5py.File(path, "r") as file:
        seen: set[Any] = set()
        waiting = [file["/"]]
        while waiting:
            group = waiting.pop()
            for name in group:
                where = f"{group.name.rstrip('/')}/{name}"
                if isinstance(group.get(name, getlink=True), h5py.ExternalLink):
                    raise UserError(f"{path} was refused: {where} is a link into another file.")
                if isinstance(group.get(name, getlink=True), h5py.SoftLink):
                    continue  # what it leads to is looked at where it lies
                item = group[name]
                address = h5py.h5o.get_info(item.id).addr
                if address in seen:
                    continue
                seen.add(address)
                if len(seen) > _MOST_OBJECTS:
                    raise UserError(f"{path} was refused: it holds more than {_MOST_OBJECTS} objects.")
                if isinstance(item, h5py.Group):
                    waiting.append(item)
                elif isinstance(item, h5py.Dataset):
                    check_dataset(item, path, where)


def check_dataset(item: Any, path: Path | str, where: str) -> None:
    """Refuse a dataset whose data lie elsewhere, or that claims more than is stored. Raises UserError."""
    if item.id.get_create_plist().get_external_count():
        raise UserError(f"{path} was refused: {where} has its data in another file (external storage).")
    if item.is_virtual:
        raise UserError(f"{path} was refused: {where} is a virtual dataset, put together from other files.")
    wanted = int(np.prod(item.shape or (0,), dtype=object)) * item.dtype.itemsize
    stored = item.id.get_storage_size()
    if wanted > MOST_ARRAY or wanted > max(stored * _RATIO, 1 << 16):
        raise UserError(
            f"{path} was refused: {where} of shape {item.shape} would take {wanted} bytes, but {stored} are stored; it "
            "is cut, damaged or larger than is read."
        )


def referred(group: Any, name: str, path: Path | str) -> list[Any]:
    """The datasets that an array of references (MATLAB's cell) leads to, looked at too, in MATLAB's order of columns.

    Raises UserError as `check_dataset`.
    """
    found = [group[reference] for reference in np.ravel(group[name][()])]
    for item in found:
        check_dataset(item, path, f"{group.name.rstrip('/')}/{name}")
    return found
