"""What runs next: trainings before the cells that need them, neighbours waited for, each death told once."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmark.planning.plan import PlannedCell
from benchmark.progress import Report
from benchmark.records.cell import NOT_TRAINED, WRONG, Cell, Reason
from benchmark.records.claims import at_work
from benchmark.records.files import read_record, run_folder
from benchmark.records.record import DONE, Record
from benchmark.runs.config import RunConfig
from benchmark.runs.engines.jobs import Busy, Died, Engine, Job, Outcome, Trained, Untrained
from benchmark.runs.runner import fail_cell
from benchmark.training.request import TrainingRequest
from datasets.core.errors import UserError

TRIES = 2  # of a job whose process was killed from outside
SOON, SELDOM = 0.2, 5.0  # seconds between two looks at what a neighbour is working on: at first, and at most


@dataclass
class _Task:
    """A job and where it stands.

    Attributes:
        after: of the training that a cell waits for. finish: the training's weights -> the cell.
        tries: processes that were killed over it. busy: since when a neighbour is at it, and what lay there then.
        due, pause: when it is looked at again, and how long that was.
    """

    job: Job
    after: int | None = None
    finish: Callable[[Path], Cell] | None = None
    tries: int = 0
    busy: tuple[int, ...] | None = None
    due: float = 0.0
    pause: float = SOON
    outcome: Record | Trained | Untrained | None = field(default=None)


class Queue:
    """The jobs of a plan, carried out by an engine.

    Args:
        jobs: planned cells, and trainings that no cell waits for. config: how cells run.
        report: progress. say: called with a sentence before each training, and about neighbours.
    """

    def __init__(
        self,
        jobs: Sequence[PlannedCell | TrainingRequest],
        engine: Engine,
        config: RunConfig,
        report: Report = None,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.engine, self.config, self.report, self.say = engine, config, report, say
        self.tasks: list[_Task] = []
        self._trainings: dict[str, int] = {}
        self.wanted = [self._add(one) for one in jobs]
        self._todo = list(self.tasks)
        if engine.capacity > 1:  # others wait for trainings, so these come first
            self._todo.sort(key=lambda task: isinstance(task.job.work, Cell))
        self._running: dict[int, _Task] = {}

    def _add(self, one: PlannedCell | TrainingRequest) -> int:
        if isinstance(one, TrainingRequest):
            command = one.command()
            if command not in self._trainings:  # equal trainings once
                self._trainings[command] = self._append(one)
            return self._trainings[command]
        if one.training is None or one.finish is None:
            return self._append(one.cell)
        after = self._add(one.training)
        return self._append(one.cell, after, one.finish)

    def _append(self, work: Cell | TrainingRequest, *more: object) -> int:
        self.tasks.append(_Task(Job(len(self.tasks), work), *more))  # type: ignore[arg-type]
        return len(self.tasks) - 1

    def run(self) -> list[Record | Trained | Untrained]:
        """Carry everything out; the outcomes come in the order of the jobs.

        Raises:
            ResultsError: the results folder cannot be written. KeyboardInterrupt: passes through, once the trainings
                that run have written a checkpoint.
        """
        is_interrupted = True
        try:
            while self._todo or self._running:
                self._start()
                for job, ended in self._wait():
                    self._end(self._running.pop(job.number), ended)
            is_interrupted = False
        finally:
            self.engine.close(is_interrupted)
        return [outcome for number in self.wanted if (outcome := self.tasks[number].outcome) is not None]

    def _start(self) -> None:
        """Start what is ready, as far as there is room."""
        now = time.monotonic()
        for task in list(self._todo):
            if task.due > now or not self._is_ready(task):
                continue
            if task.busy is not None and not self._is_free(task):
                continue
            if not self.engine.has_room(task.job):
                if self.engine.capacity == 1:
                    return
                continue
            self._todo.remove(task)
            if isinstance(task.job.work, TrainingRequest) and not task.tries and task.busy is None:
                self.say(f"Training: {task.job.work.command()}")
            self._running[task.job.number] = task
            self.engine.start(task.job)
            now = time.monotonic()

    def _is_ready(self, task: _Task) -> bool:
        """Whether what it waits for is there; then its cell gets the weights, or the reason why there are none."""
        if task.after is None:
            return True
        outcome, cell = self.tasks[task.after].outcome, task.job.work
        if outcome is None:
            return False
        assert isinstance(cell, Cell)
        if isinstance(outcome, Untrained):
            cell = replace(cell, blocked=outcome.reason)
        elif isinstance(outcome, Trained) and task.finish:
            try:
                cell = task.finish(outcome.paths["restorer"])
            except UserError as error:
                cell = replace(cell, blocked=Reason(WRONG, " ".join(str(error).split())))
        task.job, task.after = replace(task.job, work=cell), None
        return True

    def _wait(self) -> list[tuple[Job, Outcome]]:
        pause = max(0.0, min((task.due for task in self._todo if task.due), default=0.0) - time.monotonic())
        if self._running:
            return self.engine.wait(pause or (SELDOM if self._todo else None))
        if self._todo:
            time.sleep(max(pause, 0.01))
        return []

    def _end(self, task: _Task, outcome: Outcome) -> None:
        if isinstance(outcome, Busy):
            self._put_off(task, outcome)
            return
        if isinstance(outcome, Died):
            task.tries += 1
            if outcome.again and task.tries < TRIES:
                self._todo.insert(0, task)
                return
            if isinstance(task.job.work, Cell):
                self._keep(task, fail_cell(task.job.work, self.config, Reason(outcome.code, outcome.text)))
            else:
                self._keep(task, Untrained(Reason(NOT_TRAINED, outcome.text)))
            return
        self._keep(task, outcome)

    def _keep(self, task: _Task, outcome: Record | Trained | Untrained) -> None:
        task.outcome = outcome
        if self.report and self.engine.capacity > 1:
            cells = [one for one in self.tasks if isinstance(one.job.work, Cell)]
            self.report("cells", sum(one.outcome is not None for one in cells), len(cells))

    def _put_off(self, task: _Task, outcome: Busy) -> None:
        """A neighbour is at work on it: look again later."""
        if task.busy is None:
            task.busy = self._stamp(task)
            self.say(f"{outcome.text.partition(';')[0].rstrip('.')}: waiting for it.")
        else:
            task.pause = min(SELDOM, task.pause * 1.5)
        task.due = time.monotonic() + task.pause
        self._todo.append(task)

    def _is_free(self, task: _Task) -> bool:
        """Whether a neighbour has left a cell. Where it also left its record, that counts, whatever it says."""
        cell = task.job.work
        if not isinstance(cell, Cell):
            return True
        folder = run_folder(self.config.results, cell.id)
        if at_work(folder):
            task.pause = min(SELDOM, task.pause * 1.5)
            task.due = time.monotonic() + task.pause
            return False
        if self._stamp(task) != task.busy:
            record = None
            with suppress(UserError):
                record = read_record(folder)
            if record and record.status != DONE:  # a finished one is looked at by whoever runs the cell
                self._todo.remove(task)
                self._keep(task, record)
                return False
        return True

    def _stamp(self, task: _Task) -> tuple[int, ...]:
        """What tells one record in a cell's folder from the next."""
        if not isinstance(task.job.work, Cell):
            return ()
        try:
            state = (run_folder(self.config.results, task.job.work.id) / "record.json").stat()
        except OSError:
            return ()
        return state.st_ino, state.st_mtime_ns
