"""Protocols: who is trained on what, tested on what, with which budget and seeds; data, read from TOML files.

A protocol is what `reproduce` carries out. Those of the project lie in this folder; a path to a file of the same form
is taken as well. See docs/protocols.md for the keys.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmark.protocols.definition import TIERS, Entry, Protocol, Tier
from benchmark.protocols.reading import mapped
from datasets.ops.errors import UserError
from datasets.ops.names import unknown

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
    known = {other: found for found in map(_read, _files()) for other in (found.name, *found.also)}
    if name not in known:
        raise unknown("protocol", name, known)
    return known[name]


def _files() -> list[Path]:
    return [_FOLDER / f"{name}.toml" for name in names()]


def _read(path: Path) -> Protocol:
    return mapped(path.stem, _tables(path), _borrowed)


def _tables(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UserError(f"A protocol was expected in {path}, which cannot be read: {error}.") from error


def _borrowed(name: str) -> Mapping[str, Any]:
    """The tables of the protocol whose trainings another one tests."""
    if name not in names():
        raise unknown("protocol in weights_of", name, names())
    return _tables(_FOLDER / f"{name}.toml")
