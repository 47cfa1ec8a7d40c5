"""Random numbers of a stage's step: keyed, drawn for the global batch, and sliced per process."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from datasets.ops.noise import keyed_generator
from datasets.pool import moved


def seed_of(*key: Any) -> int:
    """A seed for torch that depends on the key's values alone."""
    return int(keyed_generator(*key).integers(0, 2**63 - 1))


def seed_global(*key: Any) -> None:
    """Set torch's own generators, so that default initialisations and dropout are keyed as well."""
    seed = seed_of(*key)
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.manual_seed(seed)


class KeyedDraws:
    """Draws for one purpose at one step (the protocol ``methods.base.Draws``).

    Args:
        key: (seed, stage, step, name). device: where the numbers go; they are drawn on the CPU, so that a training sees
            the same ones on every device.
        local: this process's samples of the global batch. total: size of the global batch.

    A shape whose first side is the local batch size, or a multiple of it, is drawn for the global batch and sliced;
    any other shape, () included, is the same on all processes. A single number, of shape (), stays on the CPU: programs
    branch on it, and asking a GPU for it costs a wait.
    """

    def __init__(self, key: tuple, device: torch.device, local: slice, total: int) -> None:
        self._generator = torch.Generator().manual_seed(seed_of(*key))
        self._device, self._local, self._total = device, local, total

    def normal(self, *shape: int) -> Tensor:
        """Standard normal float32."""
        return self._sliced(shape, lambda s: torch.randn(s, generator=self._generator))

    def uniform(self, *shape: int) -> Tensor:
        """Uniform float32 in [0, 1)."""
        return self._sliced(shape, lambda s: torch.rand(s, generator=self._generator))

    def integers(self, low: int, high: int, *shape: int) -> Tensor:
        """Uniform int64 in [low, high)."""
        return self._sliced(shape, lambda s: torch.randint(low, high, s, generator=self._generator))

    def permutation(self, n: int) -> Tensor:
        """A permutation of 0 .. n - 1, the same on all processes."""
        return moved(torch.randperm(n, generator=self._generator), self._device)

    def _sliced(self, shape: tuple[int, ...], draw: Any) -> Tensor:
        here = self._local.stop - self._local.start
        if not shape:
            return draw(shape)
        if here == self._total or shape[0] == 0 or shape[0] % here:
            return moved(draw(shape), self._device)
        times, rest = shape[0] // here, shape[1:]
        whole = draw((times * self._total, *rest)).view(times, self._total, *rest)
        return moved(whole[:, self._local].reshape(shape), self._device)
