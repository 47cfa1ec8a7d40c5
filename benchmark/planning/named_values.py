"""Lists as people write them on a command line: ``a,b`` and ``NAME=VALUE,NAME=VALUE``, with quotes for odd paths.

The one parser of such options. Commas part the entries, the first equals sign of an entry parts name and value. Within
single or double quotes, and within brackets (``bsd68[sigma=25,clip=yes]``), commas and equals signs mean nothing.
"""

from __future__ import annotations

import re
from pathlib import Path

from datasets.core.errors import UserError

QUOTES = "\"'"
_NAME = re.compile(r"[\w.-]+")  # no slash: a path with an equals sign behind one is a path
HELP = """a path with commas or equals signs is quoted within a list: 'r2r="/a,b/w.pth",lir=B'"""


def entries(text: str) -> list[str]:
    """``a,b[x=1,y=2],"c,d"`` -> the entries, stripped, their quotes kept; empty ones are left out.

    Raises UserError for a quote or a bracket without its end.
    """
    found, current, inside, depth = [], "", "", 0
    for character in text:
        if inside:
            inside = "" if character == inside else inside
        elif character in QUOTES and (not current.strip() or current[-1:] in "=,"):
            inside = character
        elif character in "[]":
            depth = max(0, depth + (1 if character == "[" else -1))
        elif character == "," and not depth:
            found.append(current.strip())
            current = ""
            continue
        current += character
    if inside or depth:
        raise UserError(f"Expected each quote and bracket to be closed in {text!r}.")
    return [entry for entry in (*found, current.strip()) if entry]


def named_values(text: str) -> list[tuple[str, str]]:
    """``r2r=A,lir="B,C"`` -> [("r2r", "A"), ("lir", "B,C")]; the name of an entry without one is ''.

    An entry that is quoted as a whole has no name: ``"e=1.pth"``. Raises UserError as `entries` does.
    """
    found = []
    for entry in entries(text):
        name, equals, value = entry.partition("=")
        is_named = equals and _NAME.fullmatch(name.strip())
        found.append((name.strip(), _bare(value.strip())) if is_named else ("", _bare(entry)))
    return found


def named_paths(text: str) -> list[tuple[str, Path]]:
    """The same for paths: a text that as a whole is a file (``/a,b/w.pth``, ``e=1.pth``) is that file, unquoted."""
    if text and Path(text).is_file():
        return [("", Path(text))]
    return [(name, Path(value)) for name, value in named_values(text)]


def one_file(text: str, name: str) -> Path | None:
    """The one path of an option that is for one method: ``PATH``, or ``NAME=PATH``; None for ''.

    Raises UserError for several, or for another name than `name`.
    """
    found = named_paths(text)
    if not found:
        return None
    if len(found) > 1 or found[0][0] not in ("", name):
        raise UserError(f"Expected one file for {name}, but got {text!r} ({HELP}).")
    return found[0][1]


def _bare(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] in QUOTES and text[-1] == text[0] else text
