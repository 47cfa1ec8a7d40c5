"""What people see: tables, remarks, and how far the work is.

Results go to stdout; progress and remarks go to stderr, so that a pipe or ``--json`` gets nothing but results.
"""

from __future__ import annotations

import json
import math
import shutil
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TextIO

from benchmark.progress import Task
from benchmark.tables.column import Column, Row, cell_texts, headings
from benchmark.tables.terminal_table import print_table
from benchmark.terminal.moving import MovingLine
from benchmark.terminal.work import Work, duration
from datasets.core.names import printable

PATIENCE = 1.0  # seconds before anything appears: shorter work needs no word
EVERY = 5.0  # seconds between two plain lines


class Console:
    """Where output goes and in which form.

    Args:
        quiet: no progress and no remarks; results and errors only.
        as_json: results are JSON on stdout, tables are not printed, remarks go to stderr; progress moves on a terminal
            and is silent elsewhere.
        wide: tables have all of their columns, however wide the terminal is.
        out, err: streams; default stdout and stderr.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        *,
        quiet: bool = False,
        as_json: bool = False,
        wide: bool = False,
        out: TextIO | None = None,
        err: TextIO | None = None,
        clock: Any = time.monotonic,
    ) -> None:
        self.quiet, self.as_json, self.wide, self.clock = quiet, as_json, wide, clock
        self.out, self.err = out or sys.stdout, err or sys.stderr
        self.emitted = False
        self._work = Work(clock)
        self._began: float | None = None  # of the work that is reported
        self._told: float | None = None  # when the last plain line was
        self._said: set[str] = set()
        self._last = ""  # words of the work that ended last
        self._line = MovingLine(self.err, self._fraction, self._words)
        self._steady = False  # whether the line stays between two works
        self._lock = threading.RLock()

    def begin(self, what: str) -> None:
        """Long work begins: a terminal shows so at once, before there is anything to report, until `close`."""
        self.report(Task(what), 0, 0)
        if self._moves:
            self._steady = True
            self._line.start()

    def say(self, text: str) -> None:
        """Print a remark for people; it is not a result. The same sentence is printed once."""
        if not self.quiet:
            self._print(text)

    def error(self, text: str) -> None:
        """Print what went wrong with a part of the work, even when quiet. The same sentence is printed once."""
        self._print(text)

    def _print(self, text: str) -> None:
        if text in self._said:
            return
        self._said.add(text)
        with self._aside():
            print(printable(text), file=self.err, flush=True)

    def emit(self, value: Any) -> None:
        """A result for machines: one JSON document on stdout, under ``--json`` only."""
        if self.as_json:
            self.emitted = True
            print(json.dumps(_plain(value), indent=2, default=str, allow_nan=False), file=self.out, flush=True)

    def table(self, title: str, heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """A result for people: a table on stdout, not under ``--json``; None is an empty cell."""
        if self.as_json:
            return
        cells = [["" if value is None else str(value) for value in row] for row in rows]
        with self._aside(again=False):
            any_width = self.wide or not self.out.isatty()
            print_table(title, heads, cells, self.out, 0 if any_width else shutil.get_terminal_size().columns)

    def show(self, title: str, columns: Sequence[Column[Row]], rows: Iterable[Row]) -> None:
        """The same for typed rows, by their columns."""
        self.table(title, headings(columns), cell_texts(columns, rows))

    def remark(self, text: str) -> None:
        """A line below a table, part of the result. Not under ``--json``."""
        if not self.as_json:
            with self._aside(again=False):
                print(printable(text), file=self.out, flush=True)

    def report(self, what: str, done: int, total: int) -> None:
        """Progress of a task: the callable that long functions take. May be called from any thread.

        Args:
            what: its name, or a `benchmark.progress.Task`. done, total: of it; total 0 = not known.
        """
        if self.quiet or (self.as_json and not self._moves):
            return
        with self._lock:  # neither starting nor stopping the line within it: its thread waits for this lock
            now = self.clock()
            step = self._work.report(what if isinstance(what, Task) else Task(printable(what)), done, total)
            self._began = now if self._began is None else self._began
            late = now - self._began >= PATIENCE
            due = late and step.total and step.task != "cell"  # a cell's number is told with what it does
            if not self._moves and due and (self._told is None or now - self._told >= EVERY):
                self._told = now
                print(self._work.words(), file=self.err, flush=True)
            ended = step.finished and step is self._work.steps[0] and not step.task.current
            if ended:
                self._end(step.words(), now)
        if ended and not self._steady:
            self._line.stop()
        elif self._moves and late and not self._line.shown:
            self._line.start()

    def close(self) -> None:
        """Take what moves off the screen, for good."""
        self._line.stop()

    @property
    def _moves(self) -> bool:
        return not self.quiet and self.err.isatty()

    def _end(self, words: str, now: float) -> None:
        """The outermost work is done: forget it; in a pipe, say so where anything was said of it."""
        if self._told is not None and self._began is not None and now - self._told >= EVERY / 2:
            print(f"{words}, {duration(now - self._began)}", file=self.err, flush=True)
        self._last = words
        self._work.clear()
        self._began = self._told = None

    def _fraction(self) -> float | None:
        with self._lock:
            return self._work.fraction()

    def _words(self, room: int) -> str:
        with self._lock:
            return self._work.words(room) or self._last

    @contextmanager
    def _aside(self, again: bool = True) -> Iterator[None]:
        """Print above what moves: it is taken off the screen for that long, or (a result) until there is more work."""
        shown = self._line.shown
        if shown:
            self._line.stop()
        yield
        if shown and again:
            self._line.start()


def _plain(value: Any) -> Any:
    """JSON has no infinity (the PSNR of identical images) and no NaN: they become the text ``inf`` and null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value
