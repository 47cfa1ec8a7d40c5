"""Working through the queue for some minutes: the next open line, then the one after it, until the time is up."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmark import environment
from benchmark.progress import Report
from benchmark.protocols import render, reproduce
from benchmark.protocols.queue.lines import Line
from benchmark.protocols.queue.portable import pack, unpack
from benchmark.protocols.queue.timings import Timing, timing, write_timings
from benchmark.protocols.request import ReproduceRequest, SeededRow, check
from benchmark.records.record import FAILED
from benchmark.runs.engines.settings import EngineSettings
from benchmark.training import TrainSettings
from benchmark.training.stopping import StoppedError
from datasets.core.errors import UserError

# Of the minutes, what is kept back for the last step, its checkpoint and the state: a tenth, at most 20 seconds.
_SHARE, _MOST = 0.1, 20.0
HERE = EngineSettings("here")  # where the end of the minutes is noticed


@dataclass(frozen=True)
class QueueRequest:
    """What `reproduce --queue` is asked for.

    Attributes:
        lines: of the queue. minutes: how long to work. settings: device, determinism and such of the trainings; the
            lines say the arithmetic. state: folder of the portable state, None = none is kept.
        most_of_one, most_of_all: bytes of a file of the state, and of all together; None = any.
    """

    lines: Sequence[Line]
    minutes: float
    settings: TrainSettings = field(default_factory=TrainSettings)
    data: Path = Path("data")
    results: Path = Path("results")
    state: Path | None = None
    most_of_one: int | None = None
    most_of_all: int | None = None

    def of(self, line: Line) -> ReproduceRequest:
        """What a line asks of `reproduce`."""
        return line.request(self.settings, self.data, self.results)


@dataclass
class Worked:
    """What came of it.

    Attributes:
        done: lines that are finished by it. stopped: the line that the time ended in, None = there was time left.
        waiting: sentences on open lines that cannot be worked on here. failures: sentences.
        timings: of the trainings. files: of the portable state.
    """

    done: list[Line] = field(default_factory=list)
    stopped: Line | None = None
    waiting: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    timings: list[Timing] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)


def work(request: QueueRequest, report: Report = None, say: Callable[[str], None] = lambda _: None) -> Worked:
    """Work through the open lines of a queue until the minutes are over.

    A training that the end of the minutes meets finishes its step and leaves a checkpoint; the next call, on this
    machine or where the state was copied to, goes on from there.

    Raises:
        UserError: a state that is damaged, or that does not fit; a results folder that cannot be written.
    """
    found = Worked()
    if request.state is not None and (taken := unpack(request.state, request.results)):
        say(f"Went on from the state in {request.state}: {taken} files.")
    begun: list[Line] = []
    with within(request.minutes * 60):
        for line in request.lines:
            asked = _workable(line, request, found)
            if asked is None:
                continue
            say(f"Line {line.number} of the queue: {line.line}")
            begun.append(line)
            found.stopped = line
            outcome = reproduce.reproduce(asked, report, say, HERE)
            found.stopped = None
            found.failures += outcome.failures
            found.done += [] if outcome.failures else [line]
            render.write_tables(asked)
    found.timings = [timing for line in begun for timing in measured(line, request)]
    if found.timings:
        write_timings(request.results, found.timings)
    if request.state is not None:
        found.files = pack(request.results, request.state, request.most_of_one, request.most_of_all)
    return found


def _workable(line: Line, request: QueueRequest, found: Worked) -> ReproduceRequest | None:
    """What to ask of `reproduce`; None for a line that is finished, or that cannot be worked on (then it is said)."""
    if not line.open or line.command:
        return None
    asked = request.of(line)
    try:
        check(asked)
    except UserError as error:
        found.waiting.append(f"Line {line.number} ({line.row}) waits: {error}")
        return None
    return asked if unfinished(asked) else None


def unfinished(request: ReproduceRequest) -> bool:
    """Whether anything of a request can be done that is not done yet."""
    return any(_has_work(request, seeded) for seeded in reproduce.seeded_rows(request))


def _has_work(request: ReproduceRequest, seeded: SeededRow) -> bool:
    if seeded.reason or seeded.recorded:
        return False
    cells = reproduce.plan_row(request, seeded)
    if any(planned.training is not None for planned in cells):
        return True
    return len([record for record in reproduce.kept(request, cells) if record.status != FAILED]) < len(cells)


def measured(line: Line, request: QueueRequest) -> Iterator[Timing]:
    """The pace of each training of a line whose log says one: of a recipe, the seed with most steps counts."""
    asked = request.of(line)
    device = environment.describe(environment.device(request.settings.device))
    for entry in {(e.method, e.recipe): e for e in asked.rows.entries if e.trained and asked.trains}.values():
        if entry.method not in (asked.methods or (entry.method,)):
            continue
        try:
            paces = [asked.training(entry, seed).pace() for seed in asked.seeds or asked.protocol.seeds]
        except UserError:  # a recipe or data that are not here
            continue
        if best := max((found for found in paces if found), key=lambda found: found.done, default=None):
            yield timing(line.line, entry.method, entry.recipe, asked.settings.arithmetic, device, best)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """The work within ends when the time is up, as by Ctrl-C: a training leaves a checkpoint, what is done is kept."""

    def over(number: int, _: Any) -> None:
        raise StoppedError(number)

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds - min(_MOST, _SHARE * seconds))
    try:
        yield
    except StoppedError as end:
        if end.signal != signal.SIGALRM:
            raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
