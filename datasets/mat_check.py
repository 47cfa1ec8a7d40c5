"""MATLAB files of version 5 before they are read: whether their arrays can be as large as they claim.

Every tag is looked at: types that there are not, sizes that are negative, beyond the budget, or more than the bytes at
hand are refused before anything of that size is allotted, and before scipy's reader, which such tags make crash, sees
them.
"""

from __future__ import annotations

import functools
import mmap
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from datasets.core.files import open_ordinary
from datasets.hdf5 import MOST_ARRAY, MOST_BYTES, path_state

_HEADER = 128
_INT8, _INT32, _UINT32, _MATRIX, _COMPRESSED = 1, 5, 6, 14, 15
_SIZES = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 9: 8, 12: 8, 13: 8, 16: 1, 17: 2, 18: 4}  # of a type's elements
_CELL, _CHAR, _SPARSE, _MOST_CLASS = 1, 4, 5, 17
_NUMBERS = {4: 2, 6: 8, 7: 4, 8: 1, 9: 1, 10: 2, 11: 2, 12: 4, 13: 4, 14: 8, 15: 8}  # class -> bytes of an element
_COMPLEX = 0x0800
_RATIO, _MOST_WHOLE, _MOST_DEPTH, _MOST_SIDES = 1100, 1 << 28, 32, 32
_HEAD = 4096


def check_v5(path: Path | str) -> None:
    """Look through a file's arrays. Raises ValueError for one that cannot be, OSError for a file that cannot be read.

    Anything that is not version 5 is left to the reader, which refuses it.
    """
    with open_ordinary(path, MOST_BYTES) as stream:
        _check(str(path), path_state(stream.fileno()))


@functools.lru_cache(maxsize=256)
def _check(path: str, state: tuple[int, int, int]) -> None:
    with open_ordinary(path, MOST_BYTES) as stream:
        head = stream.read(_HEADER)
        if len(head) < _HEADER or head[126:128] not in (b"IM", b"MI"):
            return
        order = "<" if head[126:128] == b"IM" else ">"
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            for kind, start, length in _elements(data, state[1], order):
                if kind == _COMPRESSED:
                    _check_compressed(data[start : start + length], order)
                elif kind == _MATRIX:
                    _check_matrix(data, start, start + length, order, 0)
                else:
                    raise ValueError(f"an element of type {kind}, where arrays were expected")


def _elements(data: Any, size: int, order: str) -> Iterator[tuple[int, int, int]]:
    """(type, start, length) of the elements of the file."""
    at = _HEADER
    while at + 8 <= size:
        kind, length = struct.unpack_from(order + "II", data, at)
        if at + 8 + length > size:
            raise ValueError(f"an element claims {length} bytes, more than there are")
        yield kind, at + 8, length
        at += 8 + length


def _check_compressed(packed: bytes, order: str) -> None:
    """A plain array by its first bytes; one of several parts is unpacked whole, within the budget."""
    head = zlib.decompressobj().decompress(packed, _HEAD)
    kind, length = _unpacked(order + "II", head, 0)
    if kind != _MATRIX:
        raise ValueError(f"a compressed element of type {kind}, where an array was expected")
    if length > len(packed) * _RATIO + _HEAD:
        raise ValueError(f"a compressed array claims {length} bytes, which {len(packed)} cannot hold")
    if length + 8 > len(head) and not _is_plain(head, order):
        if length > _MOST_WHOLE:
            raise ValueError(f"a cell or struct claims {length} bytes, more than is read")
        head = zlib.decompressobj().decompress(packed, length + 8)
        if len(head) < length + 8:
            raise ValueError("a compressed array is cut")
    _check_matrix(head, 8, 8 + length, order, 0)


def _is_plain(head: bytes, order: str) -> bool:
    """Whether an array has one part of numbers, whose tag is among its first bytes."""
    flags = _unpacked(order + "I", head, 16)[0]
    return flags & 0xFF in _NUMBERS and not flags & _COMPLEX


