"""What ``torch.cuda`` says of the machine while the device is there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import Any
from unittest import mock

import torch
from torch import Tensor

from tests.helpers.fake_cuda.tensors import FakeCuda

NAME = "no GPU at all"


class Machine:
    """One GPU. `free`: bytes that it says are free. `initialised`: as CUDA is after its first use."""

    def __init__(self) -> None:
        self.free, self.initialised, self.pinned = 1 << 34, False, 0

    def init(self) -> None:
        self.initialised = True

    def reset_peak(self, device: Any = None) -> None:
        if not self.initialised:
            raise RuntimeError("Invalid device argument 0: did you call init?")

    def pin(self, tensor: Tensor) -> Tensor:
        self.pinned += 1
        return tensor

    def answers(self) -> dict[str, Any]:
        """Function of ``torch.cuda`` -> what takes its place."""
        known: dict[str, Any] = {
            "is_available": lambda: True,
            "device_count": lambda: 1,
            "current_device": lambda: 0,
            "is_initialized": lambda: self.initialised,
            "init": self.init,
            "_lazy_init": self.init,
            "set_device": lambda device: None,
            "synchronize": lambda device=None: None,
            "empty_cache": lambda: None,
            "get_device_name": lambda device=None: NAME,
            "get_device_capability": lambda device=None: (9, 0),
            "get_device_properties": lambda device=None: SimpleNamespace(name=NAME, major=9, minor=0),
            "is_bf16_supported": lambda including_emulation=True: True,
            "mem_get_info": lambda device=None: (self.free, 1 << 34),
            "reset_peak_memory_stats": self.reset_peak,
            "max_memory_allocated": lambda device=None: 1_000_000,
            "manual_seed": lambda seed: None,
            "manual_seed_all": lambda seed: None,
            "get_rng_state": lambda device="cuda": torch.default_generator.get_state(),
            "set_rng_state": lambda state, device="cuda": None,
        }
        return {name: value for name, value in known.items() if hasattr(torch.cuda, name)}


@contextmanager
def one_gpu() -> Iterator[Machine]:
    """A machine with one GPU, which needs the library of `library.py`, loaded before torch."""
    machine = Machine()
    with ExitStack() as stack:
        for name, answer in machine.answers().items():
            stack.enter_context(mock.patch.object(torch.cuda, name, answer))
        stack.enter_context(mock.patch.object(Tensor, "pin_memory", lambda tensor: machine.pin(tensor)))
        # A parameter's values cannot be exchanged for those of another kind of tensor: it is made anew.
        torch.__future__.set_overwrite_module_params_on_conversion(True)
        stack.callback(torch.__future__.set_overwrite_module_params_on_conversion, False)
        # `torch.tensor(..., device="cuda")` then makes its tensor on the CPU and moves it, so that the mode sees it.
        before = torch._C._only_lift_cpu_tensors()
        torch._C._set_only_lift_cpu_tensors(True)
        stack.callback(torch._C._set_only_lift_cpu_tensors, before)
        stack.enter_context(FakeCuda())
        yield machine
