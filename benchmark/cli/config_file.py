"""`run --config FILE` and `--save-config FILE`: the options of a verb in a file, under their own names."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmark.settings_file import check_keys, read_tables, written
from datasets.core.errors import UserError
from datasets.core.files import write_bytes

_NOT_OF_A_RUN = ("help", "quiet", "json", "wide", "debug", "config", "save_config", "dry_run", "shard")
_ALWAYS = ("methods", "dataset")  # saved even where they are the default


def add(parser: argparse.ArgumentParser) -> None:
    """--config and --save-config."""
    about = 'options from a TOML file, such as `methods = ["r2r"]`; what the command says wins (default: none)'
    parser.add_argument("--config", type=Path, metavar="FILE", help=about)
    about = "write the options of this run to a file that --config takes (default: none)"
    parser.add_argument("--save-config", type=Path, metavar="FILE", help=about)


def apply(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
    """Make the content of the file that `words` name by --config the parser's defaults.

    An option of which the words hold a rival (--minutes against --steps) is not taken from the file.

    Raises:
        UserError: no such file, no TOML, an unknown key (the nearest is suggested), a value that the option refuses.
    """
    path = _named(words)
    if path is None:
        return
    actions, where = _options(parser), f"config {path}"
    content = read_tables(path, "config")
    check_keys(where, content, actions)
    given = {word.partition("=")[0] for word in words}
    rivals = [
        action
        for group in parser._mutually_exclusive_groups
        if any(given.intersection(each.option_strings) for each in group._group_actions)
        for action in group._group_actions
    ]
    for key, value in content.items():
        action = actions[key]
        if action not in rivals:
            vars(action).setdefault("builtin", action.default)
            action.default, action.required = _value(where, key, action, value), False


def save(path: Path, parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Write the options of a run: its methods and datasets, and whatever is not the default."""
    content: dict[str, Any] = {}
    for key, action in _options(parser, first=True).items():
        value, builtin = getattr(args, action.dest), vars(action).get("builtin", action.default)
        if value == builtin and action.dest not in _ALWAYS:
            continue
        if action.dest == "set" or isinstance(value, dict):
            content[key] = dict(value)
        elif isinstance(value, tuple):
            content[key] = list(value)
        else:
            content[key] = value if isinstance(value, (bool, int, float)) else str(value)
    write_bytes(path, written(content).encode())


def _named(words: Sequence[str]) -> Path | None:
    """The file of --config in either spelling; None where there is none, or nothing follows the option."""
    for place, word in enumerate(words):
        option, equals, value = word.partition("=")
        if option == "--config" and (equals or place + 1 < len(words)):
            return Path(value if equals else words[place + 1])
    return None


def _options(parser: argparse.ArgumentParser, first: bool = False) -> dict[str, argparse.Action]:
    """Name -> option, under each of its names, or its first one only."""
    found = {}
    for action in parser._actions:
        if action.dest not in _NOT_OF_A_RUN:
            for option in action.option_strings[: 1 if first else None]:
                found[option.removeprefix("--")] = action
    return found


def _value(where: str, key: str, action: argparse.Action, value: Any) -> Any:
    """A value of the file as the option has it. Raises UserError."""
    if action.dest == "set":
        if not isinstance(value, dict):
            raise UserError(f"The key 'set' of the {where} takes a table, such as set = {{ \"restore.draws\" = 5 }}.")
        return list(_flat(value))
    if isinstance(value, dict) and isinstance(action.default, dict):
        value = [f"{name}={each}" for name, each in value.items()]
    if (action.nargs == 0) != isinstance(value, bool) or isinstance(value, dict):
        wanted = "true or false" if action.nargs == 0 else "a text, a number or a list of them"
        raise UserError(f"The key {key!r} of the {where} takes {wanted}; got {value!r}.")
    if action.nargs == 0:
        return value
    text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
    try:
        read = action.type(text) if callable(action.type) else text
    except (argparse.ArgumentTypeError, ValueError) as error:
        raise UserError(f"The key {key!r} of the {where} does not fit: {error}.") from error
    if action.choices is not None and read not in action.choices:
        raise UserError(f"The key {key!r} of the {where} takes one of {', '.join(action.choices)}; got {value!r}.")
    return read


def _flat(table: Mapping[str, Any], head: str = "") -> Iterator[tuple[str, Any]]:
    """``{"restore": {"draws": 5}}`` and ``{"restore.draws": 5}`` are the same settings."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{head}{key}.")
        else:
            yield f"{head}{key}", value
