"""DnCNN checkpoints of others: R2R's own, or a supervised network with the same keys."""

from __future__ import annotations

from dataclasses import replace

from methods.base import Match, Method, State
from methods.matching import recognise_by_shape


def recognise(cls: type[Method], state: State) -> list[Match]:
    """By shape; a grey net of 17 layers may be R2R's (recorrupted draws) or a supervised one (a single pass)."""
    matches = recognise_by_shape(cls, state)
    if not any(match.recipe == "dncnn-noise" for match in matches):
        return matches
    note = "R2R's own weights are run on recorrupted draws, a supervised DnCNN's, which give the noise, once"
    return [replace(match, note=note, needs_recipe=True) for match in matches]
