"""Where a row departs from the paper: in its network, training data, training, or way of restoring."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmark.records.record import DEPARTURES, NETWORK, RESTORING, TRAIN_DATA, TRAINING
from benchmark.records.training_source import trained_on
from methods.recipes import recipes

if TYPE_CHECKING:
    from methods.base import Method
    from methods.weights import Card


def departures(method: Method, card: Card | None, trained_otherwise: bool) -> tuple[str, ...]:
    """Codes of DEPARTURES, the strongest first; () for the paper's own, and where a method has no paper's recipe.

    A paper's recipe with other settings is compared with its file; an adapted recipe with all of the paper's.

    Args:
        method: under the recipe of the cell. card: of its weights. trained_otherwise: whether the weights were trained
            on other data, at another noise level or for fewer steps than the recipe says.
    """
    recipe = method.recipe
    if not recipe.name:  # a baseline, or a module of the user's
        return ()
    known = recipes(type(method))
    papers = [other for other in known.values() if other.tier == "paper"]
    if recipe.tier == "paper" and recipe.name in known:
        papers = [known[recipe.name]]
    if not papers:
        return ()
    codes = set()
    if not method.facts.variant:  # the method itself knows which of its settings the paper varies too
        for table, code in (("network", NETWORK), ("train", TRAINING), ("restore", RESTORING)):
            if all(getattr(recipe, table) != getattr(other, table) for other in papers):
                codes.add(code)
    if (
        card
        and card.train_data
        and not any(trained_on(card.train_data, name) for other in papers for name in other.data)
    ):
        codes.add(TRAIN_DATA)
    if trained_otherwise and not codes:  # the strongest reason is enough: a training that differs too adds nothing
        codes.add(TRAINING)
    return tuple(code for code in DEPARTURES if code in codes)
