"""How long work says how far it is: a callable that gets (what, done, in all), or None.

`what` may be plain text. A `Task` says more: what is counted, and figures that change on the way. Work within work is
reported under names of its own (a tile of an image, an image of a cell); whoever shows it puts them into one line.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

Report = Callable[[str, int, int], None] | None


class Task(str):
    """The name of some work, with how it is counted.

    Attributes:
        unit: what `done` counts, such as ``image``; '' = not said. note: figures of the moment, such as a loss.
        current: whether `done` things are finished and the next one is at work, which is the one to name.
        cell: whether it is one cell of several (see `numbered`).
        share: where in all of the work the step at hand lies, as (begin, end) in [0, 1]; None = steps are alike.
    """

    unit: str
    note: str
    current: bool
    cell: bool
    share: tuple[float, float] | None

    def __new__(
        cls,
        text: str = "",
        unit: str = "",
        *,
        note: str = "",
        current: bool = False,
        cell: bool = False,
        share: tuple[float, float] | None = None,
    ) -> Task:
        """A name that equals its text: figures that change do not make it another one."""
        task = super().__new__(cls, text or unit)
        task.unit, task.note, task.current, task.cell, task.share = unit, note, current, cell, share
        return task

    @property
    def text_of_its_own(self) -> bool:
        """Whether its name says more than what is counted."""
        return str(self) != self.unit


def numbered(report: Report, total: int, seconds: Mapping[str, float] | None = None) -> Report:
    """`report`, told before the first word of each cell which of the `total` cells it is.

    Cells are told apart by the names of their tasks, so that it does not matter who runs them and in what order.

    Args:
        seconds: how long each of the cells takes, by the names of their tasks; only their ratios count. None = not
            known, and then of the cells that follow no time is told.
    """
    if report is None:
        return None
    seen: dict[str, None] = {}

    def told(what: str, done: int, in_all: int) -> None:
        if getattr(what, "cell", False) and what not in seen:
            share = _share(what, seen, seconds or {})
            seen[what] = None
            report(Task(unit="cell", current=True, share=share), min(len(seen), total) - 1, total)
        if what != "cells":  # an engine's own count of them says no more
            report(what, done, in_all)

    return told


def _share(what: str, before: Collection[str], seconds: Mapping[str, float]) -> tuple[float, float] | None:
    """Where in all of the cells one lies that follows those `before` it; None where a time is not known."""
    whole = sum(seconds.values())
    if whole <= 0 or not {what, *before} <= set(seconds):
        return None
    begin = sum(seconds[name] for name in before) / whole
    return begin, begin + seconds[what] / whole
