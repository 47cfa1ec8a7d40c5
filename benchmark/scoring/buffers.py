"""Memory for intermediate images, kept from one comparison to the next.

Fresh pages from the operating system cost several times the arithmetic done on them, and a pass needs forty arrays.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

New = Callable[[tuple[int, ...]], np.ndarray]
_LIMIT = 16 * 2**20  # doubles kept per thread: 128 MiB. What larger images need beyond it is allocated as usual.


class Scratch:
    """A stack of float64 arrays in one block. `take` pushes; leaving a `frame` pops what was pushed inside it."""

    def __init__(self) -> None:
        self._block = np.empty(0)
        self._used = self._most = 0

    def take(self, shape: tuple[int, ...]) -> np.ndarray:
        """An array of that shape, contents undefined, valid until the frame around it is left."""
        start, size = self._used, math.prod(shape)
        self._used += size
        self._most = max(self._most, self._used)
        if self._used > self._block.size:
            return np.empty(shape)
        return self._block[start : self._used].reshape(shape)

    @contextmanager
    def frame(self) -> Iterator[None]:
        """What is taken inside is free again afterwards."""
        mark = self._used
        try:
            yield
        finally:
            self._used = mark
            # The block grows only while nothing in it is in use.
            if mark == 0 and self._block.size < min(self._most, _LIMIT):
                self._block = np.empty(min(self._most, _LIMIT))


_local = threading.local()


def scratch() -> Scratch:
    """This thread's scratch memory."""
    if not hasattr(_local, "scratch"):
        _local.scratch = Scratch()
    found: Scratch = _local.scratch
    return found
