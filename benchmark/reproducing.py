"""A protocol carried out: what is missing is trained, every row is restored and scored, and the table is written.

It trains and runs with the code of `train` and `run`, so that what holds there holds here: a training or a cell that is
finished is not done again, and an interrupted one goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from benchmark.cell import Cell, Context, Report
from benchmark.engines import run as run_cells
from benchmark.finding import candidates
from benchmark.grid import Selection, cells
from benchmark.protocols import Entry
from benchmark.records import FAILED, Record, read_record, read_records, run_folder
from benchmark.reproducing_order import Job, Order, check, missing, obstacle, title
from benchmark.reproducing_records import recorded, tests_of
from benchmark.reproducing_training import made_by, train_words, trained
from datasets.ops.errors import UserError

Say = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """Jobs in the table's order, records of all cells, and what failed, a sentence each."""

    jobs: tuple[Job, ...]
    records: tuple[Record, ...]
    failures: tuple[str, ...]


def jobs(order: Order) -> list[Job]:
    """Every row and seed asked for, with the weights that are there already."""
    wanted = [entry for entry in order.rows.entries if entry.method in (order.methods or (entry.method,))]
    known = read_records(order.results)
    return [_job(order, entry, seed, known) for entry in wanted for seed in order.seeds or order.protocol.seeds]


def _job(order: Order, entry: Entry, seed: int, known: Sequence[Record]) -> Job:
    if reason := obstacle(entry):
        return Job(entry, seed, reason=reason)
    options = order.options(entry)
    path = next((c.path for c in candidates(entry.method, order.results) if made_by(c.card, options, seed)), None)
    if path:
        return Job(entry, seed, path)
    if all(recorded(order, entry, seed, test, known) for test in tests_of(order, entry)):
        return Job(entry, seed, recorded=True)
    return Job(entry, seed, command=train_words(options, seed))


def reproduce(order: Order, report: Report = None, say: Say = lambda _: None) -> Outcome:
    """Train what is missing, then run every cell; a row that fails does not take the others down.

    Args:
        report: progress. say: told what comes next.
    Raises:
        UserError: see `check`; ResultsError where results cannot be written.
    """
    check(order)
    done, failures, records = [], [], []
    bars = _run(order, references(order), report)
    for job in jobs(order):
        job = _trained(order, job, report, say)
        failures += [f"{title(job)}: {job.reason}"] if job.failed else []
        records += _run(order, cells_of(order, job), report)
        done.append(job)
    if any(record.status == FAILED for record in bars):  # another run, of other seeds, may have been at work on them
        bars = _run(order, references(order), report)
    records = bars + records
    failures += [
        f"{record.method} on {record.dataset}: {record.reason}" for record in records if record.status == FAILED
    ]
    return Outcome(tuple(done), tuple(records), tuple(failures))


def _trained(order: Order, job: Job, report: Report, say: Say) -> Job:
    """The job with its weights, trained where they are missing and may be; else with the reason."""
    if not job.command:
        return job
    if not (order.trains and job.entry.trained):
        return replace(job, reason=missing(order, job))
    say(f"Training {title(job)}: {job.command}")
    try:
        return replace(job, weights=trained(order.options(job.entry), job.seed, report), command="")
    except (UserError, RuntimeError) as error:  # the second: a device out of memory, above all
        return replace(job, reason=" ".join(str(error).split()), failed=True)


def cells_of(order: Order, job: Job, test: str = "") -> Iterator[Cell]:
    """The cells of a job that has its weights: one per test of the row, or that of `test` only."""
    for place in tests_of(order, job.entry) if job.weights and not job.reason else ():
        if test in ("", place):
            wanted = _selection(order, place, (job.entry.method,))
            settings = dict(job.entry.restore)
            yield from cells(
                replace(wanted, weights=f"{job.entry.method}={job.weights}", settings=settings, references=False)
            )


def references(order: Order, test: str = "") -> Iterator[Cell]:
    """The cells of the rows input, blur and nlm, of every test or of one."""
    for place in order.protocol.tests:
        if test in ("", place):
            yield from cells(_selection(order, place, ()))


def _selection(order: Order, place: str, methods: tuple[str, ...]) -> Selection:
    spec, _, split = place.partition(":")
    return Selection(methods, (spec,), split=split or None, train="never", data=order.data, results=order.results)


def _run(order: Order, todo: Iterator[Cell], report: Report) -> list[Record]:
    where = Context(order.data, order.results, order.device, deterministic=order.deterministic)
    return run_cells(todo, where, report)


def kept(order: Order, todo: Iterator[Cell]) -> list[Record]:
    """The records that cells have left, in their order; none for a cell that has not run."""
    found = (read_record(run_folder(order.results, cell.id)) for cell in todo)
    return [record for record in found if record]


def state(order: Order, job: Job) -> tuple[str, str]:
    """For a plan: how it stands with the training, and with the cells."""
    if job.reason:
        return job.reason, ""
    if job.recorded:
        return "weights elsewhere", "done"
    todo = list(cells_of(order, job))
    done = sum(record.status != FAILED for record in kept(order, iter(todo)))
    if job.command:
        may = order.trains and job.entry.trained
        return (f"to train: {job.command}" if may else missing(order, job)), ("to run" if may else "")
    return f"weights: {job.weights}", "done" if done == len(todo) else f"{len(todo) - done} to run"
