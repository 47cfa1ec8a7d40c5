"""Which recipe a method runs under on a dataset, where its weights do not say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import methods
from benchmark.compatibility import obstacle
from benchmark.planning.request import RunRequest
from datasets.base import Dataset, DatasetFacts
from methods.facts import Recipe
from methods.recipes import override, recipes

# What to train where no recipe is named: what a GPU trains in minutes comes before what takes a day.
_TRAINED_FIRST = ("budget", "cpu", "paper", "tiny")


def choose(method: str, request: RunRequest, data: Dataset) -> tuple[Recipe | None, str]:
    """The recipe asked for, or the one that suits; None, and why, where the method cannot do the dataset."""
    grey_as_rgb = request.inference.grey_as_rgb
    known = recipes(method)
    if request.recipe is not None and request.recipe not in known:
        return None, f"{method} has no recipe {request.recipe!r}"
    recipe = known[request.recipe] if request.recipe else suggested(method, data.facts, grey_as_rgb)
    if recipe is None:
        return None, obstacle(methods.describe(method, next(iter(known.values()))), data.facts, grey_as_rgb)
    # Settings that were given win over those that the dataset's options imply.
    recipe = override(recipe, {**implied(recipe, data.options), **request.settings_for(method)})
    why = obstacle(methods.describe(method, recipe), data.facts, grey_as_rgb)
    return (None, why) if why else (recipe, "")


def suggested(method: str, data: DatasetFacts, grey_as_rgb: bool = False) -> Recipe | None:
    """The recipe to train for a dataset: one that names it before others, in the order budget, cpu, paper, tiny."""
    fitting = [r for r in recipes(method).values() if not obstacle(methods.describe(method, r), data, grey_as_rgb)]
    return min(fitting, key=lambda r: (data.name not in r.data, _TRAINED_FIRST.index(r.tier)), default=None)


def implied(recipe: Recipe, options: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of the training that a dataset's options ask for, by equal names and types, such as ``train.sigma``."""
    return {f"train.{key}": value for key, value in options.items() if type(recipe.train.get(key)) is type(value)}
