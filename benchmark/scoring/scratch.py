"""Memory for intermediate images, kept from one comparison to the next.

Fresh pages from the operating system cost several times the arithmetic done on them, and a pass needs forty arrays.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable

import numpy as np

New = Callable[[tuple[int, ...]], np.ndarray]
_LIMIT = 16 * 2**20  # doubles kept per thread: 128 MiB. What larger images need beyond it is allocated as usual.


class Scratch:
    """A stack of float64 arrays in one block. `take` pushes; `release` pops everything above a mark."""

    def __init__(self) -> None:
        self._block = np.empty(0)
        self.used = 0

    def take(self, shape: tuple[int, ...]) -> np.ndarray:
        """An array of that shape, contents undefined, valid until the mark below it is released."""
        start, size = self.used, math.prod(shape)
        self.used += size
        if self.used > self._block.size:
            return np.empty(shape)
        return self._block[start : self.used].reshape(shape)

    def release(self, mark: int) -> None:
        """Back to `mark`, an earlier value of `used`. The block grows only here, while nothing in it is in use."""
        if mark == 0 and self._block.size < min(self.used, _LIMIT):
            self._block = np.empty(min(self.used, _LIMIT))
        self.used = mark


_local = threading.local()


def scratch() -> Scratch:
    """This thread's scratch memory."""
    if not hasattr(_local, "scratch"):
        _local.scratch = Scratch()
    found: Scratch = _local.scratch
    return found
