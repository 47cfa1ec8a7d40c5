"""The columns of a table, described in Markdown for the documentation."""

from __future__ import annotations

from collections.abc import Sequence

from benchmark.tables.column import Column, Row
from benchmark.tables.markdown_table import markdown_table

_DOCS: tuple[Column[Column], ...] = (
    Column("column in the CSV", lambda column: ", ".join(f"`{name}`" for name in column.stored_names)),
    Column("heading", lambda column: column.title),
    Column("unit", lambda column: column.unit),
    Column("meaning", lambda column: column.about),
)


def described(title: str, columns: Sequence[Column[Row]]) -> str:
    """A table with a line for each column."""
    return "\n".join([f"### {title}", "", *markdown_table(_DOCS, columns)])
