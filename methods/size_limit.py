"""A limit on the networks that are built within a block: a stranger's settings may ask for any number of layers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.module import (
    register_module_module_registration_hook,
    register_module_parameter_registration_hook,
)


@dataclass(frozen=True)
class Room:
    """How many parameters (numbers), and how many parts (tensors, and as many modules), networks may have."""

    parameters: int
    parts: int


class TooLargeError(Exception):
    """More than there is room for; the text says how much that is."""


@contextmanager
def at_most(room: Room) -> Iterator[None]:
    """Count what this thread's modules register, and stop as soon as it is too much, not when all is built.

    Raises TooLargeError.
    """
    thread = threading.get_ident()
    numbers = tensors = modules = 0

    def check() -> None:
        if numbers > room.parameters:
            raise TooLargeError(f"{room.parameters} parameters")
        if max(tensors, modules) > room.parts:
            raise TooLargeError(f"{room.parts} parts")

    def on_parameter(module: nn.Module, name: str, parameter: Tensor | None) -> None:
        nonlocal numbers, tensors
        if threading.get_ident() == thread and parameter is not None:
            numbers, tensors = numbers + parameter.numel(), tensors + 1
            check()

    def on_module(module: nn.Module, name: str, child: Any) -> None:
        nonlocal modules
        if threading.get_ident() == thread:
            modules += 1
            check()

    handles = [
        register_module_parameter_registration_hook(on_parameter),
        register_module_module_registration_hook(on_module),
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
