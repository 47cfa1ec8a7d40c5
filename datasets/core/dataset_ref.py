"""Which images: a dataset, its options and a split, as one value for cards, records and requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True)
class DatasetRef:
    """A split of a dataset under options.

    Attributes:
        name: registry name. options: those that differ from the dataset's defaults, in the order of its facts.
        split: '' = not known (cards of weights that were made elsewhere).
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    split: str = ""

    @property
    def spec(self) -> str:
        """The dataset as people write it: ``demo``, ``bsd68[sigma=50]``."""
        values = ",".join(f"{key}={spelled_value(value)}" for key, value in self.options.items())
        return f"{self.name}[{values}]" if values else self.name

    @property
    def text(self) -> str:
        """With the split, as tables show it: ``demo[sigma=50]-train``."""
        return f"{self.spec}-{self.split}" if self.split else self.spec

    @property
    def place(self) -> str:
        """With the split, as options and protocols write it: ``demo[sigma=50]:train``."""
        return f"{self.spec}:{self.split}" if self.split else self.spec

    @property
    def label(self) -> str:
        """Name and split in a sentence: ``sidd validation``; the options are what `spec` adds."""
        return f"{self.name} {self.split}".strip()

    def at(self, split: str) -> DatasetRef:
        """Another split of the same images."""
        return replace(self, split=split)

    def __hash__(self) -> int:
        return hash(self.text)


def spelled_value(value: Any) -> str:
    """An option's value as people write it: ``25``, ``true``."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def named(refs: tuple[DatasetRef, ...]) -> str:
    """Several sets as a table shows them: ``sidd-train+polyu-scenes-train``."""
    return "+".join(ref.text for ref in refs)
