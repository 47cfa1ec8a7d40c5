"""Patches cut once from large photographs, before the training: the authors' preparation of SIDD."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from datasets.core.errors import UserError
from methods.base import Arrays, Preparation, SampleInfo


@dataclass(frozen=True)
class Patches:
    """So many random squares of each pair; corners uniform, the last possible row and column left out as theirs are.

    Attributes:
        count: per image (300). side: in pixels (256).
    """

    count: int
    side: int

    def __call__(self, arrays: Arrays, info: SampleInfo, rng: np.random.Generator) -> list[dict[str, np.ndarray]]:
        height, width = next(iter(arrays.values())).shape[:2]
        if min(height, width) < self.side:
            raise UserError(
                f"Patches of {self.side}x{self.side} cannot be cut from {info.name} of {height}x{width} pixels; give "
                "--set train.patches=0 to train on whole images."
            )
        tops = rng.integers(0, max(1, height - self.side), self.count)
        lefts = rng.integers(0, max(1, width - self.side), self.count)
        return [self._cut(arrays, top, left) for top, left in zip(tops, lefts, strict=True)]

    def _cut(self, arrays: Arrays, top: int, left: int) -> dict[str, np.ndarray]:
        square = slice(top, top + self.side), slice(left, left + self.side)
        return {member: np.ascontiguousarray(array[square]) for member, array in arrays.items()}


def preparation(count: int, side: int) -> Preparation | None:
    """The preparation of a stream; None for count 0: whole images."""
    make = Patches(count, side)
    return Preparation(["Patches", asdict(make)], make) if count else None
