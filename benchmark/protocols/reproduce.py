"""A protocol carried out: what is missing is trained, every row is restored and scored, and the table is written.

It trains and runs with the code of `train` and `run`, so that what holds there holds here: a training or a cell that is
finished is not done again, and an interrupted one goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmark.planning.plan import Plan
from benchmark.planning.planner import plan
from benchmark.planning.request import RunRequest
from benchmark.planning.weights_search import candidates, unchanged
from benchmark.progress import Report, numbered
from benchmark.protocols import Entry
from benchmark.protocols.finished import recorded, tests_of
from benchmark.protocols.request import ReproduceRequest, SeededRow, check, missing, obstacle
from benchmark.records.cell import NOT_TRAINED
from benchmark.records.files import read_record, read_records, run_folder, unsound
from benchmark.records.record import FAILED, Record
from benchmark.runs.config import RunConfig
from benchmark.runs.engines.settings import EngineSettings
from benchmark.runs.execute import execute
from datasets.core.errors import UserError

Say = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """Records of all cells, and what failed, a sentence each."""

    records: tuple[Record, ...]
    failures: tuple[str, ...]


def seeded_rows(request: ReproduceRequest) -> list[SeededRow]:
    """Every row and seed asked for, with the weights that are there already."""
    entries = [entry for entry in request.rows.entries if entry.method in (request.methods or (entry.method,))]
    known = read_records(request.results)
    return [
        _seeded_row(request, entry, seed, known)
        for entry in entries
        for seed in request.seeds or request.protocol.seeds
    ]


def _seeded_row(request: ReproduceRequest, entry: Entry, seed: int, known: Sequence[Record]) -> SeededRow:
    if reason := obstacle(entry):
        return SeededRow(entry, seed, reason=reason)
    training = request.training(entry, seed)
    its_own = (c for c in candidates(entry.method, request.results) if training.made(c.card))
    path = next((c.path for c in unchanged(its_own)), None)
    if path:
        return SeededRow(entry, seed, path)
    if all(recorded(request, entry, seed, test, known) for test in tests_of(request, entry)):
        return SeededRow(entry, seed, recorded=True)
    return SeededRow(entry, seed, command=training.command())


def reproduce(
    request: ReproduceRequest,
    report: Report = None,
    say: Say = lambda _: None,
    engine: EngineSettings = EngineSettings(),  # noqa: B008 - frozen
) -> Outcome:
    """Train what is missing, then run every cell; a row that fails does not take the others down.

    Args:
        report: progress. say: called with a sentence on what comes next. engine: where trainings and cells run.
    Raises:
        UserError: see `check`; ResultsError where results cannot be written.
    """
    check(request)
    todo = seeded_rows(request)
    how = request.settings
    config = RunConfig(request.data, request.results, how.device, deterministic=how.deterministic)
    cells = [planned for seeded in todo for planned in plan_row(request, seeded)]
    bars = plan_baselines(request)
    told = numbered(report, len(bars) + len(cells))
    records = execute([*bars, *cells], config, told, engine=engine, say=say)
    failures = []
    for record in records:
        if record.status == FAILED:
            cell, untrained = record.cell, record.reason is not None and record.reason.code == NOT_TRAINED
            what = f"{cell.recipe}, seed {cell.seed}" if untrained else f"on {cell.data.name}"
            failures.append(f"{cell.method} {what}: {record.why}")
    # A training that fails fails all of its cells, with one and the same sentence: it is shown once.
    return Outcome(tuple(records), tuple(dict.fromkeys(failures)))


def plan_row(request: ReproduceRequest, seeded: SeededRow, test: str = "") -> Plan:
    """The cells of a row with a seed: one per test of the row, or that of `test` only; [] where it cannot be done.

    Where its weights are missing and may be trained, the cells wait for their training.
    """
    training = (
        request.training(seeded.entry, seeded.seed)
        if seeded.command and request.trains and seeded.entry.trained
        else None
    )
    if seeded.reason or (seeded.weights is None and training is None):
        return []
    places = [place for place in tests_of(request, seeded.entry) if test in ("", place)]
    method = seeded.entry.method
    how = {"trainings": {method: training}} if training else {"weights": f"{method}={seeded.weights}"}
    return [
        planned
        for place in places
        for planned in plan(_request(request, place, (method,), settings=seeded.entry.restore, baselines=False, **how))
    ]


def plan_baselines(request: ReproduceRequest, test: str = "") -> Plan:
    """The cells of the rows input, blur and nlm, of every test or of one."""
    places = [place for place in request.protocol.tests if test in ("", place)]
    return [planned for place in places for planned in plan(_request(request, place, ()))]


def _request(request: ReproduceRequest, place: str, methods: tuple[str, ...], **more: Any) -> RunRequest:
    spec, _, split = place.partition(":")
    plain = RunRequest(methods, (spec,), split or None, train="never", data=request.data, results=request.results)
    return replace(plain, **more)


def kept(request: ReproduceRequest, plan: Plan) -> list[Record]:
    """The records of planned cells, in the plan's order; none for a cell that has not run."""
    ready = [planned.cell for planned in plan if planned.training is None]
    return [record for cell in ready if (record := _sound(run_folder(request.results, cell.id)))]


def _sound(folder: Path) -> Record | None:
    """The record in a cell's folder; a damaged one counts as none, and `run_cell` makes it again."""
    try:
        record = read_record(folder)
    except UserError:
        return None
    return None if record is None or unsound(folder, record) else record


def state(request: ReproduceRequest, seeded: SeededRow) -> tuple[str, str]:
    """For `--dry-run`: the state of the training, and of the cells."""
    if seeded.reason:
        return seeded.reason, ""
    if seeded.recorded:
        return "weights elsewhere", "done"
    if seeded.command:
        may = request.trains and seeded.entry.trained
        return (f"to train: {seeded.command}" if may else missing(request, seeded)), ("to run" if may else "")
    try:
        todo = plan_row(request, seeded)
    except UserError as error:  # data that are not prepared: the plan does not need them
        return f"weights: {seeded.weights}", f"to run once prepared: {error}"
    done = sum(record.status != FAILED for record in kept(request, todo))
    return f"weights: {seeded.weights}", "done" if done == len(todo) else f"{len(todo) - done} to run"
