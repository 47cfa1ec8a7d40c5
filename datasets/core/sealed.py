"""Files that know their own checksum: what is read back is what was written, or it is named as damaged.

A JSON file has it in its last field, ``checksum``; a binary file in a line at its end, which the readers of ``.pt`` and
``.npy`` pass over. A checksum finds damage; it is no signature, and whoever changes a file on purpose can renew it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from datasets.core.errors import UserError
from datasets.core.files import digest, open_ordinary, parse_json, replacing, write_json

CHECKSUM = "checksum"
DEPTH = 64  # levels of lists and objects; what the project writes has fewer than ten
MOST = 256 << 20  # bytes of a JSON or CSV file; a record has kilobytes
_LINE = re.compile(rb"\nsha256:([0-9a-f]{64})\n")
_LENGTH = 73  # bytes of that line


class DamagedError(UserError):
    """A file is not what was written; `path` names it."""

    def __init__(self, path: Path, why: str, remedy: str) -> None:
        super().__init__(f"{path} is damaged ({why}); {remedy}.")
        self.path = path


class DamagedWarning(UserWarning):
    """A damaged file was set aside, and what it held is made again."""


def parsed(text: str | bytes) -> Any:
    """The value of a JSON text. Raises ValueError for what is no JSON, and for more than DEPTH levels."""
    value = parse_json(text)
    level = [value]
    for _ in range(DEPTH):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return value
    raise ValueError(f"nested deeper than {DEPTH} levels")


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def write_sealed(path: Path | str, value: Mapping[str, Any]) -> None:
    """Write an object as indented JSON with its checksum as the last field, whole or not at all."""
    plain = {key: inner for key, inner in value.items() if key != CHECKSUM}
    write_json(path, {**plain, CHECKSUM: checksum(plain)})


def checksum(value: Mapping[str, Any]) -> str:
    """SHA-256 of an object as JSON gives it back."""
    return digest(json.loads(json.dumps(value, allow_nan=False)))


def read_sealed(path: Path, remedy: str) -> tuple[dict[str, Any], bool]:
    """The object in a JSON file, without its checksum.

    Args:
        remedy: what helps against damage, the end of the sentence.
    Returns:
        (the object, whether it had a checksum: files of earlier versions have none).
    Raises:
        FileNotFoundError: there is no file. DamagedError: it is no JSON object, or its checksum is another.
    """
    if not path.exists() and not path.is_symlink():
        raise FileNotFoundError(path)
    try:
        with open_ordinary(path, MOST) as stream:
            value = parsed(stream.read())
        if not isinstance(value, dict):
            raise ValueError(f"{type(value).__name__} where an object was expected")
        stored = value.pop(CHECKSUM, None)
        if stored is not None and stored != digest(value):
            raise ValueError("its checksum is another")
    except (OSError, ValueError) as error:
        raise DamagedError(path, str(error).rstrip("."), remedy) from error
    return value, stored is not None


@contextmanager
def sealing(path: Path | str, *, durable: bool = True) -> Iterator[Path]:
    """As `replacing`, for a binary file that gets its checksum at the end."""
    with replacing(path, durable=durable) as part:
        yield part
        with part.open("r+b") as stream:
            found = _digest_of(stream, part.stat().st_size)
            stream.seek(0, os.SEEK_END)
            stream.write(f"\nsha256:{found}\n".encode())


def check_seal(path: Path, remedy: str) -> bool:
    """Whether a binary file has a checksum, which is held against its content.

    Raises:
        DamagedError: the content is another. OSError: it cannot be read.
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        stream.seek(max(0, size - _LENGTH))
        line = _LINE.fullmatch(stream.read())
        if line is None:
            return False
        stream.seek(0)
        if _digest_of(stream, size - _LENGTH) != line[1].decode():
            raise DamagedError(path, "its checksum is another", remedy)
    return True


def _digest_of(stream: BinaryIO, count: int) -> str:
    found = hashlib.sha256()
    while count > 0 and (block := stream.read(min(count, 1 << 20))):
        found.update(block)
        count -= len(block)
    return found.hexdigest()


def set_aside(path: Path, why: object) -> Path:
    """Rename a damaged file or folder to ``NAME.damaged`` (``NAME.damaged.2`` ...), and say so as a DamagedWarning.

    Nothing is deleted. Two processes may find the same damage: the second finds it gone.

    Returns:
        where it lies now.
    """
    target, number = path.with_name(f"{path.name}.damaged"), 1
    while target.exists():
        number += 1
        target = path.with_name(f"{path.name}.damaged.{number}")
    try:
        path.rename(target)
    except FileNotFoundError:
        return target
    warnings.warn(
        f"{' '.join(str(why).split())} It is kept as {target.name}, and made again.", DamagedWarning, stacklevel=2
    )
    return target
