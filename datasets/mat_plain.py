"""Large uint8 arrays of uncompressed MATLAB files, mapped where they lie.

Only the plain case is answered (little-endian v5 or contiguous v7.3, stored as uint8); for anything else the answer is
None, and the general readers of datasets.mat take over, with their errors.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from datasets.hdf5 import open_hdf5

_HEADER, _TAG = 128, 8
_INT32, _UINT8, _MATRIX = 5, 2, 14  # data types of the v5 format
_UINT8_CLASS = 9


def read_plain(path: Path | str, name: str, hdf5: bool) -> np.ndarray | None:
    """A column-major uint8 array in MATLAB's axis order, or None where the file is not so simple."""
    return _plain_hdf5(Path(path), name) if hdf5 else _plain_v5(Path(path), name)


def _plain_hdf5(path: Path, name: str) -> np.ndarray | None:
    import h5py

    with open_hdf5(path) as file:
        item = file[name]
        if not isinstance(item, h5py.Dataset) or item.dtype != np.uint8 or item.chunks or not item.shape:
            return None
        offset, shape = item.id.get_offset(), item.shape
    return None if offset is None else _bytes(path, offset, shape[::-1])


def _plain_v5(path: Path, name: str) -> np.ndarray | None:
    size = path.stat().st_size
    with path.open("rb") as stream:
        if stream.read(_HEADER)[124:] != b"\x00\x01IM":
            return None
        start = _HEADER
        while start + _TAG <= size:
            stream.seek(start)
            kind, length = struct.unpack("<II", stream.read(_TAG))
            found = _element(stream.read(512)) if kind == _MATRIX else None
            if found and found[0] == name:
                _, shape, skip, count = found
                offset = start + _TAG + skip
                whole = count == int(np.prod(shape)) and offset + count <= size
                return _bytes(path, offset, shape) if whole else None
            start += _TAG + length
    return None


def _bytes(path: Path, offset: int, shape: tuple[int, ...]) -> np.ndarray:
    # Mapped, not read: the file's pages are used as they lie in the system's cache, and half a gigabyte is not copied.
    return np.memmap(path, np.uint8, "r", offset, shape, order="F")


def _element(head: bytes) -> tuple[str, tuple[int, ...], int, int] | None:
    """Name, shape, bytes from the element's start to its data, and their number, of a uint8 array's first bytes."""
    try:
        _, flags, at = _part(head, 0)
        kind, dims, at = _part(head, at)
        _, name, at = _part(head, at)
        stored, count = struct.unpack_from("<II", head, at)
    except (struct.error, ValueError):
        return None
    if flags[0] != _UINT8_CLASS or flags[1] & 0x08 or kind != _INT32 or stored != _UINT8:
        return None
    shape = struct.unpack(f"<{len(dims) // 4}i", dims)
    return name.decode("latin-1"), shape, at + _TAG, count


def _part(head: bytes, at: int) -> tuple[int, bytes, int]:
    """Type, bytes and end of the sub-element at `at`; up to four bytes lie within the tag itself."""
    kind, length = struct.unpack_from("<II", head, at)
    if kind >> 16:
        return kind & 0xFFFF, head[at + 4 : at + 4 + (kind >> 16)], at + _TAG
    end = at + _TAG + length
    if end > len(head):
        raise ValueError("the header is longer than was read")
    return kind, head[at + _TAG : end], at + _TAG + (length + 7) // 8 * 8
