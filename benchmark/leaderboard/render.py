"""The leaderboard for people: a page in Markdown, tables for a terminal."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

from benchmark.leaderboard import perceptual
from benchmark.leaderboard.columns import COSTS, FIGURES, LABEL, ORIGINS, TERMINAL, label, remark
from benchmark.leaderboard.rows import BoardRow
from benchmark.leaderboard.standings import names_of
from benchmark.tables.column import Column
from benchmark.tables.markdown_table import markdown_table, markdown_text, pipe_table

if TYPE_CHECKING:
    from benchmark.console import Console

Board = Sequence[BoardRow]
_ABOUT = (
    "PSNR in dB. In brackets: 95 % intervals, clustered by scene. `minus best`: paired difference in PSNR to the best "
    "row, over the same images. `difference`: to the published figure. GMAC: 10⁹ multiply-accumulates for 256x256 "
    "pixels. ms/MP: wall time per 10⁶ input pixels. MB: peak memory of the device, or of the process on a CPU. "
    "`x8`: mean over 8 flips and rotations."
)


def groups(board: Board) -> Iterator[tuple[str, Board]]:
    """Title and rows of each dataset, split and degradation."""

    def split(row: BoardRow) -> tuple[str, str]:
        return row.record.cell.data.name, row.record.cell.data.split

    for (dataset, name), found in groupby(sorted(board, key=split), key=split):
        members = [(row.record.cell.degradation, row) for row in found]
        kinds = list(dict.fromkeys(kind for kind, _ in members if kind)) or [""]
        for kind in kinds:
            # a failed or skipped row may not know its degradation: it stands with the first
            rows = [row for own, row in members if (own or kinds[0]) == kind]
            yield " · ".join(part for part in (dataset, name, kind) if part), rows


def first_lines(board: Board) -> list[BoardRow]:
    """The first row of each record: the one under the dataset's own convention, where it was scored."""
    return [next(lines) for _, lines in groupby(board, key=lambda row: row.record.id)]


def shown_lines(board: Board) -> list[BoardRow]:
    """The first row of each record, and those under a paper's convention, where its figure is comparable to ours."""
    first = {id(row) for row in first_lines(board)}
    return [row for row in board if id(row) in first or row.has_difference]


def figure_columns(main: str) -> tuple[Column[BoardRow], ...]:
    """The columns of figures for a table under the convention `main`; a row under another one names it."""

    def method(row: BoardRow) -> str:
        name = row.record.cell.method
        return name if row.convention in (main, "") else f"{name} ({row.convention})"

    return replace(FIGURES[0], shown=method), *FIGURES[1:]


def leaderboard_page(board: Board) -> str:
    """The whole leaderboard as a Markdown page."""
    parts = ["# Leaderboard", "", _ABOUT, ""]
    for title, rows in groups(board):
        parts += [
            f"## {markdown_text(title)}",
            "",
            *_main_table(rows),
            *_perceptual(rows),
            *_matrix(rows),
            *_by_convention(rows),
            *_remarks(rows),
        ]
    if not board:
        parts += ["No records yet."]
    return "\n".join(parts).rstrip() + "\n"


def main_tables(board: Board, figures_only: bool = False) -> str:
    """One table per dataset and split under its own convention, for a page that shows the gist.

    figures_only: without the tables of costs and of distances, and without the remarks.
    """
    parts = []
    for title, rows in groups(board):
        main = _main_table(rows, figures_only)
        parts += [
            f"**{markdown_text(title)}**",
            "",
            *main,
            *([] if figures_only else [*_perceptual(rows), *_remarks(rows)]),
        ]
    return "\n".join(parts).strip()


