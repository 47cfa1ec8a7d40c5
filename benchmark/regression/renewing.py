"""Writing the baseline anew: the figures, and the spread of each over the variations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmark import environment
from benchmark.cell import Report
from benchmark.regression.baseline import MOST, Baseline, Figure, read, tolerance, write
from benchmark.regression.images import sets
from benchmark.regression.measuring import Key, Measured, Row, measure, measured_apart, rows
from benchmark.regression.variations import VARIATIONS, Variation
from datasets.ops.errors import UserError


@dataclass(frozen=True)
class Spreads:
    """The figures as they are, and by how much each variation moved each of them (in dB for PSNR)."""

    plain: Measured
    shifts: Mapping[str, Mapping[Key, float]]

    def of(self, key: Key) -> float:
        """The largest change of one figure."""
        return max((shift[key] for shift in self.shifts.values()), default=0.0)

    def table(self) -> list[tuple[str, ...]]:
        """For each variation the largest change of a PSNR and of an SSIM, and where: the lines of SPREAD_COLUMNS."""
        return [(name, *_worst(shift, "PSNR"), *_worst(shift, "SSIM")) for name, shift in self.shifts.items()]


SPREAD_COLUMNS = ("variation", "PSNR moves by at most (dB)", "in", "SSIM moves by at most", "in")


def _worst(shift: Mapping[Key, float], metric: str) -> tuple[str, str]:
    mine = {key: value for key, value in shift.items() if key.metric == metric}
    key = max(mine, key=lambda each: mine[each])
    return f"{mine[key]:.1e}", f"{key.method}, {key.dataset}, {key.convention}" if mine[key] else ""


def spreads(names: Sequence[str], report: Report = None) -> Spreads:
    """Measure the rows as they are and under each variation. Raises UserError where a row fails."""
    chosen, shifts = rows(names), {}
    with TemporaryDirectory() as folder:
        data, out = sets(Path(folder) / "data"), Path(folder)
        plain = _sound(measure(chosen, data, out / "plain", report=report))
        for number, variation in enumerate(VARIATIONS):
            if variation.environment:
                found = measured_apart(chosen, variation)
            else:
                found = measure(chosen, data, out / str(number), variation, report)
            shifts[variation.name] = _shifts(plain, _sound(found, variation))
            if report:
                report("measure the spread", number + 1, len(VARIATIONS))
    return Spreads(plain, shifts)


def _sound(found: Measured, variation: Variation | None = None) -> Measured:
    under = f" with {variation.name}" if variation else ""
    for (method, weights, dataset), why in found.failed.items():
        raise UserError(
            f"The spread cannot be measured: {Row(method, weights).title} failed on {dataset or 'all'}{under}: {why}"
        )
    return found


def _shifts(plain: Measured, found: Measured) -> dict[Key, float]:
    if found.figures.keys() != plain.figures.keys():
        raise UserError("The rows or images changed while the spread was measured; give the same command again.")
    return {key: 0.0 if found.figures[key] == v else abs(found.figures[key] - v) for key, v in plain.figures.items()}


def renew(names: Sequence[str], path: Path, reason: str, report: Report = None) -> Spreads:
    """Measure and write; of a baseline that is there the figures of other methods and the history stay.

    Args:
        names: methods and reference rows, or ("all",). reason: why the figures changed; kept in the file.
    Raises:
        UserError: a row fails; a baseline that cannot be used; a figure's spread is so large that its tolerance would
            hide a change of 0.02 dB.
    """
    before = read(path) if path.exists() else Baseline({})
    found = spreads(names, report)
    kept = {} if "all" in names else {k: f for k, f in before.figures.items() if k.method not in names}
    new = {key: _figure(key, value, found) for key, value in found.plain.figures.items()}
    write(path, Baseline({**kept, **new}, (*before.history, _story(names, reason))))
    return found


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


def _figure(key: Key, value: float, found: Spreads) -> Figure:
    spread = found.of(key)
    allowed = tolerance(key.metric, spread)
    if allowed > MOST[key.metric]:
        raise UserError(
            f"No baseline was written: the {key.metric} of {' '.join(filter(None, key[:5]))} moves by {spread:.1e} "
            f"under harmless variations, which needs a tolerance above {MOST[key.metric]:g}; make the figure steadier."
        )
    return Figure(value, spread, allowed, found.plain.outputs[key])
