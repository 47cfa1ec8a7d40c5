"""What the boards of published figures mix: the part of docs/boards.md that is made from published.csv.

A board is what is usually printed as one table: all published figures of one dataset, split and degradation. Two of its
rows may be compared only where both were computed under one known convention.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchmark.leaderboard.published import UNKNOWN, PublishedFigure
from benchmark.tables.column import Column
from benchmark.tables.markdown_table import markdown_table

Board = tuple[str, str, str]  # dataset, split, degradation


@dataclass(frozen=True)
class Mixture:
    """What one board mixes.

    Attributes:
        rows: its figures. psnr, ssim: convention -> rows; for SSIM only those that have one.
        differing: pairs of rows under two known conventions of PSNR, or of which one alone is an ensemble's.
        doubtful: pairs of which at least one row's convention is unknown.
    """

    rows: tuple[PublishedFigure, ...]
    psnr: Mapping[str, int]
    ssim: Mapping[str, int]
    differing: int
    doubtful: int

    @property
    def mixed(self) -> bool:
        """Whether two rows stand under different conventions, or one of them may."""
        return bool(self.differing or self.doubtful)


def boards(figures: Iterable[PublishedFigure]) -> dict[Board, list[PublishedFigure]]:
    """The figures by dataset, split and degradation, in the order of the names; boards of one row are left out."""
    rows: dict[Board, list[PublishedFigure]] = {}
    for row in figures:
        rows.setdefault((row.dataset, row.split, row.degradation), []).append(row)
    return {name: rows[name] for name in sorted(rows) if len(rows[name]) > 1}


def mixture(rows: Sequence[PublishedFigure]) -> Mixture:
    """What the rows of one board mix."""
    kinds = Counter((row.psnr_convention, row.ensemble) for row in rows)
    unknown = sum(count for (convention, _), count in kinds.items() if convention == UNKNOWN)
    known = [count for (convention, _), count in kinds.items() if convention != UNKNOWN]
    certain = sum(known)
    return Mixture(
        tuple(rows),
        Counter(row.psnr_convention for row in rows),
        Counter(row.ssim_convention for row in rows if row.ssim is not None),
        differing=_pairs(certain) - sum(map(_pairs, known)),
        doubtful=_pairs(len(rows)) - _pairs(certain) if unknown else 0,
    )


def _pairs(n: int) -> int:
    return n * (n - 1) // 2


def flagged(figures: Iterable[PublishedFigure]) -> dict[Board, Mixture]:
    """Boards of which two rows stand under different conventions, or of which that cannot be ruled out."""
    mixtures = {name: mixture(rows) for name, rows in boards(figures).items()}
    return {name: mixed for name, mixed in mixtures.items() if mixed.mixed}


def reported_differently(figures: Sequence[PublishedFigure]) -> list[PublishedFigure]:
    """Figures of one method on one board for which sources give different values, side by side."""
    values: dict[tuple[str, ...], set[tuple[float, float | None]]] = {}
    for row in figures:
        values.setdefault(row.key, set()).add((row.psnr, row.ssim))
    return sorted((row for row in figures if len(values[row.key]) > 1), key=lambda row: (row.key[1:], row.key[0]))


def _counted(conventions: Mapping[str, int]) -> str:
    ordered = sorted(conventions.items(), key=lambda pair: (pair[0] == UNKNOWN, -pair[1], pair[0]))
    return ", ".join(f"{name} {count}" for name, count in ordered)


BOARDS: tuple[Column[tuple[Board, Mixture]], ...] = (
    Column("board", lambda row: " · ".join(row[0])),
    Column("rows", lambda row: len(row[1].rows)),
    Column("PSNR under", lambda row: _counted(row[1].psnr)),
    Column("SSIM under", lambda row: _counted(row[1].ssim)),
    Column("x8", lambda row: sum(figure.ensemble for figure in row[1].rows)),
    Column("second hand", lambda row: sum(figure.second_hand for figure in row[1].rows)),
    Column("pairs that differ", lambda row: row[1].differing),
    Column("of unknown", lambda row: row[1].doubtful),
)
TWICE: tuple[Column[PublishedFigure], ...] = (
    Column("method", lambda figure: figure.variant),
    Column("board", lambda figure: " · ".join(figure.key[1:])),
    Column("PSNR", lambda figure: f"{figure.psnr:g}"),
    Column("SSIM", lambda figure: None if figure.ssim is None else f"{figure.ssim:g}"),
    Column("PSNR under", lambda figure: figure.psnr_convention),
    Column("source", lambda figure: f"{figure.citation}{f': {figure.note}' if figure.note else ''}"),
)


def described(figures: Sequence[PublishedFigure]) -> str:
    """The generated part of the page, in Markdown."""
    all_boards, mixed = boards(figures), flagged(figures)
    certain = sum(bool(each.differing) for each in mixed.values())
    lines = [
        f"{len(figures)} published figures stand on {len(all_boards)} boards of two rows or more; {len(mixed)} of them "
        f"mix conventions or may, {certain} for certain.",
        "",
        *markdown_table(BOARDS, mixed.items()),
        "",
        "## Figures that sources tell differently",
        "",
        *markdown_table(TWICE, reported_differently(figures)),
    ]
    return "\n".join(lines)
