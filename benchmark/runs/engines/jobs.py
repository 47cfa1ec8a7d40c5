"""A job is a cell or a training in plain values, so that any process on any machine can carry it out."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from benchmark.progress import Report
from benchmark.records.cell import BUSY, DIED, NOT_TRAINED, Cell, Reason
from benchmark.records.files import ResultsError
from benchmark.records.record import Record
from benchmark.runs.config import RunConfig
from benchmark.runs.runner import run_cell
from benchmark.training.request import TrainingRequest
from benchmark.training.too_little_memory import TooLittleMemoryError
from datasets.core.errors import UserError
from datasets.core.files import digest
from datasets.core.locks import BusyError
from datasets.registry import DATASETS
from methods.outside.source import is_checkpoint
from methods.registry import METHODS


@dataclass(frozen=True)
class Trained:
    """A training's weights files by role."""

    paths: Mapping[str, Path]


@dataclass(frozen=True)
class Untrained:
    """Why there are no weights. `crashed`: its process may be in any state, or hold memory that others need."""

    reason: Reason
    crashed: bool = False


@dataclass(frozen=True)
class Busy:
    """A neighbour is at work on it, as a sentence."""

    text: str


@dataclass(frozen=True)
class Died:
    """The job's process is gone. `again`: whatever killed it came from outside, so that another try makes sense."""

    text: str
    again: bool = False
    code: str = DIED


Outcome = Record | Trained | Untrained | Busy | Died


@dataclass(frozen=True)
class Job:
    """One thing to do.

    Attributes:
        number: of the job within its run. work: a cell that is ready, or a training.
    """

    number: int
    work: Cell | TrainingRequest

    @property
    def method(self) -> str:
        """The method's name."""
        return self.work.method

    @property
    def name(self) -> str:
        """The same in each run of the same job: the name of its log."""
        if isinstance(self.work, Cell):
            return self.work.id
        return f"train-{self.work.method}-{digest(self.work.command())[:12]}"

    @property
    def can_travel(self) -> bool:
        """Whether another process knows its names: not what was added in this one (tests, notebooks)."""
        is_added = isinstance(self.work, Cell) and DATASETS.is_added(self.work.data.name)
        return not is_added and not METHODS.is_added(self.method)

    @property
    def plugin(self) -> str:
        """The method's name where it is an installed plug-in's, or code of a file; '' for what comes with the project.

        A checkpoint holds no code: its network comes from a library, as others do.
        """
        is_baseline = isinstance(self.work, Cell) and self.work.is_baseline
        if isinstance(self.work, Cell) and (origin := self.work.origin):
            return "" if is_checkpoint(origin.source) else self.method
        return self.method if self.can_travel and not is_baseline and METHODS.is_plugin(self.method) else ""


class Engine(Protocol):
    """Where jobs run. `Queue` decides what runs next; an engine only carries out."""

    capacity: int  # jobs at a time, when all goes well

    def has_room(self, job: Job) -> bool:
        """Whether it could start the job at once."""

    def start(self, job: Job) -> None:
        """Begin a job. Raises ResultsError where nothing can be written."""

    def wait(self, seconds: float | None) -> list[tuple[Job, Outcome]]:
        """The jobs that have ended since; waits for the first one, at most so long. Raises as `start`."""

    def close(self, interrupted: bool = False) -> None:
        """End whatever still runs. `interrupted`: trainings may write a checkpoint first."""


def carry_out(job: Job, config: RunConfig, report: Report = None) -> Outcome:
    """Do a job in this process.

    Raises:
        ResultsError: the results folder cannot be written. KeyboardInterrupt: passes through.
    """
    if isinstance(job.work, Cell):
        record = run_cell(job.work, config, report)
        busy = record.reason is not None and record.reason.code == BUSY
        return Busy(record.why) if busy else record
    return _train(on_device(job.work, config.device), report, config.debug)


def on_device(request: TrainingRequest, device: str) -> TrainingRequest:
    """A training that may run on any GPU, on the one of this worker."""
    if request.training.device not in ("auto", "cuda") or not device.startswith("cuda:"):
        return request
    return replace(request, training=replace(request.training, device=device))


def _train(request: TrainingRequest, report: Report, debug: bool) -> Outcome:
    try:
        return Trained(request.run(report))
    except BusyError as error:
        return Busy(str(error))
    except ResultsError:
        raise
    except UserError as error:
        text = " ".join(str(error).split())
        return Untrained(Reason(NOT_TRAINED, text), crashed=isinstance(error, TooLittleMemoryError))
    except (Exception, SystemExit) as error:
        if debug or not isinstance(error, RuntimeError):  # what torch says is a sentence mostly; --debug shows where
            traceback.print_exc(file=sys.stderr)
        text = " ".join(f"{type(error).__name__}: {error}".split())
        return Untrained(Reason(NOT_TRAINED, text), crashed=True)
