"""Who is at work on a cell or a training: a claim in its folder, with a heartbeat, beside a lock that dies with it.

The lock decides on one machine. Where machines share a folder whose locks do not reach from one to the other, the claim
does: it is made in one step, and one whose heart has stopped is taken over.
"""

from __future__ import annotations

import errno
import json
import os
import platform
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from benchmark.progress import Report
from datasets.core.codec import decode
from datasets.core.errors import UserError
from datasets.core.files import open_ordinary, parse_json, write_bytes
from datasets.core.locks import BusyError, exclusive

CLAIM = "claim.json"
BEAT = 5.0  # seconds between two heartbeats
STALE = 120.0  # seconds without one after which a claim of another machine counts as left behind
_MOST = 1 << 16  # bytes of a claim
# Of a file system without hard links; or a neighbour's machine took the temporary file for one that was left.
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.ENOENT)


@dataclass(frozen=True)
class Claim:
    """Who works on something, since when, and how far it is.

    Attributes:
        pid, host: of the process. machine: its kernel and its space of process ids. process: when it was started, in
            the kernel's units ('' = not known); with the pid it names the process for good. token: of this claim.
        since, beat: seconds since 1970, of the claim and of its last heartbeat. what, done, total: the last step.
    """

    pid: int
    host: str
    machine: str
    process: str
    token: str
    since: float
    beat: float
    what: str = ""
    done: int = 0
    total: int = 0

    @property
    def here(self) -> bool:
        """Whether its process is one of this machine's, so that the kernel knows whether it lives."""
        return self.machine == _machine()

    def alive(self, now: float) -> bool:
        """Whether its process is at work: by the kernel on this machine, elsewhere by its heartbeat."""
        if self.here:
            return _started(self.pid) == self.process and _exists(self.pid)
        return now - self.beat < STALE


@contextmanager
def claimed(folder: Path, what: str, report: Report = None) -> Iterator[Report]:
    """Claim a folder for the work in a `with` block.

    Args:
        folder: of a cell or a training; it exists. what: is worked on, for the message.
        report: progress of the work goes here.
    Yields:
        the Report to use instead: it also keeps the last step for the claim.
    Raises:
        BusyError: another process is at work there.
    """
    with exclusive(folder / "lock", what):
        heart = _Heart(folder, _take(folder, what), report)
        heart.start()
        try:
            yield heart.report
        finally:
            heart.stop()


def read_claim(folder: Path) -> Claim | None:
    """The claim in a folder, whether its owner lives or not; None where there is none, or none that can be read."""
    try:
        with open_ordinary(folder / CLAIM, _MOST) as stream:
            found: Claim = decode(Claim, parse_json(stream.read()))
        for moment in (found.since, found.beat):
            time.gmtime(moment)  # what is no moment cannot be told either
    except (UserError, ValueError, OSError, OverflowError):
        return None
    return found


def at_work(folder: Path) -> Claim | None:
    """The claim of a process that is at work in a folder; None where nobody is."""
    claim = read_claim(folder)
    return claim if claim and claim.alive(time.time()) else None


def _take(folder: Path, what: str) -> Claim:
    """Make the claim. Whoever calls this holds the lock, as far as it reaches."""
    now = time.time()
    mine = Claim(os.getpid(), platform.node(), _machine(), _started(os.getpid()), uuid.uuid4().hex, now, now)
    while True:
        try:
            _create(folder / CLAIM, mine)
        except FileExistsError:
            _remove_stale(folder, what)
            continue
        return mine


def _create(path: Path, claim: Claim) -> None:
    """A new file, with its content in one step: a kill or a full disk leaves no empty claim, which would be believed.

    Raises:
        FileExistsError: there is one.
    """
    part = path.with_name(f".{CLAIM}.{claim.token}.part")
    try:
        part.write_bytes(_bytes(claim))
        os.link(part, path)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        _create_in_place(path, claim)
    finally:
        part.unlink(missing_ok=True)


def _create_in_place(path: Path, claim: Claim) -> None:
    stream = path.open("xb")
    try:
        with stream:
            stream.write(_bytes(claim))
    except OSError:
        path.unlink(missing_ok=True)
        raise


def _remove_stale(folder: Path, what: str) -> None:
    """Remove a claim that was left behind. Raises BusyError where its owner is at work."""
    path = folder / CLAIM
    other = read_claim(folder)
    with suppress(FileNotFoundError):
        # Times of one clock, the file server's: the lock was written a moment ago.
        age = (folder / "lock").stat().st_mtime - path.stat().st_mtime
        if age < STALE and not (other and other.here):
            who = f"process {other.pid} on {other.host}" if other else "unknown"
            raise BusyError(f"Another run ({who}) is working on {what}; wait for it to end.")
        aside = folder / f".{CLAIM}.{uuid.uuid4().hex}.part"
        path.rename(aside)
        taken = aside.read_bytes()
        if other and other.token.encode() not in taken:  # somebody was faster, and this is their claim
            with suppress(FileExistsError):
                os.link(aside, path)
        aside.unlink()


class _Heart(threading.Thread):
    """Renews a claim until it is stopped, and removes it then."""

    def __init__(self, folder: Path, claim: Claim, report: Report) -> None:
        super().__init__(name="heartbeat", daemon=True)
        self._folder, self._claim, self._report = folder, claim, report
        self._ended = threading.Event()

    def report(self, what: str, done: int, total: int) -> None:
        """Keep the last step, and pass it on."""
        self._claim = replace(self._claim, what=what, done=done, total=total)
        if self._report:
            self._report(what, done, total)

    def run(self) -> None:
        while not self._ended.wait(BEAT):
            if not self._is_mine():
                return
            with suppress(OSError):  # a full disk: others may take the work over, and the owner says what is wrong
                claim = replace(self._claim, beat=time.time())
                write_bytes(self._folder / CLAIM, _bytes(claim), durable=False)

    def stop(self) -> None:
        self._ended.set()
        self.join()
        if self._is_mine():
            with suppress(OSError):
                (self._folder / CLAIM).unlink()

    def _is_mine(self) -> bool:
        found = read_claim(self._folder)
        return found is not None and found.token == self._claim.token


def _bytes(claim: Claim) -> bytes:
    return (json.dumps(asdict(claim)) + "\n").encode()


@cache
def _machine() -> str:
    try:
        kernel = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{kernel} {Path('/proc/self/ns/pid').readlink()}"  # containers of one kernel count from 1 each
    except OSError:
        return platform.node()


def _started(pid: int) -> str:
    """When a process was started, by the kernel's clock; '' where there is none, or no /proc."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True


def summary(claim: Claim) -> dict[str, Any]:
    """Where, since when and how far, for a table."""
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(claim.since))
    step = f"{claim.what}: {claim.done} of {claim.total}" if claim.what else ""
    return {"where": f"{claim.host}, process {claim.pid}", "since": since, "step": step}
