"""Which test images show photographs of BSDS500 that a training has seen, under whatever name it has them.

`data/shared_pictures.csv` names the images of other sets that show a photograph of its train or test;
docs/content_overlap.py found them, in every set that was at hand.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from datasets.base import Row
from datasets.core.dataset_ref import DatasetRef
from datasets.sources import hashes

# Trainings whose pictures are photographs of BSDS500 -> the parts of it that they are made from.
# A training whose split is not known was on the set's own.
TRAININGS = {
    ("phone", ""): ("train", "test"), ("phone", "train"): ("train", "test"),
    ("phone-strong", ""): ("train", "test"), ("phone-strong", "train"): ("train", "test"),
    ("phone-colours", ""): ("train", "test"), ("phone-colours", "train"): ("train", "test"),
    ("bsds500", ""): ("train",), ("bsds500", "train"): ("train",), ("bsds500", "test"): ("test",),
    ("bsds500", "val"): ("val",), ("bsd400", ""): ("train", "test"), ("bsd400", "train"): ("train", "test"),
}  # fmt: skip
# Sets whose scenes are those photographs.
SCENES = ("bsds500", "phone", "phone-strong", "phone-colours")


def shared(trained_on: Iterable[DatasetRef], dataset: str, rows: Sequence[Row]) -> list[str]:
    """Names of the rows of a dataset whose photograph was trained on.

    Args:
        trained_on: the training data of a card; options change no photograph.
        dataset: name of the rows' dataset.
    """
    parts = {part for ref in trained_on for part in TRAININGS.get((ref.name, ref.split), ())}
    return [row.name for row in rows if _part(photograph(dataset, row)) in parts]


def photograph(dataset: str, row: Row) -> str:
    """The photograph of BSDS500 that an image shows; '' = none, or not known."""
    return row.scene if dataset in SCENES else _table().get((dataset, row.name), "")


def _part(number: str) -> str:
    return _split_of().get(number, "")


@cache
def _split_of() -> dict[str, str]:
    """Photograph -> train, val or test."""
    return {Path(path).stem: path.partition("/")[0] for path in hashes("bsds500")}


@cache
def _table() -> dict[tuple[str, str], str]:
    path = Path(__file__).parent / "data" / "shared_pictures.csv"
    with path.open(encoding="utf-8", newline="") as stream:
        return {(row["dataset"], row["image"]): row["photograph"] for row in csv.DictReader(stream)}
