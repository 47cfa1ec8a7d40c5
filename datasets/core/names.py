"""Names that come out of files: as paths below a folder, and as text on a terminal."""

from __future__ import annotations

import re
from pathlib import Path

from datasets.core.errors import UserError

LONGEST = 200  # bytes of one part of a path: file systems take 255, of which suffixes and temporary names need some
# Control characters but line feed and tab, what reorders text, and halves of characters (bytes that are no UTF-8).
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def inside(folder: Path, name: str, suffix: str = "") -> Path:
    """The path ``folder/name`` + suffix, for a name that may be a stranger's.

    Raises:
        UserError: it would lie outside of the folder, or no file system takes it.
    """
    parts = name.split("/")
    sound = all(part not in ("", ".", "..") and len(part.encode(errors="replace")) <= LONGEST for part in parts)
    if not sound or "\\" in name or "\0" in name:
        raise UserError(
            f"The name {name[:80]!r} cannot be that of a file below {folder}: expected parts of at most {LONGEST} "
            "bytes, without '..', that do not begin with '/'."
        )
    return folder / f"{name}{suffix}"


def printable(text: str) -> str:
    """Text as a terminal may have it: control characters (but line feeds and tabs) and half characters spelled out."""
    return _UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
