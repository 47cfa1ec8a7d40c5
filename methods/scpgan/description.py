"""SCPGAN's name and facts, for which no network is needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from methods.facts import Description, Facts, Recipe
from methods.recipes import remarks

VARIANTS = {"scpgabnet-paper": "SCPGabNet", "rscp2gan-paper": "RSCP2GAN"}
# Restorer -> what its sides must be multiples of, from the ``network`` table.
MULTIPLES: Mapping[str, Callable[[Mapping[str, Any]], int]] = {
    "deam": lambda network: 2 ** network["levels"],
    "restormer": lambda network: 8,
    "nafnet": lambda network: 2 ** len(network["encoder"]),
}
# What chose the weights, for the record.
CHOSEN_BY = {
    "validation": "selected by ground truth of the validation data where training had any",
    "proxy": "selected by a no-reference proxy",
    "none": "last step, nothing selected",
}


def describe(recipe: Recipe) -> Facts:
    """Facts under a recipe. Published figures are those of the two papers' own settings only."""
    notes = remarks(recipe)
    return Facts(
        tasks=(recipe.train["task"],),
        supervision="unpaired",
        multiple=MULTIPLES.get(recipe.network["restorer"], lambda network: 1)(recipe.network),
        context=None,  # both restorers reach further than images are wide
        # below what 8 bits can tell, but for NAFNet, whose means over a tile are seen (docs/decisions.md)
        fade=None if recipe.network["restorer"] == "nafnet" else 8,
        note="; ".join([*notes, CHOSEN_BY[recipe.train["score"]]]),
        variant=VARIANTS.get(recipe.name, "") if not notes else "",
    )


DESCRIPTION = Description("scpgan", "SCPGAN", "1", describe, Path(__file__).parent)
