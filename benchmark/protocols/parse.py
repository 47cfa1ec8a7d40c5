"""From the tables of a TOML file to a Protocol; an unknown key or a value of another type is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from benchmark.protocols.schema import TIERS, Entry, Protocol, Tier
from benchmark.settings_file import check_keys
from datasets.core.errors import UserError
from datasets.core.registry import unknown

Tables = Mapping[str, Any]

# key -> (what it must be, whether it must be there)
_PROTOCOL: dict[str, tuple[type, bool]] = {
    "title": (str, True),
    "about": (str, True),
    "tests": (list, True),
    "train": (str, False),
    "seeds": (list, False),
    "also": (list, False),
    "caution": (str, False),
    "weights_of": (str, False),
    "tiers": (dict, False),
}
_TIER: dict[str, tuple[type, bool]] = {"budget": (str, True), "patch_pixels": (int, False), "rows": (list, True)}
_ENTRY: dict[str, tuple[type, bool]] = {
    "method": (str, True),
    "recipe": (str, True),
    "set": (dict, False),
    "restore": (dict, False),
    "steps": (int, False),
    "test": (str, False),
    "train": (str, False),
    "trained": (bool, False),
    "label": (str, False),
    "note": (str, False),
}
_OWN = ("train", "seeds", "tiers")  # what a protocol has either itself or from the one that it borrows weights of


def mapped(name: str, tables: Tables, borrowed: Callable[[str], Tables]) -> Protocol:
    """The protocol `name` from the content of its file.

    Args:
        borrowed: the content of the file of another protocol, by its name.
    Raises:
        UserError: see benchmark.protocols.protocol.
    """
    where = f"protocol {name!r}"
    _check(where, tables, _PROTOCOL)
    source = tables
    if "weights_of" in tables:
        both = [key for key in _OWN if key in tables]
        if both:
            raise UserError(
                f"The {where} takes the trainings of {tables['weights_of']!r}, so it has no {both[0]!r} itself."
            )
        source = borrowed(tables["weights_of"])
    for key in _OWN:
        if key not in source:
            raise UserError(
                f"The {where} lacks the key {key!r}; give it, or weights_of = the name of another protocol."
            )
    tests = _strings(where, "tests", tables)
    plain = {key: tables[key] for key in ("title", "about", "caution", "weights_of") if key in tables}
    return Protocol(
        name=name,
        tests=tests,
        train=source["train"],
        seeds=_seeds(where, source),
        tiers=_tiers(where, source["tiers"], tests, own=source is tables),
        also=_strings(where, "also", tables) if "also" in tables else (),
        **plain,
    )


def _check(where: str, table: Any, keys: Mapping[str, tuple[type, bool]]) -> None:
    check_keys(where, table, keys)
    for key, value in table.items():
        kind = keys[key][0]
        if type(value) is not kind:
            raise UserError(f"The key {key!r} of the {where} takes a value of type {kind.__name__}; got {value!r}.")
    for key, (_, needed) in keys.items():
        if needed and key not in table:
            raise UserError(f"The {where} lacks the key {key!r}.")


def _strings(where: str, key: str, table: Tables) -> tuple[str, ...]:
    values = table[key]
    if not values or not all(isinstance(value, str) and value for value in values):
        raise UserError(f"The key {key!r} of the {where} takes one text or more; got {values!r}.")
    return tuple(values)


def _seeds(where: str, table: Tables) -> tuple[int, ...]:
    seeds = table["seeds"]
    if not seeds or not all(type(seed) is int and seed >= 0 for seed in seeds) or len(set(seeds)) < len(seeds):
        raise UserError(f"The seeds of the {where} are different whole numbers, 0 or more; got {seeds!r}.")
    return tuple(seeds)


def _tiers(where: str, tables: Tables, tests: tuple[str, ...], own: bool) -> dict[str, Tier]:
    for name in tables:
        if name not in TIERS:
            raise unknown(f"tier of the {where}", name, TIERS)
    if not tables:
        raise UserError(f"The {where} has no tier; give it one of {', '.join(TIERS)}.")
    return {name: _tier(f"tier {name!r} of {where}", name, tables[name], tests if own else ()) for name in tables}


def _tier(where: str, name: str, table: Any, tests: tuple[str, ...]) -> Tier:
    _check(where, table, _TIER)
    if table.get("patch_pixels", 1) < 1 or not table["rows"]:
        raise UserError(f"The {where} needs one row or more, and patch_pixels above 0 where they are given.")
    entries = tuple(_entry(f"row {index} in {where}", row, tests) for index, row in enumerate(table["rows"], start=1))
    titles = [(entry.method, entry.recipe, entry.label, entry.test) for entry in entries]
    for index, title in enumerate(titles):
        if title in titles[:index]:
            raise UserError(f"The {where} has two rows {title[0]} {title[1]}: tell them apart by a label.")
    return Tier(name, table["budget"], entries, table.get("patch_pixels"))


def _entry(where: str, table: Any, tests: tuple[str, ...]) -> Entry:
    """`tests`: of the protocol whose file it is; () = a borrower's, which has tests of its own."""
    _check(where, table, _ENTRY)
    if table.get("steps", 1) < 1:
        raise UserError(f"The steps of the {where} must be 1 or more; got {table['steps']}.")
    if tests and table.get("test", tests[0]) not in tests:
        raise unknown(f"test of the {where}", table["test"], tests)
    for key in table.get("restore", {}):
        if not key.startswith("restore."):
            raise UserError(f"The {where} has {key!r} under restore, which takes keys such as restore.draws only.")
    values = dict(table)
    return Entry(settings=values.pop("set", {}), **(values if tests else {**values, "test": ""}))
