"""Tables in Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from benchmark.tables.column import Column, Row, cell_texts, headings
from datasets.core.names import printable

_TAG = re.compile(r"<(?=[A-Za-z/!?])")


def markdown_table(columns: Sequence[Column[Row]], rows: Iterable[Row]) -> list[str]:
    """The lines of a pipe table."""
    return pipe_table(headings(columns), cell_texts(columns, rows))


def pipe_table(heads: Sequence[str], cells: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a pipe table whose columns are only known when it is made, such as a column per convention."""
    body = ["| " + " | ".join(map(markdown_cell, line)) + " |" for line in cells]
    return ["| " + " | ".join(map(markdown_cell, heads)) + " |", "|" + "---|" * len(heads), *body]


def markdown_cell(text: str) -> str:
    """Text for a cell of a pipe table: as `markdown_text`, and no column begins in it."""
    return markdown_text(text).replace("|", "\\|")


def markdown_text(text: str) -> str:
    """Text for a line of a page that stays one and is only text: no HTML, no link and no image begins in it."""
    return _TAG.sub("&lt;", printable(text).replace("\n", " ").replace("](", "]\\("))
