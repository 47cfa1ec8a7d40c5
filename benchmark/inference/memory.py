"""Memory: how its end is recognised, and the C library's, where what one batch frees is kept for the next."""

from __future__ import annotations

import ctypes
import platform
from functools import cache

import torch

# From glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4
_NEVER = 2**31 - 1
# Of torch's allocator for CPUs and of CUDA's libraries, which have no class for it.
_WORDS = ("allocate memory", "out of memory", "STATUS_ALLOC_FAILED")


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that a device, or the machine, has no memory left."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _WORDS)


@cache
def keep_freed_memory() -> bool:
    """Have this process keep the memory that it frees; returns whether that was possible.

    glibc maps arrays above 32 MiB anew each time, and the kernel clears their pages: on a network's activations that
    took up to half of the time. Now they come from the heap, which is never given back before the process ends. Other C
    libraries (macOS, Windows, musl) are left as they are.
    """
    if platform.system() != "Linux" or platform.libc_ver()[0] != "glibc":
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(_M_MMAP_MAX, 0)) and bool(mallopt(_M_TRIM_THRESHOLD, _NEVER))
