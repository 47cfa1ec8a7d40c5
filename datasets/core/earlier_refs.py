"""Training data as earlier versions wrote them on cards and records: one text, such as ``demo[sigma=50]-train``."""

from __future__ import annotations

import json
from typing import Any

from datasets.core.dataset_ref import DatasetRef

# Splits that a training could name; the longest comes first, so that ``polyu-scenes-train`` ends as it should.
_SPLITS = (
    "scenes-train",
    "scenes-test",
    "validation",
    "benchmark",
    "original",
    "test-s",
    "test-m",
    "test-l",
    "plus",
    "test",
    "train",
    "val",
)


def refs_of(text: str) -> tuple[DatasetRef, ...]:
    """The sets that an earlier card's text names, several joined by ``+``; () for ''."""
    return tuple(_ref(part) for part in _parts(text))


def _parts(text: str) -> list[str]:
    """Cut at each ``+`` outside of brackets."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter == "[") - (letter == "]")
        if letter == "+" and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts if part.strip()]


def _ref(part: str) -> DatasetRef:
    head, bracket, rest = part.partition("[")
    if bracket:
        inside, _, split = rest.partition("]")
        pairs = (pair.partition("=") for pair in inside.split(","))
        return DatasetRef(head, {key: _value(value) for key, _, value in pairs}, split.removeprefix("-"))
    split = next((split for split in _SPLITS if part.endswith(f"-{split}")), "")
    if split:
        return DatasetRef(part[: -len(split) - 1], {}, split)
    name, _, own = part.rpartition("-")
    # a set whose one split has its own name: ``bsd400-bsd400``
    return DatasetRef(name, {}, own) if name and name == own else DatasetRef(part)


def _value(text: str) -> Any:
    """A number as the float that options are, true and false as such, anything else as text."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, (bool, float, int)) else text
