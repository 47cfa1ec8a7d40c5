"""In what a row is not the paper's, by the recipes that ship."""

from __future__ import annotations

from dataclasses import replace

import pytest

import methods
from benchmark.inference.baselines import baseline
from benchmark.records.record import NETWORK, RESTORING, TRAIN_DATA, TRAINING
from benchmark.runs.departures import departures
from datasets.core.dataset_ref import DatasetRef
from methods.base import Method
from methods.recipes import recipe
from methods.weights import Card


def r2r(name: str, **settings: object) -> Method:
    cls = methods.get("r2r")
    return cls(recipe(cls, name, {key.replace("__", "."): value for key, value in settings.items()}))


def card(method: Method, data: str) -> Card:
    return Card("r2r", method.recipe.name, method.recipe.digest, train_data=(DatasetRef(data, {}, "train"),))


def test_the_papers_own_departs_in_nothing() -> None:
    paper = r2r("awgn-paper")
    assert departures(paper, None, False) == departures(paper, card(paper, "bsd400"), False) == ()
    assert departures(r2r("awgn-paper", train__sigma=50.0), None, False) == ()  # the paper varies it too


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"network__width": 32}, (NETWORK,)),
        ({"train__batch": 4}, (TRAINING,)),
        ({"restore__draws": 5}, (RESTORING,)),
        ({"restore__draws": 5, "network__width": 32}, (NETWORK, RESTORING)),  # the strongest first
    ],
)
def test_a_papers_recipe_with_other_settings(settings: dict[str, object], expected: tuple[str, ...]) -> None:
    assert departures(r2r("awgn-paper", **settings), None, False) == expected


def test_other_data_and_fewer_steps() -> None:
    paper = r2r("awgn-paper")
    assert departures(paper, card(paper, "polyu"), True) == (TRAIN_DATA,)
    assert departures(paper, replace(card(paper, "bsd400"), steps=10), True) == (TRAINING,)


def test_an_adapted_recipe_is_held_against_all_of_the_papers() -> None:
    small = r2r("cpu")
    assert departures(small, card(small, "demo"), False)[:2] == (NETWORK, TRAIN_DATA)


def test_a_baseline_has_no_paper() -> None:
    assert departures(baseline("blur"), None, False) == ()
