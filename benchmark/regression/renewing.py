"""Rewriting the baseline: the figures, and the spread of each over the variations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmark import environment
from benchmark.progress import Report
from benchmark.regression.baseline import MOST, Baseline, Figure, read, tolerance, write
from benchmark.regression.images import sets
from benchmark.regression.measuring import Key, Measured, Row, measure, measured_apart, rows
from benchmark.regression.variations import VARIATIONS, Variation
from benchmark.tables.column import Column
from benchmark.tables.formats import Number
from datasets.core.errors import UserError


@dataclass(frozen=True)
class LargestShift:
    """How far one variation moved a PSNR (in dB) and an SSIM at most, and in which row, dataset and convention."""

    variation: str
    psnr: float
    psnr_place: str
    ssim: float
    ssim_place: str


COLUMNS: tuple[Column[LargestShift], ...] = (
    Column("variation", lambda s: s.variation),
    Column("PSNR moves by at most (dB)", lambda s: s.psnr, format=Number(".1e")),
    Column("PSNR in", lambda s: s.psnr_place, "in"),
    Column("SSIM moves by at most", lambda s: s.ssim, format=Number(".1e")),
    Column("SSIM in", lambda s: s.ssim_place, "in"),
)


def _largest(shift: Mapping[Key, float], metric: str) -> tuple[float, str]:
    known = [(value, key) for key, value in shift.items() if key.metric == metric]
    if not known:  # nothing was measured: rows that are gone were left out
        return 0.0, ""
    size, key = max(known, key=lambda pair: pair[0])
    return size, f"{key.method}, {key.dataset}, {key.convention}" if size else ""


@dataclass(frozen=True)
class Spreads:
    """The figures as they are, and by how much each variation moved each of them (in dB for PSNR)."""

    plain: Measured
    shifts: Mapping[str, Mapping[Key, float]]

    def of(self, key: Key) -> float:
        """The largest change of one figure."""
        return max((shift[key] for shift in self.shifts.values()), default=0.0)

    def largest(self) -> list[LargestShift]:
        """For each variation the largest change of a PSNR and of an SSIM."""
        return [
            LargestShift(name, *_largest(shift, "PSNR"), *_largest(shift, "SSIM"))
            for name, shift in self.shifts.items()
        ]


def spreads(chosen: Sequence[Row], report: Report = None) -> Spreads:
    """Measure the rows as they are and under each variation. Raises UserError where a row fails."""
    shifts: dict[str, dict[Key, float]] = {}
    with TemporaryDirectory() as folder:
        data, out = sets(Path(folder) / "data"), Path(folder)
        plain = _sound(measure(chosen, data, out / "plain", report=report))
        for number, variation in enumerate(VARIATIONS):
            if variation.environment:
                varied = measured_apart(chosen, variation)
            else:
                varied = measure(chosen, data, out / str(number), variation, report)
            moved = _sound(varied, variation).figures
            if moved.keys() != plain.figures.keys():
                raise UserError(
                    "The rows or images changed while the spread was measured; give the same command again."
                )
            # equal figures first: the difference of two infinities is no number
            shifts[variation.name] = {k: 0.0 if moved[k] == v else abs(moved[k] - v) for k, v in plain.figures.items()}
            if report:
                report("measure the spread", number + 1, len(VARIATIONS))
    return Spreads(plain, shifts)


def _sound(measured: Measured, variation: Variation | None = None) -> Measured:
    """The same, where every row ran. Raises UserError for the first that failed."""
    under = f" with {variation.name}" if variation else ""
    for (method, weights, dataset), why in measured.failed.items():
        raise UserError(
            f"The spread cannot be measured: {Row(method, weights).title} failed on {dataset or 'all'}{under}: {why}"
        )
    return measured


def renew(names: Sequence[str], path: Path, reason: str, report: Report = None, only_new: bool = False) -> Spreads:
    """Measure and write; of a baseline that is there the figures of other methods and the history stay.

    Args:
        names: methods and reference rows, or ("all",). reason: why the figures changed; kept in the file.
        only_new: measure only rows (weights, mostly) of which the baseline has no figure, and leave out those that are
            there no more; the others stay.
    Raises:
        UserError: a row fails; a baseline that cannot be used; a figure's spread is so large that its tolerance would
            hide a change of 0.02 dB; `only_new` where no row is new.
    """
    before, gone = read(path) if path.exists() else Baseline({}), set[tuple[str, str]]()
    chosen = rows(names)
    if only_new:
        known = {(key.method, key.weights) for key in before.figures}
        there = {(row.method, row.weights) for row in chosen}
        gone = {row for row in known - there if "all" in names or row[0] in names}
        chosen = [row for row in chosen if (row.method, row.weights) not in known]
        kept = {key: f for key, f in before.figures.items() if (key.method, key.weights) not in gone}
        if not chosen and not gone:
            raise UserError(f"Nothing was measured: {path} has figures of every row that was asked for.")
    else:
        kept = {} if "all" in names else {k: f for k, f in before.figures.items() if k.method not in names}
    measured = spreads(chosen, report)
    new = {key: _figure(key, value, measured) for key, value in measured.plain.figures.items()}
    if not new and not (only_new and gone):  # none of them does a set of the check
        raise UserError(f"Nothing was written: no set of the check suits {', '.join(row.title for row in chosen)}.")
    measured_rows = {(key.method, key.weights) for key in new}
    told = [row.title for row in chosen if (row.method, row.weights) in measured_rows] if only_new else names
    told = [*told, *(f"without {' '.join(filter(None, row))}" for row in sorted(gone))]
    write(path, Baseline({**kept, **new}, (*before.history, _story(told, reason))))
    return measured


def _story(names: Sequence[str], reason: str) -> str:
    """One line: when, on what, which rows, why."""
    machine = environment.describe(environment.device("cpu"))
    parts = (
        f"{datetime.now(UTC):%Y-%m-%d}",
        f"commit {environment.commit()[:12] or 'unknown'}",
        f"torch {environment.versions().get('torch', 'unknown')} on {machine}",
        "all rows" if "all" in names else f"rows {' '.join(names)}",
    )
    return f"{', '.join(parts)}: {' '.join(reason.split())}"


def _figure(key: Key, value: float, measured: Spreads) -> Figure:
    spread = measured.of(key)
    allowed = tolerance(key.metric, spread)
    if allowed > MOST[key.metric]:
        raise UserError(
            f"No baseline was written: the {key.metric} of {' '.join(filter(None, key[:5]))} moves by {spread:.1e} "
            f"under harmless variations, which needs a tolerance above {MOST[key.metric]:g}; make the figure steadier."
        )
    return Figure(value, spread, allowed, measured.plain.outputs[key])
