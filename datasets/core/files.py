"""Files that are either whole or absent, and their hashes."""

from __future__ import annotations

import glob
import hashlib
import json
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from datasets.core.errors import UserError

_LONGEST = 200  # bytes of a name that still has room for what a temporary file adds


@contextmanager
def open_ordinary(path: Path | str, most: int) -> Iterator[BinaryIO]:
    """Open an ordinary file for reading: no pipe and no device, which would make a reader wait for ever.

    Args:
        most: bytes that it may have.
    Raises:
        UserError: it is missing (a link to nothing is named as such), may not be read, is not ordinary or too large.
    """
    path = Path(path)
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        what = "it is a link to nothing" if path.is_symlink() and not path.exists() else f"it cannot be read: {error}"
        raise UserError(f"Expected a file at {path}, but {what}.") from error
    state = os.fstat(handle)
    if not stat.S_ISREG(state.st_mode):
        os.close(handle)
        raise UserError(f"Expected an ordinary file at {path}, but it is a folder, a pipe or a device.")
    with os.fdopen(handle, "rb") as stream:
        if state.st_size > most:
            raise UserError(f"Expected at most {most} bytes in {path}, but it has {state.st_size}.")
        yield stream


def parse_json(text: str | bytes) -> Any:
    """A JSON text of unknown origin. Raises ValueError for a broken one, NaN, infinities, or one nested too deep."""
    try:
        return json.loads(text, parse_constant=_refused)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


def _refused(word: str) -> Any:
    raise ValueError(f"it holds {word}")


@contextmanager
def replacing(path: Path | str, *, durable: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it replaces `path` in one step, on failure it is removed.

    Args:
        path: the file to write; its folder is made where missing.
        durable: fsync the file and its folder (records, checkpoints). Bulk images go without.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{_short(path.name)}.{os.getpid()}.part")
    try:
        yield part
        if durable:
            _fsync(part)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    if durable:
        _fsync(path.parent)


def _short(name: str) -> str:
    """What a temporary file takes of a name."""
    return name if len(os.fsencode(name)) <= _LONGEST else hashlib.sha256(os.fsencode(name)).hexdigest()[:32]


def clear_parts(folder: Path, name: str = "*", *, below: bool = False) -> None:
    """Remove the temporary files of one name, or of all, that killed processes left in a folder.

    Whoever calls this holds the lock of those who write there.

    Args:
        below: in the folders within it too.
    """
    pattern = name if name == "*" else glob.escape(_short(name))
    for part in (folder.rglob if below else folder.glob)(f".{pattern}.*.part"):
        part.unlink(missing_ok=True)


def clear_parts_of(paths: Iterable[Path]) -> None:
    """Remove the temporary files that killed processes left of these files; each folder is listed once."""
    names: dict[Path, set[str]] = {}
    for path in paths:
        names.setdefault(path.parent, set()).add(_short(path.name))
    for folder, own in names.items():
        for part in folder.glob(".*.part"):
            if part.name[1:].rsplit(".", 2)[0] in own:
                part.unlink(missing_ok=True)


def _fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_bytes(path: Path | str, data: bytes, *, durable: bool = True) -> None:
    """Write `data` so that the file is whole or absent."""
    with replacing(path, durable=durable) as part:
        part.write_bytes(data)


def write_json(path: Path | str, value: Any) -> None:
    """Write a value as indented JSON, whole or not at all. NaN and infinities are refused."""
    write_bytes(path, (json.dumps(value, indent=2, allow_nan=False) + "\n").encode())


class Hashing:
    """A stream for writing whose bytes are hashed on their way, so that they need not be read back."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._hash = stream, hashlib.sha256()

    def write(self, data: bytes) -> int:
        """Write and hash; how many bytes there were."""
        self.hash(data)
        return self._stream.write(data)

    def hash(self, data: bytes) -> None:
        """Hash without writing."""
        self._hash.update(data)

    @property
    def digest(self) -> str:
        """SHA-256 of what was written so far, in hex."""
        return self._hash.hexdigest()


def sha256_file(path: Path | str) -> str:
    """SHA-256 of a file's bytes, in hex."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def canonical(value: Any) -> str:
    """JSON text that is the same for equal values: sorted keys, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, default=str)


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON of a value, in hex: the hash of recipes, cells and manifests."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()
