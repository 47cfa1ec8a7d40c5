"""Recipes: named hyper-parameters of a method, read from its recipes.toml.

A table per recipe; ``extends = "other"`` starts from another one's values. Keys: tier, about, data, and the tables
network, train, restore.
"""

from __future__ import annotations

import inspect
import math
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from datasets.core.errors import UserError
from datasets.core.registry import unknown
from methods.facts import Recipe
from methods.registry import METHODS

TIERS = ("paper", "budget", "cpu", "tiny")
TABLES = ("network", "train", "restore")
_KEYS = {"extends", "tier", "about", "data", *TABLES}
_MOST = 1 << 63  # of whole numbers
Settings = Mapping[str, Any]
Of = str | type[Any]  # a method's name, or its class


def recipes(of: Of) -> dict[str, Recipe]:
    """Every recipe of a method, in the order of its file.

    Args:
        of: the method's name, for which no built-in method's class is imported, or its class. `cls.recipes` names the
            file (default: recipes.toml beside the module) or is the same content as a mapping.
    Raises:
        UserError: unknown name; a file that is missing or wrong.
    """
    name, source = _source(of)
    if not isinstance(source, Path):
        return _read(name, source)
    try:
        return dict(_of_file(name, source, source.stat().st_mtime_ns))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise UserError(f"The recipes of {name} were expected in {source}, which cannot be read: {error}.") from error


def recipe(of: Of, name: str | None = None, settings: Settings | None = None) -> Recipe:
    """One recipe, with dotted overrides such as ``{"train.alpha": 2}``.

    Args:
        of: see `recipes`. name: None = the first of the file.
        settings: values of the type that the recipe has there, or text that reads as one (``"2"``, ``"[1, 2]"``).
    Raises:
        UserError: unknown recipe or key (the nearest is suggested), or a value of another type.
    """
    known = recipes(of)
    chosen = next(iter(known)) if name is None else name
    if chosen not in known:
        raise unknown(f"recipe of {_source(of)[0]}", chosen, known)
    return override(known[chosen], settings or {})


def override(recipe: Recipe, settings: Settings) -> Recipe:
    """The recipe with dotted settings applied. Raises UserError as `recipe` does."""
    tables: dict[str, Any] = {table: dict(getattr(recipe, table)) for table in TABLES}
    known = [f"{table}.{key}" for table in TABLES for key in tables[table]]
    for dotted, value in settings.items():
        table, _, key = dotted.partition(".")
        if dotted not in known:
            raise unknown(f"setting of {recipe.method}'s recipe {recipe.name}", dotted, known)
        tables[table][key] = _checked(dotted, tables[table][key], value)
    return replace(recipe, **tables)


def deviations(recipe: Recipe) -> dict[str, tuple[Any, Any]]:
    """Where a recipe differs from its file: dotted key -> (the file's value, the recipe's)."""
    before, now = recipe.original, settings_of(recipe)
    return {key: (value, now[key]) for key, value in before.items() if now[key] != value}


def remarks(recipe: Recipe, ignored: Collection[str] = ()) -> list[str]:
    """Why a recipe is not the paper's own; [] where it is.

    Its tier; what of the paper is unknown, where its ``train`` table says so under that key; then each setting that
    differs from its file.

    Args:
        ignored: dotted keys of settings that the paper varies too, or that change no result.
    """
    notes = [] if recipe.tier == "paper" else ["adapted: not in the paper"]
    if "unknown" in recipe.train:
        notes.append(f"of the paper's settings unknown: {recipe.train['unknown']}")
    changed = {key: pair for key, pair in deviations(recipe).items() if key not in ignored}
    return notes + [f"{key} = {now} in place of {original}" for key, (original, now) in changed.items()]


def settings_of(recipe: Recipe) -> dict[str, Any]:
    """All values of a recipe by their dotted names: what a card keeps."""
    return {f"{table}.{key}": value for table in TABLES for key, value in getattr(recipe, table).items()}


def own_steps(recipe: Recipe) -> int:
    """Steps that a recipe asks for by itself, over its stages where it lists them; 0 where it does not say."""
    steps = recipe.train.get("steps", 0)
    return sum(steps) if isinstance(steps, list) else int(steps)


