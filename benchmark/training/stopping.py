"""Ctrl-C, TERM, HUP and an alarm during a training: the step is finished and a checkpoint written, then it ends."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)


class StoppedError(KeyboardInterrupt):
    """A signal ended the work, as Ctrl-C does; `signal` is its number."""

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.signal = number


class Stopping:
    """Within its context a first signal is noted in `signal`; a second one ends the work at once.

    Nothing is noted outside of the main thread, of a signal that is ignored (nohup), and with `active` False.
    """

    def __init__(self, active: bool = True) -> None:
        self.active = active and threading.current_thread() is threading.main_thread()
        self.signal = 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Stopping:
        for number in SIGNALS if self.active else ():
            if signal.getsignal(number) not in (signal.SIG_IGN, None):
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, _: FrameType | None) -> None:
        if self.signal:
            raise StoppedError(number)
        self.signal = number

    def end(self) -> None:
        """End the work where a signal was noted. Raises StoppedError."""
        if self.signal:
            raise StoppedError(self.signal)
