"""The authors' checkpoints: up to four networks in one file."""

from __future__ import annotations

from methods.base import Match, Method, State
from methods.matching import networks_in, recognise_by_shape


def recognise(cls: type[Method], state: State) -> list[Match]:
    """By shape. Of the authors' four networks D is the restorer; E has its keys too, but is an older one."""
    parts = networks_in(state)
    if "D" not in parts:
        return recognise_by_shape(cls, state)
    matches = recognise_by_shape(cls, {f"D/{key}": value for key, value in parts["D"].items()})
    return [Match(m.recipe, m.roles, f"{m.note}, of {', '.join(sorted(parts))}", m.needs_recipe) for m in matches]
