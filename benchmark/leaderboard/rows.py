"""Records -> rows of the leaderboard: one per cell and convention, beside what the papers print."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from benchmark.leaderboard.published import PublishedFigure, caveats, conventions_agree, find_published
from benchmark.leaderboard.standings import Standing, standings
from benchmark.leaderboard.vs_best import GapToBest, gaps_to_best
from benchmark.records.cell import BASELINES, NO_WEIGHTS
from benchmark.records.record import DONE, FAILED, Figures, Record
from methods.registry import METHODS

if TYPE_CHECKING:
    from benchmark.scoring.statistics import Interval

NO_FIGURE = "no published figure"
PAPER = "paper"  # the tier of recipes that follow the official code


@dataclass(frozen=True)
class BoardRow:
    """One record under one convention.

    Attributes:
        record: with everything that a row says of method, data, costs and settings. convention: '' for a record
            without figures.
        gap: to the best row on the same images; None where the row is alone.
        published: the paper's figure to show beside ours. delta_psnr, delta_ssim: ours minus theirs, where the
            conventions agree and no image is missing.
        caveats: why ours may not be compared with the paper's figure, the strongest reason first (see
            benchmark.leaderboard.published.caveats).
        standings: perceptual convention -> where the record stands under it.
    """

    record: Record
    convention: str = ""
    gap: GapToBest | None = None
    published: PublishedFigure | None = None
    delta_psnr: float | None = None
    delta_ssim: float | None = None
    caveats: tuple[str, ...] = ()
    standings: Mapping[str, Standing] = field(default_factory=dict)

    @property
    def figures(self) -> Figures | None:
        """The figures under the row's convention."""
        return self.record.figures.get(self.convention)

    @property
    def psnr(self) -> Interval | None:
        """In dB, with its interval."""
        return self.figures.psnr if self.figures else None

    @property
    def ssim(self) -> Interval | None:
        """None where the convention has none."""
        return self.figures.ssim if self.figures else None

    @property
    def is_done(self) -> bool:
        """Whether the cell ran to its end."""
        return self.record.status == DONE

    @property
    def is_best(self) -> bool:
        """Whether it is the best of several rows on the same images."""
        return self.gap is not None and self.gap.best == self.record.id

    @property
    def comparable(self) -> str:
        """``yes``, or why ours may not be compared with the paper's figure; the status of a record without figures."""
        if not self.figures:
            return self.record.status
        # Without `departures`: this is a column of the CSV, and programs read it as it always was.
        return "; ".join(self.caveats if self.published else (*self.caveats, NO_FIGURE)) or "yes"

    @property
    def reasons(self) -> list[str]:
        """Why the row is not the paper's, the strongest first: what it is made of comes before how it was scored."""
        return [reason for reason in (not_the_papers(self.record), *self.caveats) if reason]

    @property
    def verdict(self) -> str:
        """The reasons for people; ``yes`` where there are none, '' where no paper prints a figure to compare."""
        return "; ".join(self.reasons) or (self.comparable if self.published or not self.figures else "")

    @property
    def strongest(self) -> str:
        """The verdict with its first reason alone, for a narrow table."""
        return self.reasons[0] if self.reasons else self.verdict

    @property
    def has_difference(self) -> bool:
        """Whether the paper's figure may be subtracted from ours."""
        return self.delta_psnr is not None or self.delta_ssim is not None


def not_the_papers(record: Record) -> str:
    """In what a record is not the paper's, the strongest first, in a few words; '' where it is, or is a baseline."""
    if record.departures:
        return f"not the paper's {', '.join(record.departures)}"
    # records of earlier versions do not say more, nor do methods whose recipes are all adapted
    adapted = record.cell.recipe and record.tier not in ("", PAPER)
    return "not the paper's recipe" if adapted else ""


def board_rows(
    records: Iterable[Record],
    published: Iterable[PublishedFigure] | None = None,
    warn: Callable[[str], None] | None = None,
) -> list[BoardRow]:
    """One row per record and convention, one for a record without figures.

    Rows of one dataset and split stand together: baselines first, since every other row has to clear them; of one
    record the dataset's own convention first.

    Args:
        published: default: the figures that come with the project. warn: see benchmark.leaderboard.vs_best.
    """
    known = None if published is None else tuple(published)
    shown = _without_outdated(list(records))
    gaps, placed = gaps_to_best(shown, warn), standings(shown, warn)
    board = []
    for record in sorted(shown, key=_order):
        names = sorted(record.figures, key=lambda name: (name != record.data.convention, name))
        rows = [_row(record, name, gaps.get((record.id, name)), known) for name in names] or [BoardRow(record)]
        board += [replace(row, standings=placed.get(record.id, {})) for row in rows]
    return board


def _without_outdated(records: list[Record]) -> list[Record]:
    """Without the failures that are over: the row has run since, it failed again later, or its method is gone."""
    done = {row for record in records if record.status == DONE for row in (_row_of(record), _row_of(record, False))}
    last: dict[tuple[Any, ...], Record] = {}
    for record in records:
        row = _row_of(record)
        before = last.get(row)
        if record.status == FAILED and (not before or record.environment.started >= before.environment.started):
            last[row] = record
    known = {*METHODS.names(), *BASELINES}

    def over(record: Record) -> bool:
        # where weights were missing, the recipe is only the one that would have been trained
        missing = record.reason is not None and record.reason.code == NO_WEIGHTS
        row = _row_of(record, not missing)
        return row in done or last[_row_of(record)] is not record or record.cell.method not in known

    return [record for record in records if record.status != FAILED or not over(record)]


def _row_of(record: Record, with_recipe: bool = True) -> tuple[Any, ...]:
    """What a record is a row of, whatever the settings and the code."""
    cell = record.cell
    return cell.method, cell.seed, cell.data, cell.limit, *([cell.recipe] if with_recipe else [])


def _order(record: Record) -> tuple[Any, ...]:
    cell = record.cell
    place = BASELINES.index(cell.method) if cell.is_baseline else len(BASELINES)
    where = (cell.data.name, cell.data.split, cell.degradation)
    return *where, place, cell.method, cell.recipe, cell.weights, cell.seed, record.id


def _row(record: Record, name: str, gap: GapToBest | None, known: tuple[PublishedFigure, ...] | None) -> BoardRow:
    cell, partial = record.cell, record.data.partial
    # Joined here and not stored in the record: published.csv can grow or be corrected after a cell was measured.
    theirs = find_published(record.variant, cell.data.name, cell.data.split, cell.degradation, name, known)
    if theirs is None:
        return BoardRow(record, name, gap, caveats=(partial,) if partial else ())
    psnr_agrees, ssim_agrees = conventions_agree(theirs, name)
    ours = record.figures[name]
    delta_psnr = delta_ssim = None
    if psnr_agrees and not partial:
        delta_psnr = ours.psnr.mean - theirs.psnr
    if ssim_agrees and not partial and ours.ssim is not None and theirs.ssim is not None:
        delta_ssim = ours.ssim.mean - theirs.ssim
    reasons = caveats(theirs, name, ensemble=cell.inference.ensemble, partial=partial)
    return BoardRow(record, name, gap, theirs, delta_psnr, delta_ssim, tuple(reasons))
