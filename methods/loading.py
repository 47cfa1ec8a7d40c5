"""From a name, a recipe and a weights file to a method that restores."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from datasets.core.errors import UserError
from datasets.core.files import sha256_file
from methods.base import Artefacts, Match, Method, Recipe, State
from methods.facts import Facts
from methods.matching import SEVERAL, differences, restorers, signature
from methods.recipes import TABLES, Of, deviations, override, recipes, settings_of
from methods.recipes import recipe as read_recipe
from methods.registry import METHODS
from methods.size_limit import Room, TooLargeError, at_most
from methods.weights import Card, checked_card, fill, read_together, read_weights, tensors_in

Settings = Mapping[str, Any] | None
Suits = Callable[[Recipe], bool]

FITTING = "of several recipes of this architecture the one that suits the dataset"


@dataclass(frozen=True)
class Identified:
    """What a weights file turned out to be, before any network is built.

    Attributes:
        recipe: with the settings under which it is run. sha256: of the file. card: None for a foreign file.
        note: how it was recognised, for the record; '' = nothing to say.
        roles: role -> tensors of a foreign file, which had to be read for it; None for ours, which have a card.
        method: that the file itself made (`Method.from_file`); None where the recipe makes it.
    """

    recipe: Recipe
    sha256: str
    card: Card | None
    note: str = ""
    roles: Artefacts | None = None
    method: Method | None = None

    @property
    def facts(self) -> Facts | None:
        """Those that are known by the file alone; None where the recipe tells them."""
        return self.method.facts if self.method else None


@dataclass(frozen=True)
class Loaded:
    """A method ready to restore, and what its weights file turned out to be; None for initial weights."""

    method: Method
    weights: Identified | None

    @property
    def note(self) -> str:
        """How the weights were recognised, for the record."""
        return self.weights.note if self.weights else ""

    @property
    def card(self) -> Card | None:
        """That of the weights, where they have one."""
        return self.weights.card if self.weights else None


def build(cls: type[Method], recipe: Recipe) -> Method:
    """A method with initial weights that are always the same; torch's global random state is left as it was.

    Raises UserError for settings of the network, changed from the recipe's, of which none can be made.
    """
    with torch.random.fork_rng(devices=[]):
        torch.random.default_generator.manual_seed(0)
        try:
            return cls(recipe).eval()
        except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
            changed = {key: now for key, (_, now) in deviations(recipe).items() if key.startswith("network.")}
            if isinstance(error, UserError) or not changed:
                raise
            given = ", ".join(f"{key} = {value}" for key, value in changed.items())
            raise UserError(
                f"{recipe.method}'s recipe {recipe.name} makes no network with {given}: {error}."
            ) from error


def load_from(
    of: Of,
    recipe: str | None = None,
    weights: Path | str | Sequence[Path | str] | None = None,
    settings: Settings = None,
    role: str = "restorer",
) -> Loaded:
    """`methods.load`, and what it found: which file it was and how it was recognised.

    Args:
        of: the method's name or class. recipe, weights, settings: see `methods.load`.
        role: that the weights must hold, such as ``generator`` for `Degrades.degrade`.
    """
    cls = _class_of(of)
    if weights is None:
        return Loaded(build(cls, read_recipe(cls, recipe, settings)), None)
    paths = [weights] if isinstance(weights, (str, Path)) else list(weights)
    found = identify(cls, recipe, paths, settings)
    if found.method:
        return Loaded(found.method, found)
    method = _built(cls, found, paths)
    fill(method, found.roles or read_weights(paths[0]).roles, _origin(paths), role)
    return Loaded(method, found)


def _built(cls: type[Method], found: Identified, paths: Sequence[Path | str]) -> Method:
    """The method under the recipe that its weights ask for; a card may ask for what nobody can build.

    Raises:
        UserError: a network that cannot be built, or that is many times as large as the file that should fill it.
    """
    try:
        if found.card:
            # Without memory for its tensors: what a card asks for is held against the file before any is taken.
            with torch.random.fork_rng(devices=[]), torch.device("meta"), at_most(_room(paths[0])):
                cls(found.recipe).roles()
        return build(cls, found.recipe)
    except TooLargeError as error:
        raise UserError(
            f"The card of {paths[0]} asks for networks of more than {error}; the file has "
            f"{Path(paths[0]).stat().st_size} bytes. Fetch or train the weights again."
        ) from error
    except (RuntimeError, ValueError, TypeError, ArithmeticError, MemoryError) as error:
        if isinstance(error, UserError) or not found.card:
            raise
        raise UserError(
            f"The settings on the card of {paths[0]} are those of no network ({type(error).__name__}: {error}); fetch "
            "or train the weights again."
        ) from error


def _room(path: Path | str) -> Room:
    """What the networks of a method may have whose one network fills a file: many times as much, and some to spare."""
    return Room(parameters=16 * Path(path).stat().st_size + (1 << 20), parts=16 * tensors_in(path) + 256)


def identify(
    of: Of,
    recipe: str | None,
    weights: Path | str | Sequence[Path | str],
    settings: Settings = None,
    suits: Suits | None = None,
) -> Identified:
    """Say what a weights file is. Of ours the card tells; a foreign one is read and compared with every recipe.

    Arguments and errors as of `methods.load`; whether the tensors fit is seen when they are loaded. The file of a class
    whose networks files make (`Method.from_file`) is read, and its method made, to know its facts.

    Args:
        of: the method's name or class.
        suits: of several recipes of a foreign file's architecture, those that are meant, such as for a dataset's task;
            where none is, all are. None = the first of the method's.
    """
    cls = _class_of(of)
    paths = [weights] if isinstance(weights, (str, Path)) else list(weights)
    card = checked_card(paths[0]) if len(paths) == 1 else None
    if card is None and cls.is_made_by_files():
        return _made_by(cls, recipe, paths, settings)
    if card is None:
        return _foreign(cls, recipe, paths, settings, suits)
    if card.method != cls.name:
        raise UserError(
            f"{paths[0]} holds weights of {card.method}, not of {cls.name}; load them with --methods {card.method}."
        )
    trained, note = _as_trained(cls, card) if recipe in (None, card.recipe) else ({}, f"trained as {card.recipe}")
    chosen = read_recipe(cls, recipe or card.recipe, {**trained, **(settings or {})})
    return Identified(chosen, card.sha256, card, note)


def _class_of(of: Of) -> type[Method]:
    cls: type[Method] = METHODS.get(of) if isinstance(of, str) else of
    return cls


def _made_by(cls: type[Method], recipe: str | None, paths: Sequence[Path | str], settings: Settings) -> Identified:
    """What a file makes of the class; random initial values, which it replaces, leave torch's global state alone."""
    if len(paths) != 1:
        raise UserError(f"One file makes the network of {cls.name}; came {_origin(paths)}.")
    path, layout = Path(paths[0]), []

    def read() -> State:
        content = read_weights(path)
        layout.append(content.layout)
        return content.roles[""]

    if not path.is_file():
        raise UserError(f"A file with a network was expected at {path}, where there is none.")
    with torch.random.fork_rng(devices=[]):
        method = cls.from_file(read_recipe(cls, recipe, settings), path, read).eval()
    return Identified(method.recipe, sha256_file(path), None, "; ".join(filter(None, layout)), method=method)


