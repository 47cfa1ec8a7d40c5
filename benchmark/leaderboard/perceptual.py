"""The columns of perceptual distances in the leaderboard, with marks for the lowest and the second lowest mean."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from benchmark.leaderboard.rows import BoardRow
from benchmark.leaderboard.standings import rank
from benchmark.scoring.perceptual.definition import PERCEPTUAL
from benchmark.tables.column import Column
from benchmark.tables.formats import WithInterval

if TYPE_CHECKING:
    from benchmark.scoring.statistics import Interval

MARKS = {1: "best", 2: "second"}
_STORED = ".6g"


def stored(name: str) -> str:
    """The name of a convention in the header of a CSV."""
    return name.replace("-", "_")


def marked(text: str, rank: int) -> str:
    """A figure with the word for its rank."""
    return f"{text} ({MARKS[rank]})" if text and rank in MARKS else text


def columns(names: Iterable[str]) -> tuple[Column[BoardRow], ...]:
    """A column for each convention; its cell for people says which row is best and which second."""
    return tuple(map(_column, names))


def gap_columns(names: Iterable[str]) -> tuple[Column[BoardRow], ...]:
    """A column for each convention with the paired difference to the best row."""
    return tuple(map(_gap, names))


def _column(name: str) -> Column[BoardRow]:
    form = WithInterval(f".{PERCEPTUAL[name].digits}f", _STORED)

    def read(row: BoardRow) -> Interval | None:
        found = row.record.perceptual.get(name)
        return found.value if found else None

    def shown(row: BoardRow) -> str:
        return marked(form.text(read(row)), rank(row.standings, name))

    about = f"mean {PERCEPTUAL[name].title} over images, lower is better, with its 95 % interval"
    return Column(stored(name), read, f"{PERCEPTUAL[name].title} ↓", form, about=about, shown=shown)


def _gap(name: str) -> Column[BoardRow]:
    form = WithInterval(f"+.{PERCEPTUAL[name].digits}f", _STORED)

    def read(row: BoardRow) -> Interval | None:
        standing = row.standings.get(name)
        return standing.gap if standing else None

    def shown(row: BoardRow) -> str:
        return form.text(read(row)) or ("best" if rank(row.standings, name) == 1 else "")

    title = f"{PERCEPTUAL[name].title} minus best"
    about = "paired difference to the row with the lowest mean on the same images, with its 95 % interval"
    return Column(f"minus_best_{stored(name)}", read, title, form, about=about, shown=shown)
