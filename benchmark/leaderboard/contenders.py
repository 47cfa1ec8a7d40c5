"""Who is compared with whom: the records of one method, one for each seed, on the same images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from benchmark.records.files import read_scores
from benchmark.records.record import DONE, ImageScore, Record
from datasets.core.errors import UserError
from datasets.core.files import digest
from datasets.core.registry import unknown

Images = tuple[Any, ...]
MOST_APART = 2  # the steps of two seeds' trainings, where minutes end them


@dataclass(frozen=True)
class Contender:
    """One method, as it was trained and applied, with a record for each seed; all on the same images.

    Attributes:
        records: by seed, at least one. label: method and recipe, and what else tells it from its neighbours.
    """

    records: tuple[Record, ...]
    label: str

    @property
    def first(self) -> Record:
        """The record of the first seed, which speaks for all in what they have in common."""
        return self.records[0]

    @property
    def seeds(self) -> tuple[int, ...]:
        """Of the trainings; one for a method that has none."""
        return tuple(record.cell.seed for record in self.records)

    @property
    def images(self) -> Images:
        """What every record was measured on."""
        return same_images(self.first)

    @property
    def conventions(self) -> list[str]:
        """Those that every seed has, the dataset's own first."""
        own = self.first.data.convention
        shared = [name for name in self.first.figures if all(name in record.figures for record in self.records)]
        return sorted(shared, key=lambda name: name != own)

    @cached_property
    def scores(self) -> list[dict[str, ImageScore]]:
        """For each seed image name -> its scores. Raises UserError where they cannot be read."""
        return [{row.name: row for row in read_scores(record.folder, record)} for record in self.records]


def same_images(record: Record) -> Images:
    """What two records have in common that were measured on the same images."""
    cell = record.cell
    return cell.data.name, cell.data.split, cell.degradation, cell.fingerprint, cell.inference.noise_seed


def contenders(records: Iterable[Record]) -> dict[Images, list[Contender]]:
    """Every finished row on every set of images, seeds put together.

    Records are seeds of one another where they differ in the seed, and so in the weights, and in nothing else.
    Trainings by the clock differ in their steps too: up to a factor of two they count as alike.
    """
    found: dict[Images, dict[str, list[Record]]] = {}
    for record in records:
        if record.status == DONE:
            found.setdefault(same_images(record), {}).setdefault(_kind(record), []).append(record)
    return {
        images: _labelled([one for same in kinds.values() for one in _rows(same)]) for images, kinds in found.items()
    }


def chosen(records: Sequence[Record], name: str) -> dict[Images, Contender]:
    """The row that a name means, on each set of images.

    Args:
        name: of a method, METHOD:RECIPE, or the beginning of a cell's id, which means that record alone.
    Raises:
        UserError: unknown name, or several rows to choose from.
    """
    every = contenders(records)
    matching = [
        c
        for rows in every.values()
        for c in rows
        if name in (c.first.cell.method, f"{c.first.cell.method}:{c.first.cell.recipe}")
    ]
    if not matching:
        by_id = [record for record in records if record.id.startswith(name) and record.status == DONE]
        matching = [Contender((record,), _label(record)) for record in by_id]
    if not matching:
        raise unknown("row", name, {r.cell.method for r in records} | {r.id for r in records})
    found: dict[Images, Contender] = {}
    for contender in matching:
        if contender.images in found:
            ids = ", ".join(r.id for c in matching if c.images == contender.images for r in c.records)
            where = contender.first.cell.data.label
            raise UserError(
                f"{name!r} has several rows on {where}: name one as METHOD:RECIPE, or one of the cells {ids}."
            )
        found[contender.images] = contender
    return found


def _kind(record: Record) -> str:
    """A digest of everything but the seed and the weights that came of it."""
    cell = record.cell
    values = asdict(cell) | {"inference": cell.inference.changed}
    for name in ("seed", "weights", "weights_sha256", "blocked", "note", "task"):
        del values[name]
    training = record.training
    return digest([values, training and [training.text, training.fingerprint, training.selected_by]])


def _rows(same: list[Record]) -> list[tuple[Record, ...]]:
    """The seeds together, in their order; each record by itself where they are no seeds of one training after all."""
    ordered = sorted(same, key=lambda record: (record.cell.seed, record.id))
    steps = [record.training.steps for record in ordered if record.training and record.training.steps]
    repeated = len({record.cell.seed for record in ordered}) < len(ordered)
    if repeated or (steps and max(steps) > MOST_APART * min(steps)):
        return [(record,) for record in ordered]
    return [tuple(ordered)]


def _labelled(rows: Sequence[tuple[Record, ...]]) -> list[Contender]:
    """Rows with labels that differ: by method and recipe, and by the cell's id where that does not tell them apart."""
    plain = [_label(records[0]) for records in rows]
    labels = [
        f"{label} ({records[0].id[-6:]})" if plain.count(label) > 1 else label
        for label, records in zip(plain, rows, strict=True)
    ]
    return [Contender(records, label) for records, label in zip(rows, labels, strict=True)]


def _label(record: Record) -> str:
    ensemble = ", x8" if record.cell.inference.ensemble else ""
    return " ".join(part for part in (record.cell.method, record.cell.recipe) if part) + ensemble
