"""Worker processes as their owner sees them: forked by a nursery, asked by messages, missed when they die."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmark.runs.engines.jobs import Job
from datasets.core.errors import UserError

GONE = object()  # in place of a message: the worker has closed its channel, or sent what cannot be read
_CODE = "from benchmark.runs.engines.nursery import main; main()"
_PATIENCE = 120.0  # seconds that a nursery may take to import everything


@dataclass
class Worker:
    """One process.

    Attributes:
        pid, channel: of it. device: that it keeps for its life. plugin: whose code it has run ('' = none's).
        job: what it does, None = nothing. heard: when it last gave a sign, on the monotonic clock.
        verdict: why its owner ended it, '' = it did not.
    """

    pid: int
    channel: Connection
    device: str
    plugin: str = ""
    job: Job | None = None
    heard: float = field(default_factory=time.monotonic)
    verdict: str = ""


class Nursery:
    """The process that forks workers, from its owner's side. It is started when the first worker is asked for."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair()
        path = os.pathsep.join(dict.fromkeys(entry or str(Path.cwd()) for entry in sys.path))
        words = [sys.executable, "-c", _CODE, str(theirs.fileno())]
        with theirs:
            self._process = subprocess.Popen(
                words,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,  # nothing of it may come between an owner's results
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": path},
            )
        self._text, self._ended = b"", dict[int, int]()

    def fileno(self) -> int:
        """For `select`: readable when a worker has died."""
        return self._control.fileno()

    def fork(self, device: str, threads: int, memory: int) -> Worker:
        """A worker; see benchmark.runs.engines.worker.serve. Raises UserError where none can be had."""
        mine, theirs = socket.socketpair()
        order = {"do": "fork", "threads": threads, "memory": memory}
        with theirs:
            try:
                socket.send_fds(self._control, [json.dumps(order).encode() + b"\n"], [theirs.fileno()])
                pid = self._forked()
            except (OSError, EOFError) as error:
                mine.close()
                raise UserError(
                    "No worker process could be started (memory, or the number of processes, is used up): give fewer "
                    "--workers, or --engine here."
                ) from error
        return Worker(pid, Connection(mine.detach()), device)

    def _forked(self) -> int:
        until = time.monotonic() + _PATIENCE
        while True:
            if not select.select([self._control], [], [], max(0.0, until - time.monotonic()))[0]:
                raise EOFError
            for message in self._messages():
                if "forked" in message:
                    return int(message["forked"])

    def ended(self) -> dict[int, int]:
        """Pid -> exit code (minus the signal's number) of workers that died since. Raises EOFError if it has died."""
        while select.select([self._control], [], [], 0)[0]:
            self._messages()
        found, self._ended = self._ended, {}
        return found

    def _messages(self) -> list[dict[str, Any]]:
        """The messages that have come; deaths among them are kept."""
        data = self._control.recv(4096)
        if not data:
            raise EOFError
        *lines, self._text = (self._text + data).split(b"\n")
        messages = [json.loads(line) for line in lines]
        self._ended |= {message["ended"]: message["code"] for message in messages if "ended" in message}
        return messages

    def kill(self, worker: Worker, number: int = signal.SIGKILL) -> None:
        """Send a signal to a worker and all that it forked."""
        order = {"do": "kill", "pid": worker.pid, "signal": int(number)}
        try:
            self._control.sendall(json.dumps(order).encode() + b"\n")
        except OSError:  # it has died, and its workers end by themselves
            return

    def close(self, seconds: float = 5.0) -> None:
        """End it and its workers."""
        self._control.close()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def messages(worker: Worker) -> Iterator[Any]:
    """What a worker has sent since, GONE at the end where nothing more can come."""
    try:
        while worker.channel.poll():
            yield worker.channel.recv()
    except Exception:  # a method may have written anything into the channel
        yield GONE


def obituary(code: int) -> tuple[str, bool]:
    """How a process ended, in words, and whether that came from outside, so that another try makes sense."""
    if code >= 0:
        return f"ended itself with exit status {code} before it was done", False
    name = signal.Signals(-code).name if -code in {s.value for s in signal.Signals} else f"signal {-code}"
    words = {
        "SIGSEGV": "segmentation fault",
        "SIGABRT": "abort",
        "SIGBUS": "bus error",
        "SIGFPE": "arithmetic error",
        "SIGILL": "illegal instruction",
        "SIGKILL": "killed from outside, often for want of memory",
    }
    text = f"died of {name}" + (f" ({words[name]})" if name in words else "")
    return text, name in ("SIGKILL", "SIGTERM", "SIGHUP", "SIGINT")
