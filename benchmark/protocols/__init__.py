"""Protocols: which methods are trained and tested on what, with which budget and seeds; read from TOML files.

A protocol is what `reproduce` carries out. Those of the project lie in this folder; a path to a file of the same form
is taken as well. See docs/protocols.md for the keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmark.protocols.parse import mapped
from benchmark.protocols.schema import TIERS, Entry, Protocol, Tier
from benchmark.settings_file import read_tables
from datasets.core.registry import unknown

__all__ = ["TIERS", "Entry", "Protocol", "Tier", "names", "protocol"]

_FOLDER = Path(__file__).parent


def names() -> list[str]:
    """The project's protocols by name."""
    return sorted(path.stem for path in _FOLDER.glob("*.toml"))


def protocol(name: str) -> Protocol:
    """A protocol by its name, another name it has, or the path of a TOML file.

    Raises:
        UserError: unknown name (the nearest is suggested), a file that cannot be read, an unknown or missing key, a
            value of the wrong kind.
    """
    if name.endswith(".toml"):
        return _read(Path(name))
    files = [_FOLDER / f"{own}.toml" for own in names()]
    known = {other: each for each in map(_read, files) for other in (each.name, *each.also)}
    if name not in known:
        raise unknown("protocol", name, known)
    return known[name]


def _read(path: Path) -> Protocol:
    def borrowed(name: str) -> Mapping[str, Any]:
        """The tables of the protocol whose trainings this one tests."""
        if name not in names():
            raise unknown("protocol in weights_of", name, names())
        return _tables(_FOLDER / f"{name}.toml")

    return mapped(path.stem, _tables(path), borrowed)


def _tables(path: Path) -> Mapping[str, Any]:
    return read_tables(path, "protocol")