def show_board(board: Board, console: Console, told: Collection[str] = ()) -> None:
    """Print the main tables, with a remark below them for each row that has no figures.

    Args:
        told: ids of records whose reason is told elsewhere.
    """
    for title, rows in groups(board):
        main = _convention(rows)
        method = figure_columns(main)[0]
        short = {"comparable": lambda row: row.strongest, "method": method.shown}  # the page has all of the reasons
        columns = [replace(column, shown=short.get(column.name, column.shown)) for column in TERMINAL]
        columns += perceptual.columns(names_of(row.record for row in rows))
        columns += COSTS[1:] if console.wide else ()
        console.show(f"{title} ({main})" if main else title, columns, shown_lines(rows))
        for row in first_lines(rows):
            if not row.is_done and row.record.id not in told:
                console.remark(f"{label(row)}: {row.record.status}: {remark(row)}")


def _convention(board: Board) -> str:
    """The convention of a table: that of its first row with figures."""
    return next((row.convention for row in first_lines(board) if row.convention), "")


def _main_table(board: Board, figures_only: bool = False) -> list[str]:
    done = [row for row in shown_lines(board) if row.is_done]
    if not done:
        return []
    main = _convention(done)
    tables = [*markdown_table(figure_columns(main), done), ""]
    if figures_only:
        return [f"Convention: `{markdown_text(main)}`", "", *tables]
    tables += [*markdown_table(COSTS, first_lines(done)), ""]
    if origins := [row for row in first_lines(done) if row.record.cell.origin]:
        tables += [*markdown_table(ORIGINS, origins), ""]
    return [f"Convention: `{markdown_text(main)}`", "", *tables]


def _perceptual(board: Board) -> list[str]:
    """The perceptual distances of the rows, where any has one, and what each of them is."""
    rows = [row for row in first_lines(board) if row.record.perceptual]
    names = names_of(row.record for row in rows)
    if not names:
        return []
    columns = (LABEL, *perceptual.columns(names), *perceptual.gap_columns(names))
    lines = [
        f"- `{name}`: {markdown_text(text)}"
        for name in names
        for text in sorted({row.record.perceptual[name].definition for row in rows if name in row.record.perceptual})
    ]
    return ["Perceptual distances (lower is better):", "", *markdown_table(columns, rows), "", *lines, ""]


def _matrix(board: Board) -> list[str]:
    """A line per record, with PSNR and SSIM under each convention that is not the main one."""
    done = [row for row in board if row.convention]
    names = [name for name in dict.fromkeys(row.convention for row in done) if name != _convention(done)]
    if not names:
        return []
    lines = []
    for _, rows in groupby(done, key=lambda row: row.record.id):
        by_name = {row.convention: row for row in rows}
        first = next(iter(by_name.values()))
        lines.append([label(first), *(_both_means(by_name.get(name)) for name in names)])
    return ["Under the other conventions (PSNR / SSIM):", "", *pipe_table(("method", *names), lines), ""]


def _both_means(row: BoardRow | None) -> str:
    """Both means of a row, without their intervals: the matrix is wide."""
    if row is None:
        return ""
    psnr, ssim = (column.format.parts(column.read(row))[0] for column in FIGURES[2:4])
    return "" if psnr is None else f"{psnr:.2f}" + ("" if ssim is None else f" / {ssim:.4f}")


def _by_convention(board: Board) -> list[str]:
    """A folded table for each convention, with what the matrix has no room for."""
    done = [row for row in board if row.convention]
    if not done:
        return []
    lines = []
    for name in dict.fromkeys(row.convention for row in done):
        rows = [row for row in done if row.convention == name]
        lines += [f"`{markdown_text(name)}`", "", *markdown_table((LABEL, *FIGURES[2:]), rows), ""]
    summary = "<details><summary>Every convention, with intervals and differences</summary>"
    return [summary, "", *lines, "</details>", ""]


def _remarks(board: Board) -> list[str]:
    lines = []
    for row in first_lines(board):
        text = remark(row) if row.is_done else f"{row.record.status}: {remark(row)}"
        lines += [f"- {label(row)}: {text}"] if text else []
        if row.published:
            lines.append(f"- {label(row)}: published figure from {row.published.citation}")
    return [*map(markdown_text, dict.fromkeys(lines)), ""] if lines else []
