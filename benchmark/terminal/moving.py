"""The line that moves on a terminal: a thread draws it several times a second, whatever the work is busy with."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, TextIO

from benchmark.terminal.work import duration

PER_SECOND = 8
BAR = 16  # characters
_WHEEL = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


class MovingLine:
    """One line at the foot of the screen: a wheel, a bar, words, the time since it began.

    Args:
        stream: a terminal. fraction: how much is done, None = not known. words: gets the room in characters.
    """

    def __init__(self, stream: TextIO, fraction: Callable[[], float | None], words: Callable[[int], str]) -> None:
        self.stream, self.fraction, self.words = stream, fraction, words
        self.began = time.monotonic()
        self._live: Any = None
        self._lock = threading.RLock()

    @property
    def shown(self) -> bool:
        """Whether it is on the screen."""
        return self._live is not None

    def start(self) -> None:
        """Show it, where it is not shown yet."""
        from rich.console import Console as Rich
        from rich.live import Live

        with self._lock:
            if self._live is None:
                how: dict[str, Any] = {"transient": True, "redirect_stdout": False, "redirect_stderr": False}
                screen = Rich(file=self.stream)
                self._live = Live(console=screen, get_renderable=self._drawn, refresh_per_second=PER_SECOND, **how)
                self._live.start(refresh=True)

    def stop(self) -> None:
        """Take it off the screen."""
        with self._lock:
            live, self._live = self._live, None
        if live is not None:
            live.stop()

    def _drawn(self) -> Any:
        from rich.text import Text

        width = self._live.console.width if self._live else 80
        since = time.monotonic() - self.began
        wheel = _WHEEL[int(since * PER_SECOND) % len(_WHEEL)]
        tail = f" · {duration(since)}"
        part = self.fraction()
        head = f"{wheel} {bar(part)} " if part is not None else f"{wheel} "
        text = head + self.words(max(20, width - len(head) - len(tail) - 1)) + tail
        return Text(text[: width - 1], no_wrap=True, overflow="crop")


def bar(part: float) -> str:
    """A bar of BAR characters, of which `part` in [0, 1] is full, in halves of a character."""
    halves = round(max(0.0, min(1.0, part)) * 2 * BAR)
    full = "━" * (halves // 2) + ("╸" if halves % 2 else "")
    return full + "─" * (BAR - len(full))
