"""Rows of a protocol that have finished records and no weights here: the records stand in for the weights.

Of several seeds, often one keeps its weights while all keep their records. A record names the recipe, the data and the
steps behind it as exactly as a card does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from benchmark.inference.settings import InferenceSettings
from benchmark.protocols import Entry
from benchmark.protocols.request import ReproduceRequest, opened
from benchmark.records.files import unsound
from benchmark.records.record import DONE, Record, Training
from datasets.options import ref_of
from methods.weights import Card


def tests_of(request: ReproduceRequest, entry: Entry) -> list[str]:
    """The tests that a row is for."""
    return [test for test in request.protocol.tests if entry.test in ("", test)]


def recorded(request: ReproduceRequest, entry: Entry, seed: int, test: str, known: Sequence[Record]) -> Record | None:
    """The finished record of a row on a test, None where there is none, or where its scores are damaged."""
    matching = [
        r
        for r in known
        if (r.status, r.cell.method, r.cell.recipe, r.cell.seed) == (DONE, entry.method, entry.recipe, seed)
    ]
    data = opened(test, request.data) if matching else None
    training = request.training(replace(entry, settings={**entry.settings, **entry.restore}), seed)
    for record in matching:
        plain = record.cell.inference == InferenceSettings()
        images = data is not None and (record.cell.fingerprint, record.cell.data) == (data.fingerprint, ref_of(data))
        same = plain and images and record.cell.settings == entry.restore and training.made(_card(record))
        if same and not unsound(record.folder, record):
            return record
    return None


def _card(record: Record) -> Card:
    """A card of the record's weights, as far as the record knows them."""
    cell, training = record.cell, record.training or Training()
    return Card(
        cell.method,
        cell.recipe,
        cell.recipe_digest,
        code_version=cell.method_version,
        train_data=training.data,
        train_fingerprint=training.fingerprint,
        steps=training.steps or 0,
        seed=cell.seed,
        selected_by=training.selected_by,
    )
