"""LIR's name and facts, for which no network is needed."""

from __future__ import annotations

from pathlib import Path

from methods.facts import Description, Facts, Recipe
from methods.recipes import remarks

TITLE = "LIR"
# Where a file lies says nothing about what is computed: it is found, or the semantic weight is 0.
PLACES = ("train.vgg_file",)


def describe(recipe: Recipe) -> Facts:
    """Facts under a recipe. Published figures are those of the paper's own settings only."""
    notes, multiple = remarks(recipe, PLACES), 1 << recipe.network["halvings"]
    return Facts(
        tasks=("denoise",),
        supervision="unpaired",
        channels=(1,) if recipe.network["grey"] else (3,),
        multiple=multiple,
        context=None,  # the layer norms look at the whole image
        fade=8,  # below what 8 bits can tell (docs/decisions.md)
        min_side=smallest(multiple),
        note="; ".join(notes),
        variant="" if notes else TITLE,
    )


def smallest(multiple: int) -> int:
    """The smallest side of an image: 3 pixels are mirrored in an image, 1 in a latent."""
    return max(4, 2 * multiple)


DESCRIPTION = Description("lir", TITLE, "1", describe, Path(__file__).parent, features=("vgg19",))
