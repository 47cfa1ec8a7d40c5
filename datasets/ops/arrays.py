""".npy files of unknown origin: as large as they claim, and without objects, which would run code."""

from __future__ import annotations

import io
from pathlib import Path
from threading import Lock
from tokenize import TokenError
from typing import IO, Any

import numpy as np

from datasets.core.errors import UserError
from datasets.core.files import open_ordinary

MOST_BYTES = 1 << 34
# A .npy header is a Python literal, and Python 3.11 parses in one thread at a time only: where garbage is collected on
# the way, two threads end in a SystemError.
_PARSING = Lock()


def load_npy(stream: IO[bytes]) -> np.ndarray:
    """The array of an open .npy file, from several threads too. Raises what `numpy.load` does; no objects."""
    with _PARSING:
        array: np.ndarray = np.load(stream, allow_pickle=False)
    return array


def read_npy(path: Path | str) -> np.ndarray:
    """The array of a .npy file. Its header is looked at before memory is taken.

    Raises:
        UserError: missing, no ordinary file, too large, cut, objects, or no .npy.
    """
    with open_ordinary(path, MOST_BYTES) as stream:
        try:
            length = stream.seek(0, io.SEEK_END)
            stream.seek(0)
            shape, dtype = _header(stream, length)
            size = int(np.prod(shape, dtype=object)) * dtype.itemsize
            if size < 0 or size > length - stream.tell():
                raise ValueError(f"it claims {shape} {dtype}, {size} bytes, and has {length - stream.tell()}")
            stream.seek(0)
            return load_npy(stream)
        except (OSError, ValueError, EOFError, TypeError, SyntaxError, TokenError, RecursionError) as error:
            reason = (str(error).splitlines() or ["it is broken"])[0]
            raise UserError(f"Expected an array of numbers in {path}, but it cannot be read ({reason}).") from error


def _header(stream: Any, length: int) -> tuple[tuple[int, ...], np.dtype]:
    version = np.lib.format.read_magic(stream)
    begin, width = stream.tell(), 2 if version == (1, 0) else 4
    if int.from_bytes(stream.read(width), "little") > length:
        raise ValueError("its header is longer than the file")
    stream.seek(begin)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    with _PARSING:
        shape, _, dtype = read(stream)
    if dtype.hasobject:
        raise ValueError("it holds objects")
    return shape, dtype
