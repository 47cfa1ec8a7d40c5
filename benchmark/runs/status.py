"""How far everything in a results folder is: by its records, its claims and its plans, and by nothing else."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmark.records.claims import CLAIM, Claim, read_claim, summary
from benchmark.records.files import read_records
from benchmark.records.record import DONE, Record
from benchmark.runs.plans import Expected, read_plans

RUNNING, INTERRUPTED, MISSING = "running", "interrupted", "missing"
TO_TRAIN = "its weights are to be trained"
_TRAINING = "training "  # how the names of trainings begin
STATES = (RUNNING, "failed", INTERRUPTED, MISSING, "skipped", DONE)  # in the order of a table


@dataclass(frozen=True)
class Standing:
    """Where one cell or training stands.

    Attributes:
        name: id of the cell, or of the training; in words, of a cell whose weights are to be trained. state: one of
            STATES.
        where, since, step: of a running one: host and process, UTC, and its last step.
        minutes: left, as far as can be told. reason: why it failed or was skipped, or what a missing one waits for.
    """

    name: str
    method: str
    recipe: str
    dataset: str
    seed: int | None
    state: str
    where: str = ""
    since: str = ""
    step: str = ""
    minutes: float | None = None
    reason: str = ""


def standings(results: Path, warn: Callable[[str], None] | None = None) -> list[Standing]:
    """Every cell that has a record, is claimed or is planned, and every training at work; running ones first."""
    records = {record.id: record for record in read_records(results, warn)}
    known = _Known(records.values())
    found = {}
    for id, record in records.items():
        cell = record.cell
        row = Standing(record.id, cell.method, cell.recipe, cell.data.label, cell.seed, record.status)
        found[id] = replace(row, reason=record.why)
    for expected in (cell for plan in read_plans(results) for cell in plan.cells):
        name = expected.id or known.made(expected)
        if name not in found:
            row = known.missing(expected)
            found[row.name] = row
    now = time.time()
    for folder, claim in _claims(results / "runs"):
        before = found.get(folder.name) or Standing(folder.name, folder.name.partition("-")[0], "", "", None, MISSING)
        found[folder.name] = _claimed(before, claim, now)
    for folder, claim in _claims(results / "training"):
        blank = Standing(f"{_TRAINING}{folder.name}", folder.name.partition("-")[0], "", "", None, MISSING)
        found[blank.name] = _claimed(blank, claim, now)
    return sorted(found.values(), key=lambda s: (STATES.index(s.state), s.dataset, s.method, s.name))


def _claims(parent: Path) -> Iterator[tuple[Path, Claim]]:
    for path in sorted(parent.glob(f"*/{CLAIM}")):
        if claim := read_claim(path.parent):
            yield path.parent, claim


def _claimed(row: Standing, claim: Claim, now: float) -> Standing:
    if not claim.alive(now):
        return row if row.state == DONE else replace(row, state=INTERRUPTED, **summary(claim))
    left = (now - claim.since) * (claim.total - claim.done) / claim.done / 60 if claim.done else row.minutes
    return replace(row, state=RUNNING, reason="", minutes=left, **summary(claim))


class _Known:
    """What records tell about cells that have none."""

    def __init__(self, records: Iterable[Record]) -> None:
        self._made: dict[tuple[str, str, str, int], str] = {}
        self._minutes: dict[tuple[str, str], float] = {}
        for record in records:
            cell = record.cell
            self._made[cell.method, cell.recipe, cell.data.label, cell.seed] = record.id
            if record.status == DONE:
                self._minutes[cell.method, cell.data.label] = record.environment.seconds / 60
                self._minutes.setdefault((cell.method, ""), record.environment.seconds / 60)

    def made(self, cell: Expected) -> str:
        """The record of a cell whose weights were to be trained; '' = there is none."""
        return self._made.get((cell.method, cell.recipe, cell.dataset, cell.seed), "")

    def missing(self, cell: Expected) -> Standing:
        minutes = self._minutes.get((cell.method, cell.dataset), self._minutes.get((cell.method, "")))
        waits = TO_TRAIN if cell.training else ""
        name = cell.id or f"{cell.method} {cell.recipe} on {cell.dataset}, seed {cell.seed}"
        return Standing(name, cell.method, cell.recipe, cell.dataset, cell.seed, MISSING, minutes=minutes, reason=waits)


def counts(rows: Sequence[Standing]) -> dict[str, int]:
    """State -> how many, without those of which there are none."""
    found = Counter(row.state for row in rows)
    return {state: found[state] for state in STATES if found[state]}


def minutes_left(rows: Sequence[Standing]) -> float | None:
    """Until all is done, with as many at a time as run; None where nothing tells.

    Cells and trainings of which nothing tells count as the mean of those of their kind. Of the cells that wait for
    weights as many are taken to have theirs in the making as trainings run.
    """
    open_rows = [row for row in rows if row.state in (RUNNING, MISSING, INTERRUPTED)]
    trainings = [row for row in open_rows if row.name.startswith(_TRAINING)]
    cells = [row for row in open_rows if row not in trainings]
    waiting = max(0, sum(row.reason == TO_TRAIN for row in cells) - len(trainings))
    parts = [_minutes(trainings, len(trainings) + waiting), _minutes(cells, len(cells))]
    if parts == [None, None]:
        return None
    return sum(part or 0.0 for part in parts) / max(1, sum(row.state == RUNNING for row in rows))


def _minutes(rows: Sequence[Standing], count: int) -> float | None:
    """Of so many like these, one after another; None where none tells."""
    told = [row.minutes for row in rows if row.minutes is not None]
    return sum(told) / len(told) * count if told else None
