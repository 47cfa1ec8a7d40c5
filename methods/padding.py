"""Continuing an image beyond its borders by operations whose backward is deterministic on CUDA too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

MODES = ("reflect", "replicate")


class SlicedPadding(TorchFunctionMode):
    """While it is entered, ``torch.nn.functional.pad`` on CUDA continues by `continued`; layers that pad use it too."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """See torch.overrides.TorchFunctionMode."""
        if func is functional.pad:
            x, sides, mode = _arguments(*args, **(kwargs or {}))
            if mode in MODES and x.device.type == "cuda" and _fit(x, sides, mode):
                return continued(x, sides, mode)
        return func(*args, **(kwargs or {}))


def continued(x: Tensor, sides: Sequence[int], mode: str) -> Tensor:
    """What ``torch.nn.functional.pad`` gives, bit for bit, by cutting, flipping and joining.

    Args:
        x: (N, C, H, W) or fewer dimensions. sides: rows and columns to add, (left, right, top, bottom), none negative;
            of ``reflect`` fewer than the image has. mode: of MODES.
    """
    for place in range(len(sides) // 2):
        dim = x.ndim - 1 - place
        before, after = sides[2 * place : 2 * place + 2]
        parts = (_edge(x, dim, before, mode, first=True), x, _edge(x, dim, after, mode, first=False))
        x = torch.cat([part for part in parts if part.shape[dim]], dim)
    return x


def _edge(x: Tensor, dim: int, count: int, mode: str, *, first: bool) -> Tensor:
    side = x.shape[dim]
    if mode == "replicate":
        shape = list(x.shape)
        shape[dim] = count
        return x.narrow(dim, 0 if first else side - 1, 1).expand(shape)
    return x.narrow(dim, 1 if first else side - 1 - count, count).flip(dim)


def _arguments(input: Tensor, pad: Sequence[int], mode: str = "constant", value: Any = None) -> tuple[Any, ...]:
    return input, tuple(pad), mode


def _fit(x: Tensor, sides: Sequence[int], mode: str) -> bool:
    """Whether `continued` takes them; what it does not take is left to torch, and to its errors."""
    counts = [(x.shape[-1 - place // 2], count) for place, count in enumerate(sides)]
    return all(count >= 0 and (mode == "replicate" or count < side or not count) for side, count in counts)