def _origin(paths: Sequence[Path | str]) -> str:
    return " and ".join(map(str, paths))


def _as_trained(cls: type[Method], card: Card) -> tuple[dict[str, Any], str]:
    """The settings of the training, and a note on those that the recipe no longer has."""
    known = settings_of(read_recipe(cls, card.recipe))
    gone = [key for key in card.recipe_settings if key not in known]
    note = f"settings of the training that the recipe has no more: {', '.join(gone)}" if gone else ""
    return {key: value for key, value in card.recipe_settings.items() if key in known}, note


def _foreign(
    cls: type[Method], recipe: str | None, paths: Sequence[Path | str], settings: Settings, suits: Suits | None
) -> Identified:
    content = read_weights(paths[0]) if len(paths) == 1 else read_together(paths)
    state = content.roles[""]
    matches = _overridden(cls, recipe, settings or {}).recognise(state)
    match = _named(recipe, matches, state) if recipe else _only(cls, _suiting(cls, matches, suits), state, paths)
    note = "; ".join(filter(None, [content.layout, match.note]))
    return Identified(read_recipe(cls, match.recipe, settings), content.sha256, None, note, match.roles)


def _overridden(cls: type[Method], recipe: str | None, settings: Mapping[str, Any]) -> type[Method]:
    """The class with its recipes as settings of the network make them: by these a foreign file is recognised.

    Only the recipe that is asked for, where one is; recipes without such a setting are left out. Raises UserError where
    no recipe has it.
    """
    network = {key: value for key, value in settings.items() if key.startswith("network.")}
    if not network:
        return cls
    tables, errors = {}, []
    for name, known in recipes(cls).items():
        if recipe in (None, name):
            try:
                changed = override(known, network)
            except UserError as error:
                errors.append(error)
                continue
            values = {table: dict(getattr(changed, table)) for table in TABLES}
            tables[name] = {"tier": known.tier, "about": known.about, "data": list(known.data), **values}
    if not tables and errors:
        raise errors[0]
    return type(cls.__name__, (cls,), {"recipes": tables, "__module__": cls.__module__}) if tables else cls


def _suiting(cls: type[Method], matches: list[Match], suits: Suits | None) -> list[Match]:
    """Those of several readings whose recipe is meant, with a word on the others; all where none or each is."""
    meant = [match for match in matches if suits and suits(read_recipe(cls, match.recipe))]
    if not meant or len(meant) == len(matches):
        return matches
    return [replace(match, note=match.note.replace(SEVERAL, FITTING)) for match in meant]


def _named(recipe: str, matches: list[Match], state: State) -> Match:
    """The reading that the user asked for; where none fits, the tensors as they are: `fill` then says what differs."""
    reading = next((match for match in matches if match.recipe == recipe), Match(recipe, {"restorer": state}))
    return replace(reading, note="")


def _only(cls: type[Method], matches: list[Match], state: State, paths: Sequence[Path | str]) -> Match:
    origin = _origin(paths)
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
