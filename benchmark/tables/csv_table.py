"""Tables as CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

from benchmark.tables.column import Column, Row, stored_names
from datasets.core.names import printable

_FORMULA = re.compile(r"[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?inf")


def csv_table(columns: Sequence[Column[Row]], rows: Iterable[Row]) -> str:
    """The whole file with its header; lines end in a line feed on every system, so that the bytes are the same."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(stored_names(columns))
    for row in rows:
        writer.writerow(
            [csv_text(column.format.stored(part)) for column in columns for part in column.stored_values(row)],
        )
    return stream.getvalue()


def csv_text(text: str) -> str:
    """A cell that no spreadsheet takes for a formula: text that begins like one gets an apostrophe; numbers stay."""
    text = printable(text)
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text