def _unpacked(code: str, data: Any, at: int) -> tuple[int, ...]:
    try:
        return struct.unpack_from(code, data, at)
    except struct.error as error:
        raise ValueError("the header of an array is cut") from error


def _part(data: Any, at: int, end: int, order: str) -> tuple[int, int, int, int]:
    """(type, start, length, where the next one begins) of the part at `at`; up to four bytes lie within the tag."""
    kind, length = _unpacked(order + "II", data, at)
    if kind >> 16:
        kind, length, start, following = kind & 0xFFFF, kind >> 16, at + 4, at + 8
        if length > 4:
            raise ValueError(f"a short part claims {length} bytes")
    else:
        start, following = at + 8, at + 8 + (length + 7) // 8 * 8
    if kind not in _SIZES and kind != _MATRIX:
        raise ValueError(f"a part of type {kind}, which there is not")
    if start + length > end:
        raise ValueError(f"a part claims {length} bytes, more than there are")
    return kind, start, length, following


def _check_matrix(data: Any, at: int, end: int, order: str, depth: int) -> None:
    """One array: its header, and its parts as far as `data` reaches."""
    if depth > _MOST_DEPTH:
        raise ValueError(f"cells and structs are nested more than {_MOST_DEPTH} deep")
    if at == end:  # an empty one
        return
    kind, start, length, at = _part(data, at, end, order)
    if (kind, length) != (_UINT32, 8):
        raise ValueError("an array without flags")
    flags = _unpacked(order + "I", data, start)[0]
    count, at = _count(data, at, end, order)
    if not 1 <= flags & 0xFF <= _MOST_CLASS:
        raise ValueError(f"an array of class {flags & 0xFF}, which there is not")
    kind, _, _, at = _part(data, at, end, order)
    if kind != _INT8:
        raise ValueError("an array without a name")
    if flags & 0xFF in _NUMBERS:
        _check_numbers(data, at, end, order, flags, count)
    else:
        _check_parts(data, at, end, order, flags & 0xFF, count, depth)


def _count(data: Any, at: int, end: int, order: str) -> tuple[int, int]:
    """(number of elements, where the next part begins) from the part with an array's sizes."""
    kind, start, length, following = _part(data, at, end, order)
    if kind != _INT32 or not 4 <= length <= 4 * _MOST_SIDES:
        raise ValueError("an array without sizes")
    dims = _unpacked(f"{order}{length // 4}i", data, start)
    if any(side < 0 for side in dims):
        raise ValueError(f"an array has the sizes {dims[:8]}")
    count = 1
    for side in dims:
        count *= side
    return count, following


def _check_numbers(data: Any, at: int, end: int, order: str, flags: int, count: int) -> None:
    """One part, or two of complex numbers, each with an element for each of `count`."""
    if count * _NUMBERS[flags & 0xFF] > MOST_ARRAY:
        raise ValueError(f"an array of {count} numbers is larger than is read")
    for _ in range(2 if flags & _COMPLEX else 1):
        kind, _, length, at = _part(data, at, end, order)
        if kind == _MATRIX:
            raise ValueError("an array within an array of numbers")
        # Text in UTF-8 has as many bytes or more; other parts have just their elements.
        if (length // _SIZES[kind] < count and flags & 0xFF != _CHAR) or count > length * 2:
            raise ValueError(f"an array claims {count} numbers in {length} bytes")


def _check_parts(data: Any, at: int, end: int, order: str, kind: int, count: int, depth: int) -> None:
    """Cells, structs and other classes: their parts, and the arrays among these."""
    if count * (8 if kind == _CELL else 0 if kind == _SPARSE else 1) > end - at:
        raise ValueError(f"a cell or struct claims {count} arrays in {end - at} bytes")
    while at + 8 <= end:
        part, start, length, at = _part(data, at, end, order)
        if part == _MATRIX:
            _check_matrix(data, start, start + length, order, depth + 1)
