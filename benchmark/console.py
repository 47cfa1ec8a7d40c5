"""What people see: tables, remarks, and progress with a remaining time on anything that takes over two seconds.

Results go to stdout; progress and remarks go to stderr, so that a pipe or ``--json`` gets nothing but results.
"""

from __future__ import annotations

import json
import math
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TextIO

PATIENCE = 2.0  # seconds before a bar or a line appears: shorter work needs none
WHOLE_CELL = 12  # characters: a terminal is narrow, and figures must not be cut; longer cells are wrapped
EVERY = 10.0  # seconds between two plain lines of one task


class Console:
    """Where output goes and in which form.

    Args:
        quiet: no progress and no remarks; results and errors only.
        as_json: results are JSON on stdout, tables are not printed, remarks go to stderr.
        out, err: streams; default stdout and stderr.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        *,
        quiet: bool = False,
        as_json: bool = False,
        out: TextIO | None = None,
        err: TextIO | None = None,
        clock: Any = time.monotonic,
    ) -> None:
        self.quiet, self.as_json, self.clock = quiet, as_json, clock
        self.out, self.err = out or sys.stdout, err or sys.stderr
        self._tasks: dict[str, _Task] = {}
        self._bars: Any = None
        self._lock = threading.Lock()

    def say(self, text: str) -> None:
        """A remark for people; it is no result."""
        if not self.quiet:
            self._stop_bars()
            print(text, file=self.err, flush=True)

    def error(self, text: str) -> None:
        """What went wrong with a part of the work; said even when quiet."""
        self._stop_bars()
        print(text, file=self.err, flush=True)

    def emit(self, value: Any) -> None:
        """A result for machines: one JSON document on stdout, under ``--json`` only."""
        if self.as_json:
            print(json.dumps(_plain(value), indent=2, default=str, allow_nan=False), file=self.out, flush=True)

    def table(self, title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """A result for people: a table on stdout, not under ``--json``.

        Tab-separated where stdout is no terminal; on a terminal columns without any content are left out.
        """
        if self.as_json:
            return
        self._stop_bars()
        cells = [["" if value is None else str(value) for value in row] for row in rows]
        if self.out.isatty():
            self._rich_table(title, columns, cells)
        else:
            self._plain_table(title, columns, cells)

    def remark(self, text: str) -> None:
        """A line below a table, part of the result. Not under ``--json``."""
        if not self.as_json:
            print(text, file=self.out, flush=True)

    def report(self, what: str, done: int, total: int) -> None:
        """Progress of a task named `what`: the callable that long functions take. May be called from any thread."""
        if self.quiet:
            return
        with self._lock:
            task = self._tasks.setdefault(what, _Task(self.clock()))
            now = self.clock()
            if done >= total > 0:
                self._finish(what, task, total)
            elif now - task.started >= PATIENCE:
                self._show(what, task, done, total, now)

    def close(self) -> None:
        """End any bar that is still on the screen."""
        self._stop_bars()

    def _show(self, what: str, task: _Task, done: int, total: int, now: float) -> None:
        if self.err.isatty():
            self._bar(what, task, done, total)
        elif task.shown is None or now - task.shown >= EVERY:
            task.shown = now
            print(f"{what}: {done} of {total}{task.remaining(done, total, now)}", file=self.err, flush=True)

    def _finish(self, what: str, task: _Task, total: int) -> None:
        self._tasks.pop(what, None)
        if task.bar is not None and self._bars is not None:
            self._bars.update(task.bar, completed=total, total=total)
            self._bars.stop_task(task.bar)
            if not any(other.bar is not None for other in self._tasks.values()):
                self._stop_bars()
        elif task.shown is not None:
            print(f"{what}: {total} of {total}, {self.clock() - task.started:.0f} s", file=self.err, flush=True)

    def _bar(self, what: str, task: _Task, done: int, total: int) -> None:
        if self._bars is None:
            self._bars = _bars(self.err)
            self._bars.start()
        if task.bar is None:
            task.bar = self._bars.add_task(what, total=total or None, completed=done)
        self._bars.update(task.bar, completed=done, total=total or None)

    def _stop_bars(self) -> None:
        if self._bars is not None:
            self._bars.stop()
            self._bars = None
            for task in self._tasks.values():
                task.bar = None

    def _rich_table(self, title: str, columns: Sequence[str], rows: list[list[str]]) -> None:
        from rich.console import Console as Rich
        from rich.table import Table
        from rich.text import Text

        used = [index for index in range(len(columns)) if any(row[index] for row in rows)] or range(len(columns))
        table = Table(title=title or None, title_justify="left")
        for index in used:
            width = max([len(columns[index]), *(len(row[index]) for row in rows)])
            table.add_column(columns[index], no_wrap=width <= WHOLE_CELL, overflow="fold")
        for row in rows:
            table.add_row(*(Text(row[index]) for index in used))
        Rich(file=self.out).print(table)

    def _plain_table(self, title: str, columns: Sequence[str], rows: list[list[str]]) -> None:
        if title:
            print(f"# {title}", file=self.out)
        for row in [list(columns), *rows]:
            print("\t".join(" ".join(cell.split()) for cell in row), file=self.out)
        self.out.flush()


class _Task:
    """When a task began, when it was last shown in plain lines, and its bar."""

    def __init__(self, started: float) -> None:
        self.started = started
        self.shown: float | None = None
        self.bar: Any = None

    def remaining(self, done: int, total: int, now: float) -> str:
        if done <= 0 or total <= 0:
            return ""
        return f", about {clock_text((now - self.started) * (total - done) / done)} left"


def _bars(stream: TextIO) -> Any:
    from rich.console import Console as Rich
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Rich(file=stream), transient=True)


def _plain(value: Any) -> Any:
    """JSON has no infinity (the PSNR of identical images) and no NaN: they become the text ``inf`` and null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value


def clock_text(seconds: float) -> str:
    """A duration in words short enough for a line: ``40 s``, ``3 min``, ``2.5 h``."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
