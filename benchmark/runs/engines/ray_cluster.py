"""The engine `ray`: a Ray cluster, for machines without a scheduler. A GPU for each job where it has any, else a CPU.

Where a machine sees the results folder, its job works there. Where it does not, the job works in a folder of its own,
is given the weights, and sends back what it leaves. Prepared data have to be on each machine, under the same path.
"""

from __future__ import annotations

import os
import secrets
import shutil
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmark.progress import Report
from benchmark.records.cell import TIMEOUT, Cell
from benchmark.records.claims import CLAIM
from benchmark.records.files import read_record, run_folder, write_record, writing
from benchmark.records.record import Record
from benchmark.runs.config import RunConfig
from benchmark.runs.engines.jobs import Died, Job, Outcome, Trained, carry_out
from benchmark.runs.engines.settings import EngineSettings
from datasets.core.errors import UserError
from datasets.core.files import write_bytes
from methods.weights import card_path

Files = Mapping[str, bytes]  # path below the results folder -> content
_LEFT_THERE = ("lock", CLAIM, "last.pt", "best.pt")  # of no use elsewhere


class RayCluster:
    """Jobs as tasks of Ray.

    Args:
        settings: `address`, '' = a cluster of its own on this machine, which ends with it. Threads; timeout, counted
            from when a task is given. config: how cells run.
    Raises:
        UserError: Ray is not installed, or no cluster answers.
    """

    def __init__(self, settings: EngineSettings, config: RunConfig, report: Report = None) -> None:
        self.config = replace(config, results=config.results.absolute(), data=config.data.absolute())
        self._settings, self._temporary = settings, ""
        self._ray = self._joined()
        resources = self._ray.cluster_resources()
        gpus = int(resources.get("GPU", 0))
        self.capacity = gpus or max(1, int(resources.get("CPU", 1)))
        needs = {"num_gpus": 1} if gpus else {"num_cpus": 1}
        self._task = self._ray.remote(**needs, max_retries=0)(carry_out_away)
        self._pending: dict[Any, tuple[Job, float]] = {}
        self._mark = self.config.results / f".{uuid.uuid4().hex}.part"
        with writing(self._mark.parent):
            write_bytes(self._mark, b"", durable=False)

    def _joined(self) -> Any:
        own = not (self._settings.address or os.environ.get("RAY_ADDRESS"))
        with _token(own and "ray" not in sys.modules):  # it looks at the environment when it is imported
            try:
                import ray
            except ImportError as error:
                raise UserError(
                    "The engine 'ray' needs Ray, which is not installed: pip install 'restoration-benchmark[cluster]'."
                ) from error
            more: dict[str, Any] = {}
            if own and not ray.is_initialized():
                self._temporary = tempfile.mkdtemp(prefix="ray-")
                more = {"_temp_dir": self._temporary, "_node_ip_address": "127.0.0.1", "include_dashboard": False}
            try:
                if not ray.is_initialized():
                    ray.init(address=self._settings.address or None, log_to_driver=False, logging_level=40, **more)
            except Exception as error:
                self._leave()
                raise UserError(
                    f"No Ray cluster answers at {self._settings.address or 'this machine'} ({error}); start one with "
                    "`ray start --head`, or leave --address out."
                ) from error
        return ray

    def has_room(self, job: Job) -> bool:
        """Whether fewer tasks are pending than the cluster can run."""
        return len(self._pending) < self.capacity

    def start(self, job: Job) -> None:
        """Give the job to the cluster."""
        given = _files_for(job, self.config.results)
        task = self._task.remote(job, self.config, self._mark, given, self._settings.threads)
        self._pending[task] = job, time.monotonic()

    def wait(self, seconds: float | None) -> list[tuple[Job, Outcome]]:
        """See `Engine.wait`."""
        if not self._pending:
            return []
        limit = self._settings.timeout * 60
        ready, _ = self._ray.wait(list(self._pending), num_returns=1, timeout=min(seconds or 5.0, 5.0))
        ended = [(self._pending.pop(task)[0], task) for task in ready]
        outcomes = [(job, self._outcome(task)) for job, task in ended]
        for task, (job, since) in list(self._pending.items()):
            if limit and time.monotonic() - since > limit:
                del self._pending[task]
                self._ray.cancel(task, force=True)
                outcomes.append((job, Died("It took longer than --timeout, and was ended", code=TIMEOUT)))
        return outcomes

    def _outcome(self, task: Any) -> Outcome:
        try:
            outcome, files = self._ray.get(task)
        except UserError:  # the results folder cannot be written, on whatever machine
            raise
        except Exception as error:  # Ray's own, of a worker or a machine that died
            text = " ".join(f"The process that ran it died: {type(error).__name__}: {error}".split())
            return Died(text, again="Crashed" not in type(error).__name__)
        # What a machine without the folder has sent is written, the record last.
        results = self.config.results
        _write(files, results)
        if isinstance(outcome, Record) and (files or not (run_folder(results, outcome.id) / "record.json").exists()):
            write_record(results, outcome)
        return outcome

    def close(self, interrupted: bool = False) -> None:
        """End its tasks, and the cluster where it is its own."""
        for task in self._pending:
            with suppress(Exception):
                self._ray.cancel(task, force=not interrupted)
        self._mark.unlink(missing_ok=True)
        self._leave()

    def _leave(self) -> None:
        """End a cluster of one's own, whole or half started, and remove its folder."""
        if self._temporary:
            sys.modules["ray"].shutdown()
            shutil.rmtree(self._temporary, ignore_errors=True)


