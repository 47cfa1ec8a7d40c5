"""What this machine has of the files that loss terms need, settled before a training has an identity."""

from __future__ import annotations

from methods.base import Method
from methods.loading import build


def equipped(method: Method) -> tuple[Method, str]:
    """The method under the recipe that can be trained here, and a sentence on what had to be left out; '' = nothing.

    The method itself where nothing is lacking; else one with initial weights (see `Method.equipped`).
    """
    recipe, lacking = type(method).equipped(method.recipe)
    return (method if recipe == method.recipe else build(type(method), recipe)), lacking
