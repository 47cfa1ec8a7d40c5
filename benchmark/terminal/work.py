"""What is at work, from the reports of it: tasks within tasks, as one line of words, a fraction and the time left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmark.progress import Task

SETTLED = 0.7  # seconds after which work within work is named: what takes less would only flicker


@dataclass
class Step:
    """One task: when it began, how far it is."""

    task: Task
    started: float
    done: int
    total: int

    @property
    def finished(self) -> bool:
        """Whether all of it is done."""
        return self.done >= self.total > 0

    def words(self) -> str:
        """Such as ``dgunet on demo, image 7 of 20``; ``cell 3 of 8`` where the unit is all there is to say."""
        task, number = self.task, self.done + (self.task.current and not self.finished)
        if not self.total and not number:
            count = ""
        elif task.unit:
            count = f"{task.unit} {number} of {self.total}" if self.total else f"{task.unit} {number}"
        else:
            count = f"{number} of {self.total}" if self.total else ""
        if str(task) == task.unit:
            return count or task.unit
        return f"{task}{', ' if task.unit else ': '}{count}" if count else str(task)


class Work:
    """The tasks that are at work, the outermost first.

    A report of a task ends what was reported within its former step. Of work that runs side by side one name is told.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.steps: list[Step] = []

    def report(self, what: str, done: int, total: int) -> Step:
        """Take in one report; the task's step comes back."""
        task = what if isinstance(what, Task) else Task(what)
        for place, step in enumerate(self.steps):
            if step.task == task:
                if done != step.done:
                    del self.steps[place + 1 :]
                if done < step.done:  # the same work from its start
                    step.started = self.clock()
                step.task, step.done, step.total = task, done, total
                return step
        begins = task.text_of_its_own or task == "cell"  # and is no part of what is at work
        while self.steps and (self.steps[-1].finished or (begins and not self.steps[-1].total)):
            self.steps.pop()
        self.steps.append(Step(task, self.clock(), done, total))
        return self.steps[-1]

    def clear(self) -> None:
        """Forget all of it."""
        self.steps = []

    def fraction(self, start: int = 0) -> float | None:
        """How much of the task at place `start` is done, with what is done of the step at work; None = not known."""
        inner = 0.0
        for step in reversed(self.steps[start:]):
            if not step.total:
                inner = 0.0
                continue
            within = 0.0 if step.finished else inner
            if step.task.share and not step.finished:
                begin, end = step.task.share
                inner = min(1.0, begin + (end - begin) * within)
            else:
                inner = min(1.0, (step.done + within) / step.total)
        return inner if any(step.total for step in self.steps[start:]) else None

    def left(self) -> float | None:
        """Seconds that are left of the work that is named: of one cell where there are several, which differ too much.

        None before anything can be said.
        """
        return self._left_of(1 if self.steps and self.steps[0].task == "cell" else 0)

    def left_in_all(self) -> float | None:
        """Seconds that are left of all cells, where their shares are known and more of them follow; else None."""
        share = self.steps[0].task.share if self.steps else None
        return self._left_of(0) if share and share[1] < 1 - 1e-9 else None

    def _left_of(self, place: int) -> float | None:
        """Seconds that are left of the task at a place, if it goes on as it went; None before that can be said."""
        if place >= len(self.steps):
            return None
        part, now = self.fraction(place), self.clock()
        if not part or part >= 1 or now - self.steps[place].started < 0.5:
            return None
        return (now - self.steps[place].started) * (1 - part) / part

    def words(self, room: int = 0) -> str:
        """All of it in one line of at most `room` characters (0 = any): what is least needed is left out first."""
        now = self.clock()
        shown = [s for n, s in enumerate(self.steps) if n == 0 or s.task.text_of_its_own or now - s.started >= SETTLED]
        parts = [step.words() for step in shown]
        notes = [step.task.note for step in shown if step.task.note][-1:]
        left, whole = self.left(), self.left_in_all()
        time = [] if left is None else [f"{duration(left)} left"]
        if left is not None and whole is not None and whole > left:
            time[0] += f", {duration(whole)} in all"
        text = _joined(parts, notes, time)
        while room and len(text) > room and len(parts) > 2:
            parts.pop()
            text = _joined(parts, notes, time)
        if room and len(text) > room and notes:
            text = _joined(parts, [], time)
        return text if not room or len(text) <= room else f"{text[: room - 1]}…"


def _joined(parts: list[str], notes: list[str], time: list[str]) -> str:
    if len(parts) > 1 and parts[0].startswith("cell "):  # what follows, the time left above all, is of that cell
        parts = [f"{parts[0]}: {parts[1]}", *parts[2:]]
    return ", ".join([*parts, *notes, *time])


def duration(seconds: float) -> str:
    """A duration in words short enough for a line: ``40 s``, ``3 min``, ``2.5 h``."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
