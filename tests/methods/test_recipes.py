"""Recipes: inheritance, overrides and their checks."""

from pathlib import Path

import pytest

from datasets.core.errors import UserError
from methods.base import Method
from methods.cards import read_card
from methods.r2r.adapter import R2R
from methods.recipes import deviations, recipe, recipes, settings_of


class Toy(Method):
    name = "toy"
    recipes = {  # noqa: RUF012
        "first": {
            "tier": "paper",
            "network": {"width": 8},
            "train": {"rate": 0.1, "rates": [1.0], "on": True, "kind": "a"},
        },
        "second": {"extends": "first", "tier": "tiny", "train": {"rate": 0.2}},
    }


def toy_with(**tables):
    return type("Other", (Toy,), {"recipes": {**Toy.recipes, **tables}})


def test_a_recipe_extends_another():
    first, second = recipes(Toy).values()
    assert second.train == {"rate": 0.2, "rates": [1.0], "on": True, "kind": "a"}
    assert (second.tier, second.network, first.train["rate"]) == ("tiny", {"width": 8}, 0.1)


def test_the_first_recipe_is_the_default():
    assert recipe(Toy).name == "first"
    assert recipe(R2R).name == "awgn-paper"


@pytest.mark.parametrize(
    ("settings", "want"),
    [
        ({"train.rate": 1}, 1.0),
        ({"train.rate": "2e-4"}, 2e-4),
        ({"train.rates": "[1, 2]"}, [1.0, 2.0]),
        ({"train.on": "False"}, False),
        ({"train.kind": "b"}, "b"),
        ({"network.width": "16"}, 16),
    ],
)
def test_overrides(settings, want):
    (dotted,) = settings
    value = settings_of(recipe(Toy, "first", settings))[dotted]
    assert value == want and type(value) is type(want)
    assert recipe(Toy, "first").train["rate"] == 0.1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"train.rat": 1}, "Did you mean 'train.rate'"),
        ({"rate": 1}, "Unknown setting"),
        ({"train.rate": "fast"}, "type float, such as 0.1; got 'fast'"),
        ({"train.rate": True}, "type float"),
        ({"network.width": 8.5}, "type int"),
        ({"train.rates": 3}, "type list"),
        ({"train.rates": ["x"]}, "type float"),
        ({"train.on": 1}, "type bool"),
        ({"train.rate": float("nan")}, "a finite number, such as 0.1; got nan"),
        ({"train.rate": "inf"}, "a finite number"),
        ({"train.rate": -0.1}, "a number of 0 or more"),
        ({"network.width": -8}, "a number of 0 or more"),
        ({"train.rates": [0.1, float("inf")]}, "a finite number"),
    ],
)
def test_overrides_that_are_refused(settings, message):
    with pytest.raises(UserError, match=message):
        recipe(Toy, "first", settings)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"extends": "frist"}, "extends 'frist'"),
        ({"extends": "bad"}, "extends 'bad'"),
        ({"tier": "papre"}, "tier of paper, budget, cpu, tiny"),
        ({"tier": "paper", "trian": {}}, "Did you mean 'train'"),
    ],
)
def test_files_that_are_refused(table, message):
    with pytest.raises(UserError, match=message):
        recipes(toy_with(bad=table))


def test_a_method_without_recipes_says_where_they_were_expected():
    with pytest.raises(UserError, match=r"recipes\.toml"):
        recipes(type("Bare", (Method,), {"name": "bare", "__module__": __name__}))


def test_unknown_recipe():
    with pytest.raises(UserError, match="Did you mean 'sidd-paper'"):
        recipe(R2R, "sidd-papr")


def test_deviations_and_digest():
    plain, same, other = (recipe(Toy, "first", s) for s in ({}, {"train.rate": "0.1"}, {"train.rate": 3}))
    assert deviations(plain) == {} and deviations(other) == {"train.rate": (0.1, 3.0)}
    assert plain.digest == same.digest != other.digest


def test_shipped_cards_know_every_setting_of_their_recipes():
    """Else a setting that came later makes `reproduce` take them for those of another recipe, and train anew."""
    weights = Path(__file__).parents[2] / "results" / "weights"
    cards = [read_card(path) for path in sorted(weights.glob("*/*.safetensors"))]
    assert len(cards) > 10
    for card in cards:
        assert card.recipe_digest == recipe(card.method, card.recipe, card.recipe_settings).digest
        assert set(card.recipe_settings) == set(settings_of(recipe(card.method, card.recipe)))
