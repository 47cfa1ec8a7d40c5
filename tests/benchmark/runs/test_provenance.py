"""What a record says of its cell: whose figure it may be held against."""

from __future__ import annotations

import pytest

from benchmark.records.cell import Cell
from benchmark.runs.provenance import complete, outline
from datasets.core.dataset_ref import DatasetRef
from datasets.ldct import LDCT
from methods.loading import build
from methods.recipes import own_steps, recipe
from methods.registry import METHODS
from methods.weights import Card


class Slices:
    """As much of an opened dataset as a record looks at."""

    facts, partial = LDCT.facts, ""


@pytest.mark.parametrize(
    ("trained", "variant", "words"),
    [
        (DatasetRef("ldct", {}, "train"), "LIR", ""),
        (DatasetRef("ldct-demo", {}, "train"), "", "trained on ldct-demo-train, where the recipe is for ldct"),
        (DatasetRef("demo", {"sigma": 50.0}, "train"), "", "trained on demo[sigma=50]-train, where the recipe is"),
    ],
)
def test_weights_of_a_stand_in_never_carry_the_papers_name(trained, variant, words):
    """F3: `ldct-demo` is not `ldct`, whatever the names have in common."""
    cls = METHODS.get("lir")
    chosen = recipe(cls, "ldct")
    card = Card("lir", "ldct", chosen.digest, train_data=(trained,), steps=own_steps(chosen))
    cell = Cell("lir", DatasetRef("ldct", {}, "test"), recipe="ldct")
    record = complete(outline(cell), cell, Slices(), build(cls, chosen), card, [])
    assert record.variant == variant and words in record.note
    assert record.training.data == (trained,)
