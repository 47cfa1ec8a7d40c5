"""Records of a protocol's rows whose weights are elsewhere: they speak for themselves.

Of several seeds perhaps one leaves its weights and all leave their records; a record names the recipe, the data and the
steps behind it as exactly as a card does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from benchmark.protocols import Entry
from benchmark.records import DONE, Record
from benchmark.reproducing_order import Order, opened
from benchmark.reproducing_training import made_by
from methods.weights import Card


def tests_of(order: Order, entry: Entry) -> list[str]:
    """The tests that a row is for."""
    return [test for test in order.protocol.tests if entry.test in ("", test)]


def recorded(order: Order, entry: Entry, seed: int, test: str, known: Sequence[Record]) -> Record | None:
    """The finished record of a row on a test, None where there is none."""
    mine = [r for r in known if (r.status, r.method, r.recipe, r.seed) == (DONE, entry.method, entry.recipe, seed)]
    data = opened(test, order.data) if mine else None
    restored = replace(order.options(entry), entry=replace(entry, settings={**entry.settings, **entry.restore}))
    for record in mine:
        plain = not record.ensemble and not record.tile and record.precision == "fp32" and not record.tf32
        images = data is not None and record.fingerprint == data.fingerprint and record.options == data.options
        if plain and images and record.settings == entry.restore and made_by(_card(record), restored, seed):
            return record
    return None


def _card(record: Record) -> Card:
    """What the record knows of its weights."""
    return Card(
        record.method,
        record.recipe,
        record.recipe_digest,
        code_version=record.method_version,
        train_data=record.train_data,
        train_fingerprint=record.train_fingerprint,
        steps=record.train_steps or 0,
        seed=record.seed,
        selected_by=record.selected_by,
    )
