"""Tables for a page whose script shows and sorts them: text for people and a value to sort by, for each cell."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from benchmark.tables.column import Column, Row


def page_table(columns: Sequence[Column[Row]], rows: Iterable[Row]) -> dict[str, Any]:
    """Columns and rows as JSON values.

    Returns:
        ``columns``: name, title, unit and about of each. ``rows``: of each row its ``texts``, as people see them, and
        its ``values`` to sort by: a number, text, or None for an empty cell; infinities are ``inf`` and ``-inf``.
    """
    heads = [{"name": c.name, "title": c.heading, "unit": c.unit, "about": c.about} for c in columns]
    lines = [
        {"texts": [c.cell_text(row) for c in columns], "values": [sort_value(c, row) for c in columns]} for row in rows
    ]
    return {"columns": heads, "rows": lines}


def sort_value(column: Column[Row], row: Row) -> float | str | None:
    """What a cell is sorted by: the first part of its value."""
    return json_value(column.format.parts(column.read(row))[0])


def json_value(value: Any) -> float | str | None:
    """A value as JSON has it: None for NaN, words for infinities, text for what is no number."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, (int, float)):
        if math.isnan(value):
            return None
        return value if math.isfinite(value) else f"{value}"
    return str(value)
