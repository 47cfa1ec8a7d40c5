"""Whether a test split holds what the weights were trained on: a figure on such images says less."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from datasets import open_dataset
from datasets.ops.errors import UserError

if TYPE_CHECKING:
    from datasets.base import Dataset, DatasetFacts
    from methods.weights import Card


def seen_before(card: Card, data: Dataset, root: Path) -> str:
    """A remark where images or scenes of a split are also in the training data of a card; '' where none are known.

    Only a training on another split of the same dataset is looked at, by the prepared files' hashes and scenes.

    Args:
        root: of the prepared datasets.
    """
    split, rows = _training_split(card.train_data, data.facts), getattr(data, "rows", [])
    if not split or not rows:
        return ""
    try:
        trained = getattr(open_dataset(data.facts.name, root, split=split), "rows", [])
    except UserError:  # not prepared here
        return ""
    files, scenes = {text for row in trained for text in row.sha256.values()}, {row.scene for row in trained}
    same = sum(not files.isdisjoint(row.sha256.values()) for row in rows)
    near = sum(row.scene in scenes for row in rows)
    if same:
        return f"{same} of these {len(rows)} images were trained on ({data.facts.name} {split})"
    return f"{near} of these {len(rows)} images show scenes of the training ({data.facts.name} {split})" if near else ""


def _training_split(train_data: str, facts: DatasetFacts) -> str:
    """The split that a card's ``polyu``, ``polyu-original`` or ``sidd+polyu`` means of a dataset; '' = none of it.

    Options, as in ``demo[sigma=50]-train``, change no scene.
    """
    for part in re.sub(r"\[[^\]]*\]", "", train_data).split("+"):
        name, rest = part[: len(facts.name)], part[len(facts.name) :]
        if name == facts.name and not rest:
            return facts.train_split or facts.default_split
        if name == facts.name and rest[:1] == "-" and rest[1:] in facts.splits:
            return rest[1:]
    return ""
