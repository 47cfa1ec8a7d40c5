"""Recipes: named hyper-parameters of a method, read from its recipes.toml.

A table per recipe; ``extends = "other"`` starts from another one's values. Keys: tier, about, data, and the tables
network, train, restore.
"""

from __future__ import annotations

import inspect
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from datasets.ops.errors import UserError
from datasets.ops.names import unknown
from methods.base import Method, Recipe

TIERS = ("paper", "budget", "cpu", "tiny")
TABLES = ("network", "train", "restore")
_KEYS = {"extends", "tier", "about", "data", *TABLES}
Settings = Mapping[str, Any]


def recipes(cls: type[Method]) -> dict[str, Recipe]:
    """Every recipe of a method, in the order of its file.

    `cls.recipes` names the file (default: recipes.toml beside the module) or is the same content as a mapping.
    """
    tables = _tables(cls)
    return {name: _recipe(cls.name, name, _resolved(cls.name, tables, name)) for name in tables}


def recipe(cls: type[Method], name: str | None = None, settings: Settings | None = None) -> Recipe:
    """One recipe, with dotted overrides such as ``{"train.alpha": 2}``.

    Args:
        name: None = the first of the file.
        settings: values of the type that the recipe has there, or text that reads as one (``"2"``, ``"[1, 2]"``).
    Raises:
        UserError: unknown recipe or key (the nearest is suggested), or a value of another type.
    """
    known = recipes(cls)
    chosen = next(iter(known)) if name is None else name
    if chosen not in known:
        raise unknown(f"recipe of {cls.name}", chosen, known)
    return override(known[chosen], settings or {})


def override(recipe: Recipe, settings: Settings) -> Recipe:
    """The recipe with dotted settings applied. Raises UserError as `recipe` does."""
    tables: dict[str, dict[str, Any]] = {table: dict(getattr(recipe, table)) for table in TABLES}
    known = [f"{table}.{key}" for table in TABLES for key in tables[table]]
    for dotted, value in settings.items():
        table, _, key = dotted.partition(".")
        if dotted not in known:
            raise unknown(f"setting of {recipe.method}'s recipe {recipe.name}", dotted, known)
        tables[table][key] = _checked(dotted, tables[table][key], value)
    return Recipe(recipe.method, recipe.name, recipe.tier, recipe.about, recipe.data, **tables)


def deviations(cls: type[Method], recipe: Recipe) -> dict[str, tuple[Any, Any]]:
    """Where a recipe differs from its file: dotted key -> (the file's value, the recipe's)."""
    original = recipes(cls).get(recipe.name, recipe)
    before = settings_of(original)
    return {key: (before.get(key), now) for key, now in settings_of(recipe).items() if now != before.get(key)}


def remarks(cls: type[Method], recipe: Recipe, ignored: Collection[str] = ()) -> list[str]:
    """Why a recipe is not the paper's own: its tier, then each setting that differs from its file; [] where it is.

    Args:
        ignored: dotted keys of settings that the paper varies too, or that change no result.
    """
    notes = [] if recipe.tier == "paper" else ["adapted: not in the paper"]
    changed = {key: pair for key, pair in deviations(cls, recipe).items() if key not in ignored}
    return notes + [f"{key} = {now} in place of {original}" for key, (original, now) in changed.items()]


def settings_of(recipe: Recipe) -> dict[str, Any]:
    """All values of a recipe by their dotted names: what a card keeps."""
    return {f"{table}.{key}": value for table in TABLES for key, value in getattr(recipe, table).items()}


def _tables(cls: type[Method]) -> Mapping[str, Any]:
    given = getattr(cls, "recipes", None)
    if isinstance(given, Mapping):
        return given
    path = Path(given) if given else Path(inspect.getfile(cls)).with_name("recipes.toml")
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise UserError(f"The recipes of {cls.name} were expected in {path}, which cannot be read: {error}.") from error


def _resolved(method: str, tables: Mapping[str, Any], name: str, seen: tuple[str, ...] = ()) -> dict[str, Any]:
    table = dict(tables[name])
    parent = table.pop("extends", None)
    if parent is None:
        return table
    if parent not in tables or parent in (*seen, name):
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
    return Recipe(method, name, table["tier"], table.get("about", ""), tuple(table.get("data", ())), **values)


def _checked(dotted: str, default: Any, value: Any) -> Any:
    if isinstance(value, str) and not isinstance(default, str):
        value = _read(dotted, default, value)
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(default, list) and isinstance(value, (list, tuple)):
        return [_checked(dotted, default[0], item) if default else item for item in value]
    if type(value) is not type(default):
        raise _wrong(dotted, default, value)
    return value


def _read(dotted: str, default: Any, text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text.lower() if isinstance(default, bool) else text}")["value"]
    except tomllib.TOMLDecodeError as error:
        raise _wrong(dotted, default, text) from error


def _wrong(dotted: str, default: Any, value: Any) -> UserError:
    return UserError(
        f"The setting {dotted} takes a value of type {type(default).__name__}, such as {default!r}; got {value!r}."
    )
