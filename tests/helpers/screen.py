"""A pseudo-terminal whose last line is looked at every half a second while a command runs in it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WHEEL = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
EVERY = 0.5
_ESCAPE = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])")


class LastLine:
    """What stands in the line of the cursor."""

    def __init__(self) -> None:
        self.text, self.column = "", 0

    def feed(self, text: str) -> None:
        place = 0
        while place < len(text):
            if escape := _ESCAPE.match(text, place):
                place = escape.end()
                if escape[2] == "K":
                    self.text = ""
                continue
            character, place = text[place], place + 1
            if character == "\n":
                self.text, self.column = "", 0
            elif character == "\r":
                self.column = 0
            else:
                self.text = self.text[: self.column].ljust(self.column) + character + self.text[self.column + 1 :]
                self.column += 1


@dataclass
class Seen:
    """Exit code, everything that was written, and the last line at each look: (seconds, text)."""

    code: int = 0
    startup: float = 0.0  # seconds that a bare Python took just before
    text: str = ""
    looks: list[tuple[float, str]] = field(default_factory=list)

    @property
    def plain(self) -> str:
        """Everything without escapes."""
        return _ESCAPE.sub("", self.text)

    def at_work(self) -> list[str]:
        """The looks from the first second on (on a busy machine, from when Python is up) to the last moving line."""
        last = max((n for n, (_, line) in enumerate(self.looks) if line[:1] in WHEEL and line), default=-1)
        late = [line for since, line in self.looks[: last + 1] if since >= max(1.0, 5 * self.startup)]
        return late or [line for _, line in self.looks[: last + 1]]  # of work that is over within that time: all looks

    def moving(self) -> float:
        """The share of those looks at which the line was there and another one than at the look before."""
        looks = self.at_work()
        moved = [bool(line) and line[0] in WHEEL and line != before for before, line in zip(["", *looks], looks)]
        return sum(moved) / max(1, len(moved))

    def words(self) -> list[str]:
        """Without wheel and clock: what was said of the work, each once."""
        return list(dict.fromkeys(line[1:].rpartition(" · ")[0].strip() for line in self.at_work() if line))


def watched(words: list[str], folder: Path, columns: int = 100) -> Seen:
    """Run a command of the benchmark in a folder and look at its screen."""
    before = time.monotonic()
    subprocess.run([sys.executable, "-c", "import argparse, json, threading"], check=True)
    startup = time.monotonic() - before
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(folder)
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "COLUMNS": str(columns)}
        os.execve(sys.executable, [sys.executable, "-m", "benchmark", *words], environment)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    seen, line, start, parts = Seen(startup=startup), LastLine(), time.monotonic(), []
    pending = b""
    while True:
        due = start + EVERY * (len(seen.looks) + 1)
        ready, _, _ = select.select([terminal], [], [], max(0.0, due - time.monotonic()))
        if ready:
            try:
                got = os.read(terminal, 1 << 16)
            except OSError:
                break
            if not got:
                break
            pending += got
            whole = pending.decode("utf-8", "ignore")  # a character that is cut in two comes with the next piece
            if whole.encode() == pending:
                line.feed(whole)
                parts.append(whole)
                pending = b""
        while time.monotonic() >= start + EVERY * (len(seen.looks) + 1):
            seen.looks.append((time.monotonic() - start, line.text))
    _, status = os.waitpid(process, 0)
    os.close(terminal)
    seen.code, seen.text = os.waitstatus_to_exitcode(status), "".join(parts)
    return seen
