"""Comparing what the rows give now with the baseline."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmark.cell import Report
from benchmark.regression.baseline import DIGITS, Baseline, command, read
from benchmark.regression.images import sets
from benchmark.regression.measuring import Key, Measured, measure, rows


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

    def cells(self) -> tuple[str, ...]:
        """The line of a table, in the order of COLUMNS."""
        method, weights, *where, metric = self.key
        digits = DIGITS[metric] - 2
        values = (self.was, self.now, self.tolerance)
        row = f"{method} ({weights})" if weights else method
        return (row, *where, metric, *("" if value is None else f"{value:.{digits}f}" for value in values))


COLUMNS = ("row", "dataset", "image", "convention", "metric", "was", "is", "tolerance")


@dataclass
class Outcome:
    """What a check found.

    Attributes:
        changes: figures that moved, largest first. problems: sentences on rows that failed, are missing or unknown.
        remarks: sentences that do not make it fail. compared: number of figures that were held against the baseline.
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
        found = measure(chosen, sets(Path(folder) / "data"), Path(folder), report=report)
    return compared(before, found, () if "all" in names else names)


def compared(before: Baseline, found: Measured, methods: Collection[str] = ()) -> Outcome:
    """Hold figures against the baseline.

    Args:
        methods: names that were measured; () = all.
    """
    was = {key: figure for key, figure in before.figures.items() if not methods or key.method in methods}
    known, present = {key[:2] for key in was}, {key[:2] for key in found.figures}
    excused = set(found.failed)
    problems = [f"{_title(*where[:2])} failed{_on(where[2])}: {why}" for where, why in found.failed.items()]
    for row in sorted(known - present - {where[:2] for where in excused}):
        problems.append(f"{_title(*row)} is in the baseline, but {_absence(*row)}.")
    for row in sorted(present - known):
        problems.append(f"{_title(*row)} is not in the baseline; add it with: {command()}")
    both = {
        key: None
        for key in (*was, *found.figures)
        if key[:2] in known & present and not {key[:3], (*key[:2], "")} & excused
    }
    changes = [change for key in both if (change := _change(key, before, found))]
    same = [key for key in both if key in was and key in found.figures]
    return Outcome(sorted(changes, key=lambda c: -c.size), problems, _remarks(before, found, same), len(same))


def _change(key: Key, before: Baseline, found: Measured) -> Change | None:
    figure, now = before.figures.get(key), found.figures.get(key)
    if figure is None or now is None:
        return Change(key, figure.value if figure else None, now, figure.tolerance if figure else None)
    close = now == figure.value or abs(now - figure.value) <= figure.tolerance
    return None if close else Change(key, figure.value, now, figure.tolerance)


def _remarks(before: Baseline, found: Measured, keys: Sequence[Key]) -> list[str]:
    images = {key[:4]: found.outputs[key] == before.figures[key].output for key in keys}
    other = sum(not same for same in images.values())
    remarks = [f"{title} was not checked: none of the sets has images for it." for title in found.unfit]
    if other:
        remarks.append(f"{other} of {len(images)} outputs differ from the baseline's in their last bits or more.")
    return remarks


def _title(method: str, weights: str) -> str:
    return f"{method} ({weights})" if weights else method


def _on(dataset: str) -> str:
    return f" on {dataset}" if dataset else ""


def _absence(method: str, weights: str) -> str:
    if not weights:
        return "there is no such row now"
    return f"the weights {method}/{weights} or their card are missing, or the method is not registered"
