"""The engine `here`: one job after another in this process; plug-ins in one worker beside it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace

from benchmark.progress import Report
from benchmark.runs.config import RunConfig
from benchmark.runs.engines.jobs import Job, Outcome, carry_out
from benchmark.runs.engines.local import Local
from benchmark.runs.engines.settings import EngineSettings


class Here:
    """One job at a time.

    Args:
        settings: `isolate` and `timeout` send built-in methods to the worker too. config: how cells run.
        report: progress of the job.
    """

    capacity = 1

    def __init__(self, settings: EngineSettings, config: RunConfig, report: Report = None) -> None:
        self.settings, self.config, self._report = settings, config, report
        self._worker: Local | None = None
        self._ended: list[tuple[Job, Outcome]] = []
        self._is_away = False

    def has_room(self, job: Job) -> bool:
        """Whether the job before has ended, and was fetched."""
        return not self._ended and not self._is_away

    def start(self, job: Job) -> None:
        """Carry the job out; in the worker it is only begun."""
        if job.plugin or ((self.settings.isolate or self.settings.timeout) and job.can_travel):
            if self._worker is None:
                import torch

                same = replace(self.settings, threads=self.settings.threads or torch.get_num_threads())
                self._worker = Local(same, self.config, [self.config.device], self._report)
            self._worker.start(job)
            self._is_away = True
            return
        with _threads(self.settings.threads), redirect_stdout(sys.stderr):  # prints of a method are no results
            self._ended.append((job, carry_out(job, self.config, self._report)))

    def wait(self, seconds: float | None) -> list[tuple[Job, Outcome]]:
        """See `Engine.wait`."""
        ended, self._ended = self._ended, []
        if self._worker and self._is_away:
            ended += self._worker.wait(seconds)
            self._is_away = not ended
        return ended

    def close(self, interrupted: bool = False) -> None:
        """End the worker."""
        if self._worker:
            self._worker.close(interrupted)


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """So many threads of torch; 0 = as they are."""
    if not count:
        yield
        return
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
