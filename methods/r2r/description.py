"""R2R's name and facts, for which no network is needed."""

from __future__ import annotations

from pathlib import Path

from methods.facts import Description, Facts, Recipe
from methods.recipes import remarks

TITLE = "R2R"


def describe(recipe: Recipe) -> Facts:
    """Facts under a recipe. Published figures are R2R's own settings' only; the noise level is a parameter."""
    supervised = recipe.train["target"] == "clean"
    notes = remarks(recipe, ("train.sigma",)) + (["supervised reference, not R2R"] if supervised else [])
    return Facts(
        tasks=("denoise",),
        supervision="paired" if supervised else "degraded",
        channels=(recipe.network["channels"],),
        context=recipe.network["depth"],  # a pixel for each 3x3 convolution
        needs_noise_level=recipe.restore["draws"] > 0,
        note="; ".join(notes),
        variant="" if notes else TITLE,
    )


DESCRIPTION = Description("r2r", TITLE, "1", describe, Path(__file__).parent, {"sidd-paper": "r2r-sidd-weights"})