def _source(of: Of) -> tuple[str, Mapping[str, Any] | Path]:
    """A method's name, and its recipes or the file that has them. Only a name that no description has is imported."""
    if isinstance(of, str) and (described := METHODS.description(of)):
        return of, described.folder / "recipes.toml"
    cls: Any = METHODS.get(of) if isinstance(of, str) else of
    given = getattr(cls, "recipes", None)
    if given is None:
        described = getattr(cls, "described_by", None)
        folder = described.folder if described else Path(inspect.getfile(cls)).parent
        return cls.name, folder / "recipes.toml"
    return cls.name, given if isinstance(given, Mapping) else Path(given)


@lru_cache
def _of_file(method: str, path: Path, changed: int) -> dict[str, Recipe]:
    """The recipes of a file; `changed` is its time of modification, so that an edited file is read again."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise UserError(f"The recipes of {method} in {path} are no TOML: {error}.") from error
    return _read(method, tables)


def _read(method: str, tables: Mapping[str, Any]) -> dict[str, Recipe]:
    return {name: _recipe(method, name, _resolved(method, tables, name)) for name in tables}


def _resolved(method: str, tables: Mapping[str, Any], name: str, seen: tuple[str, ...] = ()) -> dict[str, Any]:
    if not isinstance(tables[name], Mapping):
        raise UserError(f"The recipe {name!r} of {method} is no table, but {_short(tables[name])}.")
    table = dict(tables[name])
    for key in TABLES:
        if not isinstance(table.get(key, {}), Mapping):
            raise UserError(f"{key!r} of the recipe {name!r} of {method} is no table, but {_short(table[key])}.")
    parent = table.pop("extends", None)
    if parent is None:
        return table
    if not isinstance(parent, str) or parent not in tables or parent in (*seen, name):
        raise UserError(
            f"The recipe {name!r} of {method} extends {parent!r}, which must be another recipe of its file."
        )
    merged = _resolved(method, tables, parent, (*seen, name))
    for key, value in table.items():
        merged[key] = {**merged.get(key, {}), **value} if key in TABLES else value
    return merged


def _recipe(method: str, name: str, table: Mapping[str, Any]) -> Recipe:
    for key in table:
        if key not in _KEYS:
            raise unknown(f"key of {method}'s recipe {name}", key, _KEYS)
    if table.get("tier") not in TIERS:
        raise UserError(
            f"The recipe {name!r} of {method} needs a tier of {', '.join(TIERS)}, not {table.get('tier')!r}."
        )
    values = {key: dict(table.get(key, {})) for key in TABLES}
    about, data = table.get("about", ""), table.get("data", [])
    if not isinstance(about, str) or not isinstance(data, (list, tuple)) or not all(isinstance(d, str) for d in data):
        raise UserError(f"The recipe {name!r} of {method} needs a text for about and a list of texts for data.")
    plain = Recipe(method, name, table["tier"], about, tuple(data), **values)
    return replace(plain, original=settings_of(plain))


def _checked(dotted: str, default: Any, value: Any) -> Any:
    if isinstance(value, str) and not isinstance(default, str):
        value = _parsed(dotted, default, value)
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        value = float(value) if abs(value) < _MOST else math.inf
    if isinstance(default, list) and isinstance(value, (list, tuple)):
        return [_checked(dotted, default[0], item) if default else item for item in value]
    if type(value) is not type(default):
        raise _wrong(dotted, default, value)
    _check_number(dotted, default, value)
    return value


def _check_number(dotted: str, default: Any, value: Any) -> None:
    """Raise UserError for a number that is not finite, or below 0 where the recipe's is not: none is meant to be."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return
    finite = math.isfinite(value) if isinstance(value, float) else abs(value) < _MOST
    if not finite or (value < 0 <= default):
        wanted = "a number of 0 or more" if finite else "a finite number"
        raise UserError(f"The setting {dotted} takes {wanted}, such as {default!r}; got {_short(value)}.")


def _parsed(dotted: str, default: Any, text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text.lower() if isinstance(default, bool) else text}")["value"]
    except (ValueError, RecursionError) as error:  # of TOML, and of numbers with thousands of digits
        raise _wrong(dotted, default, text) from error


def _wrong(dotted: str, default: Any, value: Any) -> UserError:
    return UserError(
        f"The setting {dotted} takes a value of type {type(default).__name__}, such as {default!r}; "
        f"got {_short(value)}."
    )


def _short(value: Any) -> str:
    """A value in a sentence, which stays one."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}..."
