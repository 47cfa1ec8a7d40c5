"""What a worker does: one job after the other from its channel, with all that a method prints in the job's log."""

from __future__ import annotations

import faulthandler
import os
import resource
import signal
import sys
import threading
import time
import traceback
import warnings
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmark.records.files import ResultsError
from benchmark.runs.config import RunConfig
from benchmark.runs.engines.jobs import Died, Job, carry_out
from datasets.core.sealed import DamagedWarning

OFTEN = 0.2  # seconds between two reports of one task
WATCH = 2.0  # seconds between two looks at whether the nursery lives


@dataclass(frozen=True)
class Order:
    """A job for a worker: how cells run, and the file that gets what is printed."""

    job: Job
    config: RunConfig
    log: Path


@dataclass(frozen=True)
class Step:
    """Progress of a job, as a Report is called."""

    what: str
    done: int
    total: int


@dataclass(frozen=True)
class Warned:
    """A warning; of a damaged file, or of another kind."""

    text: str
    damaged: bool


@dataclass(frozen=True)
class Stop:
    """The results folder cannot be written: nothing that follows could do better."""

    text: str


def serve(channel: int, threads: int, memory: int) -> None:
    """Carry out orders until the channel is closed.

    Args:
        channel: descriptor of a socket. threads: of torch; 0 = as many as it likes.
        memory: most bytes of data of this process; 0 = no limit.
    """
    import torch

    if threads:
        torch.set_num_threads(threads)
    if memory:
        resource.setrlimit(resource.RLIMIT_DATA, (memory, resource.getrlimit(resource.RLIMIT_DATA)[1]))
    with suppress(OSError):  # where the machine runs out of memory, it is a worker that has to go
        Path("/proc/self/oom_score_adj").write_text("500", encoding="ascii")
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    connection = _Channel(channel)
    warnings.showwarning = lambda message, category, *_: connection.send(
        Warned(str(message), issubclass(category, DamagedWarning))
    )
    while True:
        try:
            order = connection.recv()
        except (EOFError, OSError):
            return
        _print_to(order.log)
        outcome = _carried_out(order, connection)
        _print_to(Path(os.devnull))
        connection.send(outcome)


class _Channel(Connection):
    """A connection that several threads may write to."""

    def __init__(self, handle: int) -> None:
        super().__init__(handle)
        self._turn = threading.Lock()

    def send(self, message: Any) -> None:
        """Send one message whole."""
        with self._turn:
            super().send(message)


def _carried_out(order: Order, connection: _Channel) -> Any:
    told: dict[str, float] = {}

    def report(what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if done >= total or now - told.get(what, 0.0) >= OFTEN:
            told[what] = now
            connection.send(Step(what, done, total))

    try:
        return carry_out(order.job, order.config, report)
    except ResultsError as error:
        return Stop(str(error))
    except BaseException as error:  # a method's own KeyboardInterrupt, above all: it must not end the worker as done
        traceback.print_exc()
        return Died(f"It ended its process by {type(error).__name__}: {error}")


def _print_to(path: Path) -> None:
    """Let descriptors 1 and 2, and so whatever is printed in any language, write to a file."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for target in (1, 2):
        os.dup2(handle, target)
    os.close(handle)
    # A method may have closed or replaced them.
    sys.stdout, sys.stderr = (os.fdopen(os.dup(target), "w", 1, "utf-8", "replace") for target in (1, 2))
    faulthandler.enable(file=sys.stderr, all_threads=True)
    faulthandler.register(signal.SIGUSR1, file=sys.stderr, all_threads=True)


def _end_with(parent: int) -> None:
    """End this process when its parent has gone without a word."""
    while os.getppid() == parent:
        time.sleep(WATCH)
    os._exit(1)
