"""Comparing what the rows give now with the baseline."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmark.progress import Report
from benchmark.regression.baseline import DIGITS, Baseline, command, read
from benchmark.regression.images import sets
from benchmark.regression.measuring import Key, Measured, Row, measure, rows
from benchmark.tables.column import Column


@dataclass(frozen=True)
class Change:
    """A figure that moved by more than its tolerance; `was` None = it is new, `now` None = it is gone."""

    key: Key
    was: float | None
    now: float | None
    tolerance: float | None

    @property
    def size(self) -> float:
        """In tolerances; a figure that is new or gone comes first."""
        if self.was is None or self.now is None or self.tolerance is None:
            return math.inf
        return abs(self.now - self.was) / self.tolerance


def _digits(change: Change, value: float | None) -> str:
    """Two digits fewer than the baseline holds: what moved by a tolerance shows, and the last bits do not."""
    return "" if value is None else f"{value:.{DIGITS[change.key.metric] - 2}f}"


COLUMNS: tuple[Column[Change], ...] = (
    Column("method", lambda c: c.key.method, "row", shown=lambda c: Row(*c.key[:2]).title),
    Column("weights", lambda c: c.key.weights),
    Column("dataset", lambda c: c.key.dataset),
    Column("image", lambda c: c.key.image),
    Column("convention", lambda c: c.key.convention),
    Column("metric", lambda c: c.key.metric),
    Column("was", lambda c: c.was, shown=lambda c: _digits(c, c.was)),
    Column("is", lambda c: c.now, shown=lambda c: _digits(c, c.now)),
    Column("tolerance", lambda c: c.tolerance, shown=lambda c: _digits(c, c.tolerance)),
)
MOVED = tuple(column for column in COLUMNS if column.name != "weights")  # the row's title names them


@dataclass
class Outcome:
    """The result of a check.

    Attributes:
        changes: figures that moved, largest first. problems: sentences on rows that failed, are missing or unknown.
        remarks: sentences that do not make it fail. compared: number of figures compared.
    """

    changes: list[Change] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    compared: int = 0

    @property
    def green(self) -> bool:
        """Whether nothing moved."""
        return not self.changes and not self.problems


def check(names: Sequence[str], path: Path, report: Report = None) -> Outcome:
    """Run the rows and compare them with the baseline.

    Args:
        names: methods and reference rows, or ("all",). path: of the baseline.
    Raises:
        UserError: an unknown name, a baseline that is missing or cannot be used.
    """
    before, chosen = read(path), rows(names)
    with TemporaryDirectory() as folder:
        measured = measure(chosen, sets(Path(folder) / "data"), Path(folder), report=report)
    return compared(before, measured, () if "all" in names else names)


def compared(before: Baseline, measured: Measured, methods: Collection[str] = ()) -> Outcome:
    """Compare figures with the baseline.

    Args:
        methods: names that were measured; () = all.
    """
    was = {key: figure for key, figure in before.figures.items() if not methods or key.method in methods}
    known, present = {key[:2] for key in was}, {key[:2] for key in measured.figures}
    excused = set(measured.failed)
    problems = []
    for (method, weights, dataset), why in measured.failed.items():
        problems.append(f"{Row(method, weights).title} failed{f' on {dataset}' if dataset else ''}: {why}")
    for row in sorted(known - present - {where[:2] for where in excused}):
        why = f"the weights {row[0]}/{row[1]} or their card are missing, or the method is not registered"
        problems.append(f"{Row(*row).title} is in the baseline, but {why if row[1] else 'there is no such row now'}.")
    for row in sorted(present - known):
        problems.append(f"{Row(*row).title} is not in the baseline; add it with: {command()}")
    both = {
        key: None
        for key in (*was, *measured.figures)
        if key[:2] in known & present and not {key[:3], (*key[:2], "")} & excused
    }
    changes = [change for key in both if (change := _change(key, before, measured))]
    same = [key for key in both if key in was and key in measured.figures]
    return Outcome(sorted(changes, key=lambda c: -c.size), problems, _remarks(before, measured, same), len(same))


def _change(key: Key, before: Baseline, measured: Measured) -> Change | None:
    figure, now = before.figures.get(key), measured.figures.get(key)
    if figure is None or now is None:
        return Change(key, figure.value if figure else None, now, figure.tolerance if figure else None)
    close = now == figure.value or abs(now - figure.value) <= figure.tolerance
    return None if close else Change(key, figure.value, now, figure.tolerance)


def _remarks(before: Baseline, measured: Measured, keys: Sequence[Key]) -> list[str]:
    images = {key[:4]: measured.outputs[key] == before.figures[key].output for key in keys}
    other = sum(not same for same in images.values())
    remarks = [f"{title} was not checked: none of the sets has images for it." for title in measured.unfit]
    if other:
        remarks.append(f"{other} of {len(images)} outputs differ from the baseline's in their last bits or more.")
    return remarks
