"""Seeded damage to bytes, and what became of it: noticed, of no consequence, or a false result."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from datasets.core.errors import UserError

DETECTED, HARMLESS, FALSE = "detected", "harmless", "false"


def flipped(data: bytes, draw: np.random.Generator) -> bytes:
    """One bit at a random place."""
    at = int(draw.integers(len(data)))
    return data[:at] + bytes([data[at] ^ (1 << int(draw.integers(8)))]) + data[at + 1 :]


def truncated(data: bytes, draw: np.random.Generator) -> bytes:
    """Only the first so many bytes."""
    return data[: int(draw.integers(len(data)))]


def rows_cut(data: bytes, draw: np.random.Generator) -> bytes:
    """Without one to three lines that follow each other."""
    lines = data.splitlines(keepends=True)
    at, count = int(draw.integers(len(lines))), int(draw.integers(1, 4))
    return b"".join(lines[:at] + lines[at + count :])


def zeroed(data: bytes, draw: np.random.Generator) -> bytes:
    """A block of zeros, of 1 to 512 bytes."""
    at, count = int(draw.integers(len(data))), int(draw.integers(1, 513))
    count = min(count, len(data) - at)
    return data[:at] + bytes(count) + data[at + count :]


CORRUPTIONS = (flipped, truncated, rows_cut, zeroed)


@dataclass(frozen=True)
class Kind:
    """A kind of file that is read back.

    Attributes:
        name: for the table. make: writes sound files into a folder. file: the one that is damaged, relative to it.
        read: what the software gets out of the folder, as a value that compares equal for the same bits.
        decides: whether what is read comes from the file; damage to another one need not be noticed.
    """

    name: str
    make: Callable[[Path], None]
    file: str
    read: Callable[[Path], Any]
    decides: bool = True


def attempt(kind: Kind, sound: Path, scratch: Path, seed: int) -> tuple[str, str, str]:
    """Damage a copy of the file once and read it.

    Returns:
        (outcome, name of the corruption, what was said or what came out).
    """
    draw = np.random.default_rng([seed, *kind.name.encode()])
    corrupt = CORRUPTIONS[seed % len(CORRUPTIONS)]
    shutil.rmtree(scratch, ignore_errors=True)
    shutil.copytree(sound, scratch)
    path = next(scratch.glob(kind.file))
    path.write_bytes(corrupt(path.read_bytes(), draw))
    try:
        found = kind.read(scratch)
    except UserError as error:
        return DETECTED, corrupt.__name__, str(error)
    except Exception as error:  # a traceback for whoever gives the command: as bad as a false figure
        return FALSE, corrupt.__name__, f"{type(error).__name__}: {error}"
    return (HARMLESS if found == kind.read(sound) else FALSE), corrupt.__name__, "read"
