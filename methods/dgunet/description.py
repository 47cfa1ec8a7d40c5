"""DGUNet's name and facts, for which no network is needed."""

from __future__ import annotations

from pathlib import Path

from methods.facts import Description, Facts, Recipe
from methods.recipes import remarks

SENSING = "compressive-sensing"
MULTIPLE = 8  # of the RGB networks' sides: three halvings
MIN_SIDE = 16  # of the RGB networks, which pad by reflection


def describe(recipe: Recipe) -> Facts:
    """Facts under a recipe. The sensing networks exist for any ratio."""
    task, patch = recipe.train["task"], recipe.restore.get("patch", 0)
    sensing, notes = task == SENSING, remarks(recipe, ("train.ratio",))
    return Facts(
        tasks=(task,),
        supervision="paired",
        channels=(1,) if sensing else (3,),
        multiple=(patch or recipe.network["block"]) if sensing else MULTIPLE,
        min_side=1 if sensing else MIN_SIDE,
        # patches are recovered each for itself, so tiles that begin where they do need no surroundings
        context=0 if sensing and patch else None,
        fade=8,  # more of it comes no closer to the whole picture, which instance norms see
        note="; ".join(notes),
        variant="" if notes else "DGUNet+" if recipe.network["plus"] else "DGUNet",
        measures=sensing,
    )


DESCRIPTION = Description("dgunet", "DGUNet", "1", describe, Path(__file__).parent)
