"""MSSR's name and facts, for which no network is needed."""

from __future__ import annotations

from pathlib import Path

from methods.facts import Description, Facts, Recipe
from methods.recipes import remarks

TITLE = "MSSR"
TAIL = 2  # pixels of the trunk's surroundings that the restorer's upsampling and its two last convolutions see


def describe(recipe: Recipe) -> Facts:
    """Facts under a recipe. At scale 1 it denoises, which the paper does not."""
    scale, notes = recipe.network["scale"], remarks(recipe)
    if scale == 1 and recipe.tier == "paper":  # a setting made it so
        notes.insert(0, "adapted: not in the paper")
    shrink = unshuffled(scale, recipe.network["shrink"])
    return Facts(
        tasks=("denoise",) if scale == 1 else ("super-resolve",),
        supervision="unpaired",
        scale=scale,
        multiple=shrink,
        context=context(recipe.network["blocks"], shrink),
        note="; ".join(notes),
        variant="" if notes else TITLE,
    )


def unshuffled(scale: int, shrink: int) -> int:
    """Pixels of a side that the restorer unshuffles into channels: `shrink`, or for 0 what makes 4 with the scale."""
    return shrink or 4 // scale


def context(blocks: int, shrink: int) -> int:
    """Pixels of surroundings, at the degraded size, that an output pixel of a restorer depends on.

    A block has 15 convolutions of 3x3; one comes before all blocks, one after.
    """
    return shrink * (1 + 15 * blocks + 1 + TAIL) + shrink - 1


DESCRIPTION = Description("mssr", TITLE, "1", describe, Path(__file__).parent, features=("alexnet", "lpips-alex"))
