"""Whether a test split contains training images of the weights: a figure on such images proves less."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from datasets import open_dataset
from datasets.core.errors import UserError
from datasets.shared_pictures import shared

if TYPE_CHECKING:
    from datasets.base import Dataset
    from methods.weights import Card


def seen_before(card: Card, data: Dataset, root: Path) -> str:
    """A remark where images or scenes of a split are also in the training data of a card; '' where none are known.

    For a training on another split of the same dataset, hashes and scenes of the prepared files are compared. For one
    on another dataset, what counts are photographs known to be in both (`datasets.shared_pictures`).

    Args:
        root: of the prepared datasets.
    """
    facts, rows = data.facts, getattr(data, "rows", [])
    # By name alone: options, such as another sigma, change no scene.
    ref = next((ref for ref in card.train_data if ref.name == facts.name), None)
    if ref is None:
        known = len(shared(card.train_data, facts.name, rows))
        return f"{known} of these {len(rows)} images show photographs of the training" if known else ""
    if not rows:
        return ""
    split = ref.split or facts.train_split or facts.default_split
    try:
        trained = getattr(open_dataset(facts.name, root, split=split), "rows", [])
    except UserError:  # not prepared here
        return ""
    files, scenes = {text for row in trained for text in row.sha256.values()}, {row.scene for row in trained}
    same = sum(not files.isdisjoint(row.sha256.values()) for row in rows)
    near = sum(row.scene in scenes for row in rows)
    # A note and no refusal: methods that learn from degraded images may well be trained on the test's.
    if same:
        return f"{same} of these {len(rows)} images were trained on ({facts.name} {split})"
    return f"{near} of these {len(rows)} images show scenes of the training ({facts.name} {split})" if near else ""
