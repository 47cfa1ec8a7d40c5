"""A process that imports everything once and forks workers on request: a worker that died is replaced in milliseconds.

It runs none of a method's code, so that nothing a method does can harm it. When the process that started it is gone,
its workers get TERM, some seconds to write a checkpoint, and then KILL: nothing is left behind, whatever happened.

Over a socket come lines of JSON: ``{"do": "fork", "threads": 1, "memory": 0}`` with a descriptor, which becomes the
worker's channel, and ``{"do": "kill", "pid": 1, "signal": 9}``. Back go ``{"forked": 1}``, ``{"ended": 1, "code": 0}``.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import time
from contextlib import suppress
from typing import Any, NoReturn

GRACE = 30.0  # seconds between TERM and KILL
_IMPORTS = ("benchmark.runs.engines.worker", "cv2", "scipy.ndimage")


class _Nursery:
    def __init__(self, control: socket.socket) -> None:
        self.control, self.children = control, set[int]()
        self._text, self._descriptors = b"", list[int]()
        self._wake, wakes = socket.socketpair()
        for end in (self._wake, wakes):
            end.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wakes.fileno(), warn_on_full_buffer=False)
        self._wakes = wakes

    def serve(self) -> None:
        """Until whoever started it has gone."""
        while True:
            ready, _, _ = select.select([self.control, self._wake], [], [])
            if self._wake in ready:
                self._wake.recv(4096)
                self._bury()
            if self.control in ready and not self._obey():
                return self._end()

    def _obey(self) -> bool:
        """Carry out what was asked for; whether there is still somebody who asks."""
        try:
            data, descriptors, _, _ = socket.recv_fds(self.control, 4096, 8)
        except ConnectionError:
            return False
        self._descriptors += descriptors
        *lines, self._text = (self._text + data).split(b"\n")
        for order in map(json.loads, lines):
            if order["do"] == "fork":
                channel, pid = self._descriptors.pop(0), os.fork()
                if pid == 0:
                    self._become_worker(channel, order)
                os.close(channel)
                self.children.add(pid)
                self._tell({"forked": pid})
            elif order["pid"] in self.children:
                _signal_group(order["pid"], order["signal"])
        return bool(data)

    def _become_worker(self, channel: int, order: dict[str, Any]) -> NoReturn:
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.setsid()  # a group of its own: what a method forks is ended with it, and Ctrl-C does not reach it
            for end in (self.control, self._wake, self._wakes):
                end.close()
            from benchmark.runs.engines.worker import serve

            serve(channel, order["threads"], order["memory"])
            code = 0
        finally:
            os._exit(code)

    def _bury(self) -> None:
        with suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                pid, status = found
                if pid in self.children:
                    _signal_group(pid, signal.SIGKILL)  # what it forked
                    self.children.discard(pid)
                    self._tell({"ended": pid, "code": os.waitstatus_to_exitcode(status)})

    def _tell(self, message: dict[str, Any]) -> None:
        with suppress(OSError):  # nobody is there any more: the next look at the socket finds that
            self.control.sendall(json.dumps(message).encode() + b"\n")

    def _end(self) -> None:
        until = time.monotonic() + GRACE
        for pid in self.children:
            _signal_group(pid, signal.SIGTERM)
        while self.children and time.monotonic() < until:
            select.select([self._wake], [], [], 0.5)
            with suppress(BlockingIOError):
                self._wake.recv(4096)
            self._bury()
        for pid in self.children:
            _signal_group(pid, signal.SIGKILL)


def _signal_group(pid: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def main() -> None:
    """Serve the socket whose descriptor is the first argument."""
    control = socket.socket(fileno=int(sys.argv[1]))
    os.set_inheritable(control.fileno(), False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in _IMPORTS:
        with suppress(ImportError):
            importlib.import_module(name)
    from benchmark import environment

    environment.commit()  # asked once, for all workers
    environment.versions()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # as its workers should have it; it has no terminal
    gc.collect()
    gc.freeze()  # so that the workers share its pages
    _Nursery(control).serve()


if __name__ == "__main__":
    main()
