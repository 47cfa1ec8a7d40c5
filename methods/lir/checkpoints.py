"""The authors' checkpoints: two generators in one file, of which restoring needs one part each."""

from __future__ import annotations

from functools import lru_cache

import torch

from methods.base import Match, Method, Recipe, State
from methods.lir.network import PARTS, generator
from methods.matching import Signature, below, networks_in, recognise_by_shape, signature
from methods.recipes import recipes


def recognise(cls: type[Method], state: State) -> list[Match]:
    """The authors' ``gen_XXXXXXXX.pt``: generators ``a`` and ``b``; parts that stay idle may be absent."""
    sides = networks_in(state)
    if set(sides) != {"a", "b"}:
        return recognise_by_shape(cls, state)
    path = {f"{part}.": sides[side] for side, part in (("a", "enc"), ("b", "dec_cont"))}
    taken = {prefix + key: value for prefix, tensors in path.items() for key, value in below(tensors, prefix).items()}
    matches = recognise_by_shape(cls, taken)
    return [m for m in matches if all(_idle_fit(recipes(cls)[m.recipe], tensors) for tensors in sides.values())]


def _idle_fit(recipe: Recipe, tensors: State) -> bool:
    """Whether each part of a generator that a file has is whole and of the recipe's shape; other keys do not fit."""
    found = {key.partition(".")[0] for key in tensors}
    if not found <= PARTS.keys():
        return False
    wanted = _parts(tuple(recipe.network.items()))
    return all(signature(below(tensors, f"{part}.")) == wanted[part] for part in found)


@lru_cache
def _parts(network: tuple[tuple[str, object], ...]) -> dict[str, Signature]:
    """Keys and shapes of the parts of a generator, by the items of a recipe's ``network`` table."""
    with torch.device("meta"):
        return {name: signature(part) for name, part in generator(dict(network)).items()}
