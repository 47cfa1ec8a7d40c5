"""Telling a foreign checkpoint by its keys and shapes: which recipe's networks have the same ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from methods.checkpoints import State
from methods.facts import Recipe
from methods.recipes import recipes

Artefacts = dict[str, State]
Signature = dict[str, tuple[int, ...]]

SEVERAL = "first of several recipes of this architecture"
_SHOWN = 3  # of missing, unexpected and mis-shaped keys each


@dataclass(frozen=True)
class Match:
    """One way to read a foreign checkpoint: which recipe it fits and the state dicts of the method's roles.

    `note` enters the record (``first of several recipes of this architecture``, ``keys of the supervised DnCNN``).
    `needs_recipe`: the same keys could mean different outputs, so the user must name the recipe.
    """

    recipe: str
    roles: Artefacts
    note: str = ""
    needs_recipe: bool = False


def recognise_by_shape(cls: type[Any], state: State) -> list[Match]:
    """The recipes of a method whose ``restorer`` has exactly these keys and shapes, in the order of the file.

    Where the state holds several networks (``network/key``), each is tried; a method whose networks can be mistaken
    for each other overrides `recognise`.
    """
    parts = {part: (tensors, signature(tensors)) for part, tensors in networks_in(state).items()}
    found = [
        Match(name, {"restorer": tensors}, f"network {part!r} of the file" if part else "")
        for name, wanted in restorers(cls).items()
        for part, (tensors, shapes) in parts.items()
        if wanted == shapes
    ]
    if len({match.recipe for match in found}) > 1:
        found = [replace(m, note="; ".join(filter(None, [m.note, SEVERAL]))) for m in found]
    return found


def restorers(cls: type[Any]) -> dict[str, Signature]:
    """Recipe -> signature of its restorer, found without making any weights."""
    return {name: _restorer(cls, recipe) for name, recipe in recipes(cls).items()}


# Building every recipe takes seconds even on the meta device, and a run loads several files of one method.
_SIGNATURES: dict[tuple[type[Any], str], Signature] = {}


def _restorer(cls: type[Any], recipe: Recipe) -> Signature:
    key = cls, recipe.digest
    if key not in _SIGNATURES:
        with torch.device("meta"):
            _SIGNATURES[key] = signature(cls(recipe).network_of("restorer"))
    return _SIGNATURES[key]


def networks_in(state: State) -> dict[str, State]:
    """The networks of a foreign state: name -> tensors; one network without a name is ''."""
    parts: dict[str, State] = {}
    for key, value in state.items():
        network, slash, inner = key.rpartition("/")
        parts.setdefault(network if slash else "", {})[inner] = value
    return parts


def below(state: State, prefix: str) -> State:
    """The tensors whose keys begin with a prefix, under their keys without it."""
    return {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}


def signature(of: nn.Module | State) -> Signature:
    """Key -> shape of a network or a state. Counters of batches, which old checkpoints lack, are left out."""
    state = of.state_dict() if isinstance(of, nn.Module) else of
    return {key: tuple(value.shape) for key, value in state.items() if not is_counter(key)}


def is_counter(key: str) -> bool:
    """Whether a key is of a batch norm's counter of batches."""
    return key.rpartition(".")[2] == "num_batches_tracked"


def differences(want: Mapping[str, tuple[int, ...]], got: Mapping[str, tuple[int, ...]]) -> str:
    """How two signatures differ, the first few of each kind, '' where they do not."""
    shapes = [f"{key} is {got[key]}, not {want[key]}" for key in want if key in got and got[key] != want[key]]
    kinds = {
        "missing": [key for key in want if key not in got],
        "unexpected": [key for key in got if key not in want],
        "of another shape": shapes,
    }
    return "; ".join(f"{len(found)} {kind} ({_first(found)})" for kind, found in kinds.items() if found)


def _first(found: list[str]) -> str:
    return ", ".join(found[:_SHOWN]) + (" ..." if len(found) > _SHOWN else "")
