"""Keeping parts of a network in float32 or better while autocast runs the rest in fewer bits."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor


def precisely(x: Tensor) -> AbstractContextManager[Any]:
    """A context without autocast on the device of x."""
    kind = x.device.type
    return torch.autocast(kind, enabled=False) if torch.amp.is_autocast_available(kind) else nullcontext()


def at_least_float32(x: Tensor) -> Tensor:
    """x, or x in float32 where it has fewer bits."""
    return x.to(torch.promote_types(x.dtype, torch.float32))
