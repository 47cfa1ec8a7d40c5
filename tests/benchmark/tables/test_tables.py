"""Columns over typed rows, and what the three writers make of them."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import dataclass

import pytest

from benchmark.console import Console
from benchmark.scoring.statistics import Interval, Spread, spread
from benchmark.tables.column import Column, pick, plain_values, stored_names
from benchmark.tables.csv_table import csv_table
from benchmark.tables.formats import AS_IS, Number, WithInterval, WithSpread
from benchmark.tables.markdown_table import markdown_table


@dataclass(frozen=True)
class Fruit:
    name: str
    weight: Interval | None = None
    pips: int | None = None


COLUMNS: tuple[Column[Fruit], ...] = (
    Column("name", lambda fruit: fruit.name),
    Column("weight", lambda fruit: fruit.weight, "weight (g)", WithInterval(".1f", ".3f"), "g"),
    Column("pips", lambda fruit: fruit.pips, format=Number(","), shown=lambda fruit: f"{fruit.pips or 'no'} pips"),
)


def interval(mean: float, low: float | None = None, high: float | None = None) -> Interval:
    return Interval(mean, low, high, "none" if low is None else "t", "", 3, 3)


ROWS = (Fruit("apple|pear", interval(150.25, 140, 160.5), 5), Fruit("plum", interval(30)), Fruit("void"))


def test_markdown_shows_one_cell_and_escapes() -> None:
    assert markdown_table(COLUMNS, ROWS) == [
        "| name | weight (g) | pips |",
        "|---|---|---|",
        "| apple\\|pear | 150.2 [140.0, 160.5] | 5 pips |",
        "| plum | 30.0 | no pips |",
        "| void |  | no pips |",
    ]


def test_csv_stores_the_parts_by_name() -> None:
    text = csv_table(COLUMNS, ROWS)
    assert text.splitlines()[0] == "name,weight,weight_low,weight_high,pips" == ",".join(stored_names(COLUMNS))
    assert text.splitlines()[1:] == ["apple|pear,150.250,140,160.500,5", "plum,30,,,", "void,,,,"]
    assert "\r" not in text and len(list(csv.DictReader(io.StringIO(text)))) == 3


def test_json_has_the_values_unrounded() -> None:
    out = io.StringIO()
    Console(out=out, as_json=True).emit(plain_values(COLUMNS, ROWS))
    assert json.loads(out.getvalue())[0] == {
        "name": "apple|pear",
        "weight": 150.25,
        "weight_low": 140,
        "weight_high": 160.5,
        "pips": 5,
    }


def test_a_pipe_gets_tabs() -> None:
    out = io.StringIO()
    Console(out=out).show("fruit", pick(COLUMNS, "pips name"), [Fruit("a\nb")])
    assert out.getvalue() == "# fruit\npips\tname\nno pips\ta b\n"


def test_picked_columns_are_those_of_the_list() -> None:
    assert pick(COLUMNS, "pips name") == (COLUMNS[2], COLUMNS[0])
    with pytest.raises(KeyError):
        pick(COLUMNS, "pip")


@pytest.mark.parametrize(
    ("format", "value", "text", "stored"),
    [
        (AS_IS, None, "", [""]),
        (AS_IS, 0, "0", ["0"]),
        (Number(".2f", ".4f"), 1 / 3, "0.33", ["0.3333"]),
        (Number(".2f", ".4f"), math.nan, "", [""]),
        (Number(".2f", ".4f"), math.inf, "inf", ["inf"]),
        (Number("+.2f"), -0.004, "-0.00", ["-0.004"]),
        (Number(",", show_zero=False), 0, "", ["0"]),
        (Number(",", show_zero=False), 12345, "12,345", ["12345"]),
        (Number(".1f", per=1e6), 72_100_000, "72.1", ["72100000"]),
        (
            WithInterval("+.2f", ".4f"),
            interval(-0.3, -0.5, 0.1),
            "-0.30 [-0.50, +0.10]",
            ["-0.3000", "-0.5000", "0.1000"],
        ),
        (WithInterval("+.2f", ".4f"), interval(math.nan), "", ["", "", ""]),
        (WithSpread(".2f", ".6g"), Spread(36.268, 0.014), "36.27 ± 0.01", ["36.268", "0.014"]),
        (WithSpread(".2f", ".6g"), Spread(36.268, None), "36.27", ["36.268", ""]),
        (WithSpread(".2f", ".6g"), None, "", ["", ""]),
    ],
)
def test_formats(format, value, text: str, stored: list[str]) -> None:
    assert format.text(value) == text
    assert [format.stored(part) for part in format.parts(value)] == stored
    assert len(stored) == len(format.suffixes)


def test_a_spread_needs_every_seed() -> None:
    assert spread([1.0, 2.0]) == Spread(1.5, pytest.approx(0.5**0.5))
    assert spread([1.0]) == Spread(1.0, None)
    assert spread([]) is None and spread([1.0, math.inf]) is None and spread([math.nan, 1.0]) is None
