"""From a name, a recipe and a weights file to a method that restores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from datasets.ops.errors import UserError
from methods.base import Match, Method, Recipe, State
from methods.recipes import recipe as read_recipe
from methods.recipes import settings_of
from methods.registry import METHODS
from methods.weights import Card, Weights, differences, fill, read_together, read_weights, restorers, signature

Settings = Mapping[str, Any] | None


@dataclass(frozen=True)
class Loaded:
    """A method and where its weights came from.

    Attributes:
        weights: None for initial weights. note: how they were recognised, for the record; '' = nothing to say.
    """

    method: Method
    weights: Weights | None
    note: str = ""


def build(cls: type[Method], recipe: Recipe) -> Method:
    """A method with initial weights that are always the same; torch's global random state is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.random.default_generator.manual_seed(0)
        return cls(recipe).eval()


def load_from(
    name: str,
    recipe: str | None = None,
    weights: Path | str | Sequence[Path | str] | None = None,
    settings: Settings = None,
    role: str = "restorer",
) -> Loaded:
    """`methods.load`, which see, with its findings.

    Args:
        role: that the weights must hold, such as ``generator`` for `Degrades.degrade`.
    """
    cls = METHODS.get(name)
    if weights is None:
        return Loaded(build(cls, read_recipe(cls, recipe, settings)), None)
    paths = [weights] if isinstance(weights, (str, Path)) else list(weights)
    content = read_weights(paths[0]) if len(paths) == 1 else read_together(paths)
    read = _ours if content.card else _foreign
    return read(cls, recipe, content, settings, " and ".join(map(str, paths)), role)


def _ours(
    cls: type[Method], recipe: str | None, content: Weights, settings: Settings, origin: str, role: str
) -> Loaded:
    card = content.card
    assert card is not None  # the caller's choice; for the type checker
    if card.method != cls.name:
        raise UserError(
            f"{origin} holds weights of {card.method}, not of {cls.name}; load them with --methods {card.method}."
        )
    kept, note = _as_trained(cls, card) if recipe in (None, card.recipe) else ({}, f"trained as {card.recipe}")
    method = build(cls, read_recipe(cls, recipe or card.recipe, {**kept, **(settings or {})}))
    fill(method, content.roles, origin, role)
    return Loaded(method, content, note)


def _as_trained(cls: type[Method], card: Card) -> tuple[dict[str, Any], str]:
    """The settings of the training, and a note on those that the recipe no longer has."""
    known = settings_of(read_recipe(cls, card.recipe))
    gone = [key for key in card.recipe_settings if key not in known]
    note = f"settings of the training that the recipe has no more: {', '.join(gone)}" if gone else ""
    return {key: value for key, value in card.recipe_settings.items() if key in known}, note


def _foreign(
    cls: type[Method], recipe: str | None, content: Weights, settings: Settings, origin: str, role: str
) -> Loaded:
    state = content.roles[""]
    matches = cls.recognise(state)
    match = _named(recipe, matches, state) if recipe else _only(cls, matches, state, origin)
    method = build(cls, read_recipe(cls, match.recipe, settings))
    fill(method, match.roles, origin, role)
    return Loaded(method, content, "; ".join(filter(None, [content.layout, match.note])))


def _named(recipe: str, matches: list[Match], state: State) -> Match:
    """The reading that the user asked for; where none fits, the tensors as they are: `fill` then says what differs."""
    reading = next((match for match in matches if match.recipe == recipe), Match(recipe, {"restorer": state}))
    return replace(reading, note="")


def _only(cls: type[Method], matches: list[Match], state: State, origin: str) -> Match:
    if not matches:
        raise _unrecognised(cls, state, origin)
    if matches[0].needs_recipe:
        names = [match.recipe for match in matches]
        raise UserError(
            f"{origin} fits several recipes of {cls.name} that mean different outputs ({', '.join(names)}): "
            f"{matches[0].note}; name one with --recipe {names[0]} (in Python: recipe={names[0]!r})."
        )
    return matches[0]


def _unrecognised(cls: type[Method], state: State, origin: str) -> UserError:
    got = signature(state)
    near, wanted = min(restorers(cls).items(), key=lambda pair: len(pair[1].items() ^ got.items()))
    if not wanted.keys() & got.keys():
        return UserError(
            f"{origin} was expected to hold weights of {cls.name}, with keys such as {', '.join(list(wanted)[:2])}; "
            f"it has {', '.join(list(got)[:3])} ..."
        )
    return UserError(f"{origin} fits no recipe of {cls.name}; nearest is {near}: {differences(wanted, got)}.")
