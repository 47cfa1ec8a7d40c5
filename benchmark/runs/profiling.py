"""What a method costs: parameters, multiply-accumulates, peak memory."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import torch
from torch import Tensor, nn

from methods.base import Method, SampleInfo

_SIDE = 128  # of the crop that is counted: enough for any receptive field's grid, a moment on a CPU
_PAPERS = 256 * 256  # pixels of the image that papers count on


def parameters(module: nn.Module) -> int:
    """Number of parameters, each counted once, buffers left out."""
    return sum(p.numel() for p in module.parameters())


def gmacs(method: Method, image: Tensor, info: SampleInfo) -> float:
    """10^9 multiply-accumulates of restore() on a 256 x 256 input, by torch's flop counter (2 flops = 1 MAC).

    Counted on a central crop of at most 128 x 128 pixels of `image` (1, C, H, W). This is exact for convolutional
    networks, and approximate where the work is not proportional to the pixels. Repeated passes (Monte-Carlo draws) all
    count.
    """
    from torch.utils.flop_counter import FlopCounterMode

    side = max(_SIDE, method.facts.min_side)
    top, left = (max(0, (n - side) // 2) for n in image.shape[-2:])
    crop = image[..., top : top + side, left : left + side].contiguous()
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        method.restore(crop, [info])
    return counter.get_total_flops() / 2 / 1e9 * _PAPERS / (crop.shape[-1] * crop.shape[-2])


@contextmanager
def peak_memory(device: torch.device) -> Iterator[Callable[[], float]]:
    """Yield a function that tells the peak memory since the start, in 10^6 bytes.

    On CUDA what torch allocated; on a CPU the resident size of this process, the interpreter and libraries included.
    """
    if device.type == "cuda":
        torch.cuda.init()  # a device with an index has no statistics before
        torch.cuda.reset_peak_memory_stats(device)
        yield lambda: torch.cuda.max_memory_allocated(device) / 1e6
        return
    with suppress(OSError):  # Linux can forget a process's peak; elsewhere the peak is the process's whole life
        Path("/proc/self/clear_refs").write_text("5")
    yield _resident_peak


def _resident_peak() -> float:
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6
    except (OSError, StopIteration):
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
