"""Restoration methods: ``methods.load(name, recipe=None, weights=None)`` is the way in.

Importing this package imports nothing heavy; torch comes with the first method that is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from methods.registry import METHODS

if TYPE_CHECKING:
    from methods.base import Method

__all__ = ["METHODS", "get", "load", "names"]


def names() -> list[str]:
    """Every method's name, built-in ones first."""
    return METHODS.names()


def get(name: str) -> type[Method]:
    """The class of a method. Raises UserError for an unknown name, suggesting the nearest."""
    return METHODS.get(name)


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
