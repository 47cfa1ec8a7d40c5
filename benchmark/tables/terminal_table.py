"""Tables in a terminal, and in a pipe."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TextIO

from datasets.core.names import printable

_GAP = "  "
_LEAST = 12  # characters that a sentence is cut to at most, as the last column


def print_table(title: str, heads: Sequence[str], cells: Sequence[Sequence[str]], out: TextIO, width: int = 0) -> None:
    """Print a table, a row a line; separated by tabs where `out` is no terminal.

    On a terminal columns without any content are left out, and of the others those that have no room; a line below the
    table names these. Columns come in the order of what they tell. No figure is cut.

    Args:
        width: columns of the terminal; 0 = any number.
    """
    title = printable(title)
    cells = [[" ".join(printable(cell).split()) for cell in row] for row in cells]  # a row is a line
    if not out.isatty():
        plain = ["\t".join(row) for row in [heads, *cells]]
        print("\n".join([*([f"# {title}"] if title else []), *plain]), file=out, flush=True)
        return
    used = [n for n in range(len(heads)) if any(row[n] for row in cells)] or list(range(len(heads)))
    widths = fitting([max([len(heads[n]), *(len(row[n]) for row in cells)]) for n in used], width)
    shown = [(n, size) for n, size in zip(used, widths, strict=True) if size]
    lines = [title] if title else []
    for row in [heads, ["─" * size for size in (dict(shown).get(n, 0) for n in range(len(heads)))], *cells]:
        lines.append(_GAP.join(_cut(row[n], size).ljust(size) for n, size in shown).rstrip())
    left = [heads[n] for n, size in zip(used, widths, strict=True) if not size]
    if left:
        lines += textwrap.wrap(f"Not shown: {', '.join(left)}; --wide shows all.", width)
    print("\n".join(lines), file=out, flush=True)


def fitting(widths: Sequence[int], room: int) -> list[int]:
    """The widths that columns get in a line of `room` characters (0 = any number); 0 for a column that has no room.

    The first column is always there and whole. A column that does not fit is left out, and a later one that does may
    take its place; the last of all, mostly a sentence, is cut to what is left where that is enough for a few words.
    """
    given: list[int] = []
    for place, wanted in enumerate(widths):
        left = room - sum(size + len(_GAP) for size in given if size)
        if not room or place == 0 or wanted <= left:
            given.append(wanted)
        elif place == len(widths) - 1 and left >= _LEAST:
            given.append(left)
        else:
            given.append(0)
    return given


def _cut(text: str, size: int) -> str:
    """The text in at most `size` characters: a path keeps its end, a sentence its beginning."""
    if len(text) <= size:
        return text
    return f"…{text[1 - size :]}" if "/" in text and " " not in text else f"{text[: size - 1]}…"
