"""Restoration methods: ``methods.load(name, recipe=None, weights=None)`` is the way in.

Importing this package imports nothing heavy. Torch comes with the first class that is asked for; what `names`, `title`,
`paper`, `describe` and `methods.recipes` say of built-in methods needs none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from methods.registry import METHODS

if TYPE_CHECKING:
    from methods.base import Method
    from methods.facts import Facts, Recipe

__all__ = ["METHODS", "describe", "get", "load", "names", "paper", "title"]


def names() -> list[str]:
    """Every method's name, built-in ones first."""
    return METHODS.names()


def get(name: str) -> type[Method]:
    """The class of a method. Raises UserError for an unknown name, suggesting the nearest."""
    return METHODS.get(name)


def title(name: str) -> str:
    """What tables call a method. Raises UserError as `get` does."""
    return (METHODS.description(name) or get(name)).title or name


def paper(name: str) -> str:
    """The BibTeX entries of a method, '' where it announces none. Raises UserError as `get` does."""
    return (METHODS.description(name) or get(name)).paper.strip()


def describe(of: str | type[Method], recipe: Recipe) -> Facts:
    """Facts of a method under a recipe, without weights: of a built-in method from the recipe's numbers alone.

    Args:
        of: the method's name or class. A plug-in's class is asked (`Method.describe`).
        recipe: see `methods.recipes.recipe`.
    Raises:
        UserError: unknown name.
    """
    named = METHODS.description(of) if isinstance(of, str) else None
    return (named or (get(of) if isinstance(of, str) else of)).describe(recipe)


def load(
    name: str,
    recipe: str | None = None,
    weights: Path | str | Sequence[Path | str] | None = None,
    *,
    settings: Mapping[str, Any] | None = None,
) -> Method:
    """A method ready to restore: eval mode, CPU, float32.

    Args:
        name: such as ``r2r``.
        recipe: its name; None = the one of the weights' card, or the one that a foreign checkpoint is recognised as,
            or, without weights, the method's first.
        weights: our ``.safetensors``, or a checkpoint as its authors published it (``.pth``, ``.pt``, ``.tar`` ...;
            read without running any code of it), or several of those where each holds one of a method's networks.
            None = initial weights, the same every time.
        settings: dotted overrides of the recipe, such as ``{"restore.draws": 5}``.
    Returns:
        the Method. ``methods.loading.load_from`` also tells which file it was and how it was recognised.
    Raises:
        UserError: unknown name, recipe or setting; weights that are unsafe, damaged, changed or of something else.
    """
    from methods.loading import load_from

    return load_from(name, recipe, weights, settings).method
