"""One run at a time on one cell: a lock that dies with its process, so that a killed run leaves nothing to clean up."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from datasets.ops.errors import UserError


class BusyError(UserError):
    """Another process is at work on the same cell."""


@contextmanager
def exclusive(path: Path, what: str) -> Iterator[None]:
    """Hold ``flock`` on a file, which holds the owner's process id.

    Args:
        path: the lock file; its folder exists. It stays behind: removing it would let two runs hold two locks.
        what: what is locked, for the message.
    Raises:
        BusyError: somebody else holds it.
    """
    with path.open("a+") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            stream.seek(0)
            owner = stream.read().strip() or "unknown"
            raise BusyError(
                f"Another run (process {owner}) is working on {what}; wait for it to end, or choose another "
                "--results DIR."
            ) from error
        stream.truncate(0)
        stream.write(str(os.getpid()))
        stream.flush()
        yield
