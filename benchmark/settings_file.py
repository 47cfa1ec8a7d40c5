"""Files of settings in TOML, read with care: an unknown key is told with the nearest name, a wrong type with the right.

Protocols and the files of `run --config` are read by this.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from datasets.core.errors import UserError
from datasets.core.files import open_ordinary
from datasets.core.registry import unknown

Tables = Mapping[str, Any]
_MOST = 1 << 20  # bytes; people write kilobytes


def read_tables(path: Path, what: str) -> dict[str, Any]:
    """The content of a file of settings; `what` names it in sentences.

    Raises:
        UserError: it is not there, no ordinary file, of more than a MiB, or no TOML.
    """
    try:
        with open_ordinary(path, _MOST) as stream:
            return tomllib.loads(stream.read().decode("utf-8"))
    except (OSError, ValueError, RecursionError) as error:  # of another kind for a number of 5,000 digits
        why = str(error).rstrip(".")
        raise UserError(f"A {what} was expected in {path}, which cannot be read: {why}.") from error


def check_keys(where: str, table: Any, keys: Iterable[str]) -> None:
    """Raise UserError for what is no table, or has a key that nobody knows (the nearest is suggested)."""
    keys = list(keys)
    if not isinstance(table, dict):
        raise UserError(f"The {where} must be a table with the keys {', '.join(keys)}; got {table!r}.")
    for key in table:
        if key not in keys:
            raise unknown(f"key of the {where}", key, keys)


def written(tables: Tables) -> str:
    """Values, lists and one level of tables as TOML, the plain values first."""
    plain = [f"{_key(key)} = {_value(value)}" for key, value in tables.items() if not isinstance(value, dict)]
    parts = ["\n".join(plain)]
    for key, table in tables.items():
        if isinstance(table, dict):
            lines = [f"{_key(name)} = {_value(value)}" for name, value in table.items()]
            parts.append("\n".join([f"[{_key(key)}]", *lines]))
    return "\n\n".join(filter(None, parts)) + "\n"


def _key(name: str) -> str:
    return name if name.replace("-", "").replace("_", "").isalnum() and name.isascii() else json.dumps(name)


def _value(value: Any) -> str:
    """One value; JSON's text, numbers and lists are TOML's too, but for infinities and control characters."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, (int, float)):
        return repr(value)
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
