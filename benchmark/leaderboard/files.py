"""leaderboard.csv and leaderboard.md, from the records of a results folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from benchmark.leaderboard.columns import columns_of
from benchmark.leaderboard.render import leaderboard_page
from benchmark.leaderboard.rows import BoardRow, board_rows
from benchmark.records.files import read_records
from benchmark.records.record import Record
from benchmark.tables.csv_table import csv_table
from datasets.core.fault_points import fault_point
from datasets.core.files import write_bytes
from datasets.core.locks import writing_in_turn


def write_leaderboard(
    results: Path, records: Iterable[Record] | None = None, warn: Callable[[str], None] | None = None
) -> list[BoardRow]:
    """Write both files under `results`, each whole or not at all, from the records there.

    Args:
        records: default: every readable record under ``results/runs``. warn: called with a sentence for each one that
            cannot be read.
    Returns:
        the rows written.
    """
    board = board_rows(read_records(results, warn) if records is None else records, warn=warn)
    table, page = results / "leaderboard.csv", results / "leaderboard.md"
    with writing_in_turn(table, page):
        write_bytes(table, csv_table(columns_of(board), board).encode())
        fault_point("run.leaderboard")
        write_bytes(page, leaderboard_page(board).encode())
    return board
