"""The rows of the paper's table: figures as leaderboard.csv has them, and what of them may be marked as best."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import methods
from benchmark.leaderboard.compare import paired_estimate
from benchmark.leaderboard.contenders import Contender, contenders
from benchmark.paper.metrics import USUAL, Metric
from benchmark.paper.metrics import chosen as chosen_metrics
from benchmark.records.cell import BASELINES
from benchmark.records.record import Record
from benchmark.scoring.statistics import Spread, spread
from datasets.core.errors import UserError
from datasets.core.registry import unknown

BEST, SECOND = "best", "second"
_NAMES = {"input": "Input", "blur": "Gaussian blur", "nlm": "Non-local means"}


@dataclass(frozen=True)
class Entry:
    """One metric of one row on one set: mean over images, over seeds with their deviation; `mark`: BEST, SECOND, ''."""

    value: Spread
    mark: str = ""


@dataclass(frozen=True)
class ImageSet:
    """One column group of the table.

    Attributes:
        dataset, split, degradation: of the images. convention: under which they were scored. images, scenes: how many.
        rows: those that have figures there, by their names. entries: (row, metric) -> its entry.
    """

    dataset: str
    split: str
    degradation: str
    convention: str
    images: int
    scenes: int
    rows: tuple[Contender, ...]
    entries: dict[tuple[str, str], Entry]

    @property
    def title(self) -> str:
        """The images in words."""
        return " · ".join(part for part in (self.dataset, self.split, self.degradation) if part)


@dataclass(frozen=True)
class PaperRow:
    """One row of the table: its name, the method behind it, how many seeds it has at most, and what it costs."""

    name: str
    method: str
    seeds: int
    params: int | None
    gmacs: float | None


@dataclass(frozen=True)
class Paper:
    """All that the table shows, sets, rows and metrics in its order."""

    sets: tuple[ImageSet, ...]
    rows: tuple[PaperRow, ...]
    metrics: tuple[Metric, ...]


def paper(
    records: Iterable[Record],
    *,
    datasets: Sequence[str] = (),
    chosen: Sequence[str] = (),
    convention: str = "",
    columns: Sequence[str] = USUAL,
) -> Paper:
    """The table of some records.

    Args:
        datasets, chosen: only these datasets and these methods; () = all. convention: default: each dataset's own.
        columns: names of benchmark.paper.metrics.METRICS, in the order of the table.
    Raises:
        UserError: an unknown name, nothing left to show, or a column that no row has.
    """
    done, metrics = list(records), chosen_metrics(columns)
    _expect("dataset", datasets, {r.cell.data.name for r in done})
    _expect("method", chosen, {r.cell.method for r in done})
    found = []
    for rows in contenders(r for r in done if not datasets or r.cell.data.name in datasets).values():
        kept = [row for row in rows if not chosen or row.first.cell.method in chosen]
        name = convention or next((row.conventions[0] for row in kept if row.conventions), "")
        kept = [row for row in kept if name in row.conventions]
        if kept:
            found.append(_set(sorted(kept, key=_place), name, metrics))
    if not found:
        raise UserError("There is no finished row to put into a table: see `python -m benchmark leaderboard`.")
    measured = {metric for each in found for _, metric in each.entries}
    for name in (metric.name for metric in metrics if metric.lower and metric.name not in measured):
        raise UserError(f"No row has {name}: run the methods again with `--conventions {name}`.")
    if not any(metric.name in measured for metric in metrics):
        raise UserError(f"No row has {' or '.join(metric.name for metric in metrics)} under its set's convention.")
    found.sort(key=lambda each: (each.dataset, each.split, each.degradation))
    return Paper(tuple(found), tuple(_rows(found)), metrics)


def row_name(row: Contender) -> str:
    """What the paper calls a row: the method's title, and the recipe with what else tells it from others."""
    method = row.first.cell.method
    title = _NAMES.get(method) or (methods.title(method) if method in methods.names() else method)
    rest = row.label.removeprefix(method).strip()
    return f"{title} ({rest})" if rest else title


def stored(record: Record, convention: str, metric: Metric) -> float | None:
    """A mean as leaderboard.csv has it; None where the record has none."""
    value = metric.interval(record, convention)
    return float(format(value.mean, metric.stored)) if value else None


def _expect(kind: str, names: Sequence[str], known: set[str]) -> None:
    for name in names:
        if name not in known:
            raise unknown(kind, name, known)


def _set(rows: Sequence[Contender], convention: str, metrics: Sequence[Metric]) -> ImageSet:
    """PSNR and SSIM are always looked up: charts and crops show them."""
    cell, figures = rows[0].first.cell, rows[0].first.figures[convention]
    entries: dict[tuple[str, str], Entry] = {}
    for metric in dict.fromkeys([*chosen_metrics(USUAL), *metrics]):
        values = {}
        for row in rows:
            known = [value for record in row.records if (value := stored(record, convention, metric)) is not None]
            if len(known) == len(row.records):
                values[row_name(row)] = spread(known) or Spread(statistics.fmean(known), None)
        marks = _marks([row for row in rows if row_name(row) in values], convention, metric)
        entries |= {(name, metric.name): Entry(value, marks.get(name, "")) for name, value in values.items()}
    where = cell.data.name, cell.data.split, cell.degradation, convention
    return ImageSet(*where, figures.n, figures.scenes, tuple(rows), entries)


def _marks(rows: Sequence[Contender], convention: str, metric: Metric) -> dict[str, str]:
    """The best row and the second, each only where the paired interval separates it from the row behind it."""

    def mean(row: Contender) -> float:
        found = [value.mean for record in row.records if (value := metric.interval(record, convention))]
        return statistics.fmean(found)

    order = sorted(rows, key=mean, reverse=not metric.lower)
    if len(order) < 2 or not _separated(order[0], order[1], convention, metric):
        return {}
    marks = {row_name(order[0]): BEST}
    if len(order) == 2 or _separated(order[1], order[2], convention, metric):
        marks[row_name(order[1])] = SECOND
    return marks


def _separated(a: Contender, b: Contender, convention: str, metric: Metric) -> bool:
    first, second = (b, a) if metric.lower else (a, b)
    found = paired_estimate(first.scores, second.scores, metric.scores(convention))
    return found is not None and found[0].low is not None and found[0].low > 0


def _rows(sets: Sequence[ImageSet]) -> list[PaperRow]:
    """Every row of any set, each once."""
    by_name: dict[str, list[Contender]] = {}
    for row in sorted((row for each in sets for row in each.rows), key=_place):
        by_name.setdefault(row_name(row), []).append(row)
    shown = []
    for name, same in by_name.items():
        cell, costs = same[0].first.cell, same[0].first.costs
        seeds = max(len(row.records) for row in same)
        shown.append(PaperRow(name, cell.method, seeds, costs.params or None, costs.gmacs))
    return shown


def _place(row: Contender) -> tuple[int, str]:
    """Baselines first, then by name."""
    method = row.first.cell.method
    return (BASELINES.index(method) if method in BASELINES else len(BASELINES)), row_name(row).lower()
