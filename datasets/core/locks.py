"""One process at a time: a lock that dies with its owner, so that a killed run leaves nothing to clean up."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from datasets.core.errors import UserError
from datasets.core.files import clear_parts_of

_REMEDY = "wait for it to end, or choose another --results DIR"


class BusyError(UserError):
    """Another process holds the lock."""


@contextmanager
def exclusive(path: Path, what: str, remedy: str = _REMEDY) -> Iterator[None]:
    """Hold ``flock`` on a file, which holds the owner's process id.

    Args:
        path: the lock file; its folder exists. It stays behind: removing it would let two processes hold two locks.
        what: what is locked, remedy: what can be done meanwhile, for the message.
    Raises:
        BusyError: somebody else holds it.
    """
    with path.open("a+") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            stream.seek(0)
            owner = stream.read().strip() or "unknown"
            raise BusyError(f"Another run (process {owner}) is working on {what}; {remedy}.") from error
        stream.truncate(0)
        stream.write(str(os.getpid()))
        stream.flush()
        yield


@contextmanager
def taking_turns(path: Path) -> Iterator[None]:
    """Hold ``flock`` on a file, after waiting for whoever holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


@contextmanager
def writing_in_turn(*paths: Path) -> Iterator[None]:
    """Write files of one folder that belong together while no other process does; halves that were left go first."""
    with taking_turns(paths[0].parent / ".lock"):
        clear_parts_of(paths)
        yield
