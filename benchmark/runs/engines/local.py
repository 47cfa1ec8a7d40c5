"""The engine `local`: a worker per GPU, or several on the processors; a worker that dies costs its job and no other."""

from __future__ import annotations

import os
import signal
import time
import warnings
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import wait as ready_among
from pathlib import Path

from benchmark.progress import Report
from benchmark.records.cell import CRASHED, MEMORY, TIMEOUT
from benchmark.records.files import ResultsError, writing
from benchmark.records.record import Record
from benchmark.runs.config import RunConfig
from benchmark.runs.engines.jobs import Died, Job, Outcome, Trained, Untrained
from benchmark.runs.engines.memory import UNKNOWN, available, peaks, resident
from benchmark.runs.engines.nursery import GRACE
from benchmark.runs.engines.settings import EngineSettings
from benchmark.runs.engines.worker import Order, Step, Stop, Warned
from benchmark.runs.engines.workers import GONE, Nursery, Worker, messages, obituary
from benchmark.training.request import TrainingRequest
from datasets.core.sealed import DamagedWarning

LOGS = "logs"  # under the results folder


class Local:
    """Workers on this machine, one per entry of `devices`.

    Args:
        settings: threads, timeout and memory. config: how cells run. devices: such as ``cuda:0``, one a worker.
        report: progress of all jobs.
    """

    def __init__(self, settings: EngineSettings, config: RunConfig, devices: list[str], report: Report = None) -> None:
        self.capacity = len(devices)
        cpus = os.cpu_count() or 1
        share = max(1, cpus // self.capacity)
        self.config = replace(config, threads=config.threads or share)
        self._threads = settings.threads or share
        self._timeout, self._report = settings.timeout * 60, report
        self._memory = int(settings.memory * 1e9)
        self._free, self._idle, self._busy = list(devices), list[Worker](), list[Worker]()
        self._nursery: Nursery | None = None
        self._peaks: dict[str, int] | None = None
        self._seen: set[str] = set()  # jobs whose logs were begun

    def has_room(self, job: Job) -> bool:
        """Whether a worker is free and, beside others, the machine has the memory that the job is known to need."""
        if len(self._busy) >= self.capacity:
            return False
        left = available()
        if not self._busy or left is None:
            return True
        reserved = sum(max(0, self._need(w.job) - resident(w.pid)) for w in self._busy if w.job)
        return left - reserved >= self._need(job)

    def _need(self, job: Job) -> int:
        if self._peaks is None:
            self._peaks = dict(peaks(self.config.results))
        return self._peaks.get(job.method, UNKNOWN)

    def start(self, job: Job) -> None:
        """Give the job to a worker that no other plug-in's code has run in."""
        log = self.log_of(job)
        with writing(log.parent):
            log.parent.mkdir(parents=True, exist_ok=True)
            if job.name not in self._seen:
                log.unlink(missing_ok=True)
        self._seen.add(job.name)
        worker = self._worker_for(job)
        worker.plugin, worker.job, worker.heard = job.plugin, job, time.monotonic()
        self._busy.append(worker)
        with suppress(OSError):  # it has died since: its death will be told
            worker.channel.send(Order(job, replace(self.config, device=worker.device), log))

    def _worker_for(self, job: Job) -> Worker:
        for worker in self._idle:
            if worker.plugin in ("", job.plugin):
                self._idle.remove(worker)
                return worker
        if not self._free:
            self._retire(self._idle.pop(0))
        if self._nursery is None:
            self._nursery = Nursery()
        # Most bytes of the worker: beyond them its allocations fail, before the kernel kills some process or other.
        # None on a GPU, since drivers reserve many times what they use.
        on_gpu = self.config.device.startswith("cuda")
        limit = 0 if on_gpu else self._memory or int(0.9 * (available() or 0))
        return self._nursery.fork(self._free.pop(0), self._threads, limit)

    def _retire(self, worker: Worker) -> None:
        worker.channel.close()
        self._free.append(worker.device)

    def log_of(self, job: Job) -> Path:
        """What a job's worker and its method print goes there."""
        return self.config.results / LOGS / f"{job.name}.log"

    def wait(self, seconds: float | None) -> list[tuple[Job, Outcome]]:
        """See `Engine.wait`."""
        until = None if seconds is None else time.monotonic() + seconds
        while self._busy and self._nursery is not None:
            left = 1.0 if until is None else max(0.0, min(1.0, until - time.monotonic()))
            ready_among([self._nursery, *(w.channel for w in self._busy)], left)  # type: ignore[list-item]
            ended = self._heard() + self._dead()
            if ended or (until is not None and time.monotonic() >= until):
                return ended
            self._end_silent()
        return []

    def _heard(self) -> list[tuple[Job, Outcome]]:
        ended = []
        for worker in list(self._busy):
            for message in messages(worker):
                worker.heard = time.monotonic()
                if isinstance(message, Step):
                    if self._report:
                        self._report(message.what, message.done, message.total)
                elif isinstance(message, Warned):
                    warnings.warn(message.text, DamagedWarning if message.damaged else UserWarning, stacklevel=2)
                elif message is GONE:
                    if self._nursery:
                        self._nursery.kill(worker)
                elif isinstance(message, Stop):
                    raise ResultsError(message.text)
                elif worker.job:
                    ended.append((worker.job, self._done(worker, message)))
        return ended

    def _done(self, worker: Worker, outcome: Outcome) -> Outcome:
        """A worker has finished its job: it takes another one, unless the job may have left it in any state."""
        job, worker.job = worker.job, None
        self._busy.remove(worker)
        if isinstance(outcome, Record):
            suspicious = outcome.reason is not None and outcome.reason.code in (CRASHED, MEMORY)
        else:
            suspicious = isinstance(outcome, Died) or (isinstance(outcome, Untrained) and outcome.crashed)
        if suspicious:
            self._retire(worker)
        else:
            self._idle.append(worker)
        log = self.log_of(job) if job else None
        if log and isinstance(outcome, Record | Trained) and log.exists() and not log.stat().st_size:
            log.unlink(missing_ok=True)
        return replace(outcome, text=f"{outcome.text} (log: {log})") if isinstance(outcome, Died) else outcome

    def _dead(self) -> list[tuple[Job, Outcome]]:
        assert self._nursery is not None
        try:
            codes = self._nursery.ended()
        except (EOFError, OSError):  # the nursery itself was killed: its workers end by themselves
            self._nursery.close()
            self._nursery = None
            codes = {worker.pid: -int(signal.SIGKILL) for worker in (*self._busy, *self._idle)}
        ended = list[tuple[Job, Outcome]]()
        for worker in [w for w in (*self._busy, *self._idle) if w.pid in codes]:
            if worker.job:
                ended.append((worker.job, self._died(worker, codes[worker.pid])))
                self._busy.remove(worker)
            else:
                self._idle.remove(worker)
            self._retire(worker)
        return ended

    def _died(self, worker: Worker, code: int) -> Died:
        assert worker.job is not None
        if worker.verdict:
            return Died(f"{worker.verdict} (log: {self.log_of(worker.job)})", code=TIMEOUT)
        how, outside = obituary(code)
        return Died(f"The process that ran it {how} (log: {self.log_of(worker.job)})", outside)

    def _end_silent(self) -> None:
        """End workers that hang; their log tells where."""
        for worker in self._busy:
            silent = time.monotonic() - worker.heard
            if self._timeout and silent > self._timeout and not worker.verdict and self._nursery:
                worker.verdict = f"It gave no sign of progress for {silent / 60:.2g} min (--timeout), and was ended"
                self._nursery.kill(worker, signal.SIGUSR1)  # writes where each thread is to the log
                time.sleep(0.2)
                self._nursery.kill(worker)

    def close(self, interrupted: bool = False) -> None:
        """End all workers; trainings that an interruption ends write a checkpoint first."""
        if self._nursery is None:
            return
        training = [w for w in self._busy if w.job and isinstance(w.job.work, TrainingRequest)] if interrupted else []
        for worker in self._busy:
            self._nursery.kill(worker, signal.SIGTERM if worker in training else signal.SIGKILL)
        until = time.monotonic() + GRACE
        try:
            while training and time.monotonic() < until:
                ready_among([self._nursery, *(w.channel for w in training)], 0.5)  # type: ignore[list-item]
                gone = self._nursery.ended()
                # a worker goes on after a step or a warning alone
                training = [
                    worker
                    for worker in training
                    if worker.pid not in gone and all(isinstance(m, Step | Warned) for m in list(messages(worker)))
                ]
        except (EOFError, OSError):  # the nursery was killed
            pass
        for worker in (*self._busy, *self._idle):
            worker.channel.close()
        self._nursery.close()
        self._nursery = None
