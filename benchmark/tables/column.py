"""What a table is made of: columns that say how a row's value is read, named, stored and shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from benchmark.tables.formats import AS_IS, Format

Row = TypeVar("Row")


@dataclass(frozen=True)
class Column(Generic[Row]):
    """One column of a table whose rows are of one type.

    A value that is more than one number, such as a mean with its interval, is one cell for people and several
    columns of a CSV; its format says which.

    Attributes:
        name: in CSV and JSON; unique in its table. read: a row's value; None = an empty cell.
        title: heading for people; '' = the name. unit: of the value; '' = none. about: what it means, for the docs.
        format: how the value is stored and shown.
        shown: the cell for people where it says more, or less, than the value; None = the format's text.
    """

    name: str
    read: Callable[[Row], Any]
    title: str = ""
    format: Format = AS_IS
    unit: str = ""
    about: str = ""
    shown: Callable[[Row], str] | None = None

    @property
    def heading(self) -> str:
        """The title, or the name where it has none."""
        return self.title or self.name

    @property
    def stored_names(self) -> list[str]:
        """Its columns in CSV and JSON."""
        return [self.name + suffix for suffix in self.format.suffixes]

    def cell_text(self, row: Row) -> str:
        """The cell for people."""
        return self.shown(row) if self.shown else self.format.text(self.read(row))

    def stored_values(self, row: Row) -> list[Any]:
        """Plain values in the order of `stored_names`; None where there is none."""
        return list(self.format.parts(self.read(row)))


def pick(columns: Iterable[Column[Row]], names: str) -> tuple[Column[Row], ...]:
    """The columns of these names, with spaces between them, in the order of the names."""
    by_name = {column.name: column for column in columns}
    return tuple(by_name[name] for name in names.split())


def stored_names(columns: Iterable[Column[Row]]) -> list[str]:
    """The header of a CSV, and the keys of a JSON object."""
    return [name for column in columns for name in column.stored_names]


def headings(columns: Iterable[Column[Row]]) -> list[str]:
    """The header of a table for people."""
    return [column.heading for column in columns]


def cell_texts(columns: Sequence[Column[Row]], rows: Iterable[Row]) -> list[list[str]]:
    """The cells of a table for people, row by row."""
    return [[column.cell_text(row) for column in columns] for row in rows]


def plain_values(columns: Sequence[Column[Row]], rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Each row as a JSON object: unrounded values by the names of the CSV's columns."""
    names = stored_names(columns)
    every = ([value for column in columns for value in column.stored_values(row)] for row in rows)
    return [dict(zip(names, values, strict=True)) for values in every]
