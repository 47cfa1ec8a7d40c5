"""Named points that long work passes, so that a test can kill it exactly there."""

from __future__ import annotations

import os
import signal

_passed: dict[str, int] = {}


def fault_point(phase: str) -> None:
    """Mark that `phase` (such as ``train.step``) is passed.

    Costs a dictionary look-up. With ``BENCHMARK_KILL=phase:n`` in the environment the process sends itself SIGKILL at
    the n-th passing (1 = the first), after appending the phase to the file named by ``BENCHMARK_KILL_LOG``.
    """
    order = os.environ.get("BENCHMARK_KILL")
    if not order:
        return
    wanted, _, count = order.rpartition(":")
    if phase != wanted:
        return
    _passed[phase] = _passed.get(phase, 0) + 1
    if _passed[phase] == int(count):
        log = os.environ.get("BENCHMARK_KILL_LOG")
        if log:
            with open(log, "a", encoding="utf-8") as stream:  # noqa: PTH123 - nothing may be imported on this path
                stream.write(phase + "\n")
                stream.flush()
                os.fsync(stream.fileno())
        os.kill(os.getpid(), signal.SIGKILL)