@contextmanager
def _token(own: bool) -> Iterator[None]:
    """Give a cluster of one's own a secret in the environment, in place of one in a file in the home folder."""
    names = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32), "RAY_USAGE_STATS_ENABLED": "0"}
    given = {name: value for name, value in names.items() if own and name not in os.environ}
    os.environ.update(given)
    try:
        yield
    finally:
        for name in given:
            os.environ.pop(name, None)


def carry_out_away(job: Job, config: RunConfig, mark: Path, given: Files, threads: int) -> tuple[Outcome, Files]:
    """Do a job on whatever machine this is.

    Args:
        mark: a file in the results folder; where it is not to be seen, the folder is not shared.
        given: files that the job needs where that is so. threads: of torch; 0 = as Ray sets them.
    Returns:
        the outcome, and the files that it left where the folder is not shared.
    """
    if threads:
        import torch

        torch.set_num_threads(threads)
    if mark.exists():
        return carry_out(job, config), {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write(given, folder)
        if isinstance(job.work, Cell):
            weights = str(folder / "given" / Path(job.work.weights).name) if job.work.weights else ""
            moved = replace(job, work=replace(job.work, weights=weights))
        else:
            moved = replace(job, work=replace(job.work, results=folder))
        outcome = carry_out(moved, replace(config, results=folder))
        return _sent(outcome, folder, config.results), _left(folder, given)


def _files_for(job: Job, results: Path) -> Files:
    """The weights with their card, and what an earlier run left."""
    if not isinstance(job.work, Cell):
        return {}
    folder = run_folder(results, job.work.id)
    paths = {f"runs/{job.work.id}/{name}": folder / name for name in ("scores.csv", "record.json")}
    if job.work.weights:
        weights = Path(job.work.weights)
        paths |= {f"given/{path.name}": path for path in (weights, card_path(weights))}
    return {name: path.read_bytes() for name, path in paths.items() if path.is_file()}


def _sent(outcome: Outcome, folder: Path, results: Path) -> Outcome:
    """The outcome, of the results folder that it is meant for."""
    if isinstance(outcome, Record):
        record = read_record(run_folder(folder, outcome.id)) or outcome  # as written: it knows its scores
        if record.reason:
            text = record.reason.text.replace(str(folder), str(results))
            record = replace(record, reason=replace(record.reason, text=text))
        return replace(record, folder="")
    if isinstance(outcome, Trained):
        return Trained({role: results / path.relative_to(folder) for role, path in outcome.paths.items()})
    return outcome


def _left(folder: Path, given: Files) -> Files:
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        kept = path.is_file() and path.name not in _LEFT_THERE and path.name != "record.json"
        if kept and not name.startswith(("given/", "training/pools/", "logs/")):
            content = path.read_bytes()
            if given.get(name) != content:
                found[name] = content
    return found


def _write(files: Files, folder: Path) -> None:
    for name, content in files.items():
        path = (folder / name).resolve()
        if not path.is_relative_to(folder.resolve()):
            raise UserError(f"A machine sent the file {name!r}, which does not lie in the results folder.")
        with writing(path.parent):
            write_bytes(path, content)
