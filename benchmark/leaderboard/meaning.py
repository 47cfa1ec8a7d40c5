"""What a table says, in a sentence or two, and what to do next: the last lines of a run."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from benchmark.leaderboard.columns import label
from benchmark.leaderboard.render import first_lines, groups
from benchmark.leaderboard.rows import BoardRow
from benchmark.records.cell import BASELINES

Board = Sequence[BoardRow]


def meaning(board: Board, shown: Collection[str] | None = None) -> list[str]:
    """A sentence for each dataset and split: who leads, by how much over the best plain bar, and who is level with it.

    A difference whose interval holds 0 is none; where there is no interval the sentence gives no verdict.

    Args:
        shown: ids of the records of the table above it; a leader that is none of them is said to be an earlier one.
    """
    return [sentence for title, rows in groups(board) if (sentence := _of_one(title, first_lines(rows), shown))]


def _of_one(title: str, rows: Board, shown: Collection[str] | None) -> str:
    done = [row for row in rows if row.is_done and row.psnr]
    best = next((row for row in done if row.is_best), None)
    if best is None or best.psnr is None:
        return ""
    earlier = shown is not None and best.record.id not in shown
    leader = f"{label(best)}, of an earlier run," if earlier else label(best)
    head = f"{title}: {leader} leads with {best.psnr.mean:.2f} dB"
    bars = [row for row in done if row.record.cell.method in BASELINES and row is not best and row.gap]
    bar = max(bars, key=lambda row: row.psnr.mean if row.psnr else 0.0, default=None)
    gaps = [(row, row.gap.psnr) for row in done if row not in bars and row.gap]
    # Rows whose difference to the best one may be nothing.
    level = [label(row) for row, gap in gaps if gap is not None and gap.high is not None and gap.high >= 0]
    return "; ".join([head + _above(best, bar), *([f"level with it: {', '.join(level)}"] if level else [])]) + "."


def _above(best: BoardRow, bar: BoardRow | None) -> str:
    """How far the best row is above the best plain bar."""
    gap = bar.gap.psnr if bar is not None and bar.gap else None
    if bar is None or gap is None:
        return "" if best.record.cell.method not in BASELINES else ", so no method beats doing it plainly"
    text = f", {-gap.mean:.2f} dB above {bar.record.cell.method}"
    if gap.low is None or gap.high is None:
        return f"{text} (no interval: {gap.reason or 'too few scenes'})"
    doubt = ", which may be chance" if gap.high > 0 else ""
    return f"{text} [{-gap.high:.2f}, {-gap.low:.2f}]{doubt}"


def next_steps(board: Board, results: Path, where: str = "") -> Iterator[str]:
    """Sentences on what to do with the table: compare its rows, and where its files are.

    Args:
        where: the option that names the results folder, '' for the one that commands take by themselves.
    """
    done = [row for row in first_lines(board) if row.is_done and row.psnr]
    data = done[0].record.cell.data.name if done else ""
    rows = [row for row in done if row.record.cell.data.name == data and row.psnr]
    ranked = sorted(rows, key=lambda row: row.psnr.mean if row.psnr else 0.0, reverse=True)
    names = list(dict.fromkeys(row.record.cell.method for row in ranked))[:2]
    if len(names) == 2:
        only = f" --dataset {data}" if len({row.record.cell.data.name for row in done}) > 1 else ""
        yield f"Is it really better? python -m benchmark leaderboard --compare {names[0]} {names[1]}{only}{where}"
    yield f"All columns: {results / 'leaderboard.md'} (and .csv); scores of each image: {results / 'runs'}/<cell>."
