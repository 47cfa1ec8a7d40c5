"""Switching a loss term off whose files are not available: the same for every method (`Method.available`)."""

from __future__ import annotations

from collections.abc import Mapping

from methods.base import Recipe
from methods.features.files import absent, find
from methods.recipes import override, settings_of


def without_absent(recipe: Recipe, weight: str, files: Mapping[str, str]) -> tuple[Recipe, str]:
    """A recipe with a term switched off where a file that the term needs is absent: the answer of `Method.available`.

    Args:
        weight: dotted name of the term's weight, such as ``train.semantic``.
        files: network (a name that `find` knows) -> dotted name of the setting that may name its file.
    Returns:
        the recipe, and '' where nothing is missing (the term may be off by itself); else the recipe with `weight` at
        0 and a sentence that says what is missing, where to download it and how to name it.
    Raises:
        UserError: a file that the user named is not there.
    """
    settings = settings_of(recipe)
    if not settings[weight]:
        return recipe, ""
    missing = [name for name, setting in files.items() if find(name, settings[setting]) is None]
    if not missing:
        return recipe, ""
    named = " ".join(f"--set {files[name]}=PATH" for name in missing)
    sentences = " ".join(absent(name) for name in missing)
    return override(recipe, {weight: 0}), f"Trained with {weight} = 0: {sentences} Or name it with {named}."
