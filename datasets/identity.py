"""What tells one source from another: path, sizes, times, and the options that decide what is prepared."""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from datasets.base import Dataset
from datasets.core.files import digest


def entry_of(cls: type[Dataset], options: Mapping[str, Any]) -> dict[str, Any]:
    """Those options that the dataset's `items` takes; the others are of reading."""
    parameters = inspect.signature(cls.items).parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return dict(options)
    named = {parameter.name for parameter in parameters}
    return {key: value for key, value in options.items() if key in named}


def prepare_identity(cls: type[Dataset], source: Path | None, options: Mapping[str, Any], root: Path) -> dict[str, Any]:
    """A JSON value that changes when the source's files or the options that `items` names do.

    Files are known by path, size and time of change; nothing is read. The prepared folder itself is left out where
    it lies inside the source.
    """
    named = {parameter.name for parameter in inspect.signature(cls.items).parameters.values()}
    files = [] if source is None else sorted(_files(source, root.resolve()))
    return {
        "source": None if source is None else str(source.resolve()),
        "files": len(files),
        "digest": digest(files),
        "options": {key: value for key, value in options.items() if key in named and not _is_late(cls, key, value)},
        "version": getattr(cls, "version", 1),
    }


def _is_late(cls: type[Dataset], key: str, value: Any) -> bool:
    """Whether an option came after folders were prepared without it, and has its default still."""
    return key in getattr(cls, "late_options", ()) and bool(value == cls.facts.options[key][0])


def _files(source: Path, root: Path) -> Iterator[tuple[str, int, int]]:
    """(path, size, time) of each file of a folder, or of a file and its neighbours of the same suffix."""
    if source.is_file():
        found = [path for path in source.parent.iterdir() if path.suffix.lower() == source.suffix.lower()]
        yield from (_stamp(path) for path in found if path.is_file())
        return
    for folder, below, names in os.walk(source):
        below[:] = [name for name in below if not name.startswith(".") and (Path(folder) / name).resolve() != root]
        yield from (_stamp(Path(folder) / name) for name in names if not name.startswith("."))


def _stamp(path: Path) -> tuple[str, int, int]:
    try:
        state = path.stat()
    except OSError:  # a link to nothing
        return ascii(str(path)), -1, -1
    return str(path), state.st_size, state.st_mtime_ns
