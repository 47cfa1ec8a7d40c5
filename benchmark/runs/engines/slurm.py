"""The engine `slurm`: a plan as an array of Slurm jobs, by submitit. The nodes need the shared folder and nothing else.

A job is a training with the cells that wait for it, or some cells of one method. On its node it is a run of its own,
with the engine `local`. A job that is preempted, or out of time, is queued again: its trainings have written a
checkpoint by then, and go on exactly.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmark.planning.plan import PlannedCell
from benchmark.records.claims import at_work
from benchmark.records.files import read_record, run_folder, unsound, writing
from benchmark.records.record import DONE, SKIPPED, Record
from benchmark.runs.config import RunConfig
from benchmark.runs.engines.jobs import Job, Trained, Untrained
from benchmark.runs.engines.local import Local
from benchmark.runs.engines.queue import Queue
from benchmark.runs.engines.settings import EngineSettings
from benchmark.training.request import TrainingRequest
from datasets.core.errors import UserError
from datasets.core.registry import unknown
from datasets.core.sealed import read_sealed, write_sealed

FOLDER = "slurm"  # under the results folder: what the jobs are given, and what they print
AGAIN = 100  # times that a job may run out of its time
Work = PlannedCell | TrainingRequest
_OURS = {"cells_per_job": 4, "cluster": "slurm"}
_NAMES = {"time": "timeout_min", "gpus": "gpus_per_node", "cpus": "cpus_per_task", "mem": "mem_gb", "name": "name"}
_KINDS: Mapping[str, Callable[[str], Any]] = {"mem": float, "name": str}


class Carrier:
    """What a job calls on its node: some work of a plan, with the engine `local`."""

    def __call__(self, work: Sequence[Work], config: RunConfig, settings: EngineSettings) -> list[str]:
        """Carry it out; the names of what was done."""
        from benchmark.runs.engines import engine_of

        engine = engine_of(replace(settings, engine="local"), config)
        assert isinstance(engine, Local)
        outcomes = Queue(work, engine, config, say=print).run()
        return [outcome.id if isinstance(outcome, Record) else str(outcome) for outcome in outcomes]

    def checkpoint(self, *given: Any) -> Any:
        """Called by submitit when the job is about to be ended: the same again. What is done is not done twice."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self, *given)


def run_on_slurm(
    work: Sequence[Work], config: RunConfig, settings: EngineSettings, say: Callable[[str], None]
) -> list[Record | Trained | Untrained]:
    """Submit what is missing, and with `settings.wait` wait for it.

    Returns:
        what is known at the end: the records that there are, in the plan's order.
    Raises:
        UserError: submitit is missing, this is no cluster, or a parameter that Slurm does not know.
    """
    folder = config.results / FOLDER
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    executor = _executor(folder, settings.slurm)
    waiting = _waiting(folder, executor)
    todo = [one for one in work if _is_missing(one, config) and _name(one) not in waiting]
    parts = units(todo, int(_own(settings.slurm, "cells_per_job")))
    jobs = executor.map_array(Carrier(), parts, [config] * len(parts), [settings] * len(parts)) if parts else []
    submitted = {_name(one): job.job_id for part, job in zip(parts, jobs, strict=True) for one in part}
    with writing(folder):
        write_sealed(folder / "submitted.json", {**waiting, **submitted})
    ids = ", ".join(job.job_id for job in jobs)
    say(
        f"Submitted {len(jobs)} jobs ({ids or 'nothing is missing'}); {len(waiting)} cells are in the queue already. "
        f"How far they are: python -m benchmark status --results {config.results}"
    )
    for job in jobs if settings.wait else ():
        try:
            job.results()
        except Exception as error:  # whatever ended the job; submitit's own, or what was raised on the node
            say(f"The job {job.job_id} failed: {' '.join(str(error).split())[:500]}")
    return [record for one in work if (record := _record_of(one, config))]


def units(work: Sequence[Work], cells_per_job: int) -> list[list[Work]]:
    """The work of each job: a training with all that waits for it, or so many cells of one method."""
    trainings: dict[str, list[Work]] = {}
    methods: dict[str, list[Work]] = {}
    for one in work:
        training = one if isinstance(one, TrainingRequest) else one.training
        if training is not None:
            trainings.setdefault(training.command(), []).append(one)
        elif isinstance(one, PlannedCell):
            methods.setdefault(one.cell.method, []).append(one)
    return [
        *trainings.values(),
        *(cells[k : k + cells_per_job] for cells in methods.values() for k in range(0, len(cells), cells_per_job)),
    ]


def sbatch_text(work: Sequence[Work], config: RunConfig, settings: EngineSettings) -> str:
    """What would be handed to sbatch, for ``--dry-run``. Raises UserError as `run_on_slurm`."""
    submitit = _submitit()
    given = _parameters(settings.slurm)
    own = {name.removeprefix("slurm_"): value for name, value in given.items()}
    own["time"] = own.pop("timeout_min", 5)
    if "mem_gb" in own:
        own["mem"] = f"{own.pop('mem_gb'):g}GB"
    if "name" in own:
        own["job_name"] = own.pop("name")
    parts = units([one for one in work if _is_missing(one, config)], int(_own(settings.slurm, "cells_per_job")))
    folder = (config.results / FOLDER).absolute()
    command = f"{sys.executable} -u -m submitit.core._submit {folder}"
    text: str = submitit.slurm.slurm._make_sbatch_string(
        command=command, folder=folder, map_count=len(parts) or None, **own
    )
    return text


def _executor(folder: Path, slurm: Mapping[str, str]) -> Any:
    submitit, cluster = _submitit(), _own(slurm, "cluster")
    try:
        executor = submitit.AutoExecutor(
            folder=folder, cluster=cluster, slurm_max_num_timeout=AGAIN, local_max_num_timeout=AGAIN
        )
    except (RuntimeError, ValueError) as error:
        raise UserError(
            f"The engine 'slurm' finds no Slurm on this machine ({error}); give the command on a login node, "
            "or share the cells out with --shard."
        ) from error
    executor.update_parameters(**_parameters(slurm))
    return executor


def _submitit() -> Any:
    try:
        import submitit
    except ImportError as error:
        raise UserError(
            "The engine 'slurm' needs submitit, which is not installed: pip install 'restoration-benchmark[slurm]'."
        ) from error
    return submitit


def _own(slurm: Mapping[str, str], name: str) -> str:
    value = slurm.get(name, str(_OURS[name]))
    if name == "cells_per_job" and not (value.isdecimal() and int(value)):
        raise UserError(f"Expected --slurm {name}=N, a number of 1 or more; got {value!r}.")
    return value


def _parameters(slurm: Mapping[str, str]) -> dict[str, Any]:
    """Names and values as submitit takes them. Raises UserError for a name that it does not know."""
    defaults = inspect.signature(_submitit().slurm.slurm._make_sbatch_string).parameters
    known = {*_OURS, *_NAMES, *defaults} - {"command", "folder", "map_count", "job_name", "num_gpus"}
    found: dict[str, Any] = {"timeout_min": 60, "name": "restoration-benchmark"}
    for name, value in slurm.items():
        if name not in known:
            raise unknown("parameter in --slurm", name, known)
        if name in _OURS:
            continue
        try:
            if name in _NAMES:
                found[_NAMES[name]] = _KINDS.get(name, int)(value)
            else:
                found[f"slurm_{name}"] = int(value) if value.isdecimal() else value
        except ValueError as error:
            raise UserError(f"Expected a number in --slurm {name}=..., got {value!r}.") from error
    return found


def _waiting(folder: Path, executor: Any) -> dict[str, str]:
    """Name -> job, of what was submitted before and has not ended."""
    try:
        found, _ = read_sealed(folder / "submitted.json", "remove it")
    except (FileNotFoundError, UserError):
        return {}
    before = {name: number for name, number in found.items() if isinstance(number, str)}
    states: dict[str, bool] = {}
    kind = _submitit().LocalJob if executor.cluster == "local" else _submitit().SlurmJob
    for number in set(before.values()):
        with suppress(Exception):  # a queue that does not answer: its jobs are taken to have ended; claims protect them
            states[number] = kind(folder, number).state in ("PENDING", "RUNNING", "REQUEUED", "SUSPENDED")
    return {name: number for name, number in before.items() if states.get(number)}


def _name(one: Work) -> str:
    """The same in each submission: a cell with the training that it waits for, or as it is."""
    if isinstance(one, PlannedCell) and one.training is None:
        return one.cell.id
    training = one if isinstance(one, TrainingRequest) else one.training
    assert training is not None
    place = f" {one.cell.data.label}" if isinstance(one, PlannedCell) else ""
    return f"{Job(0, training).name}{place}"


def _is_missing(one: Work, config: RunConfig) -> bool:
    """Whether there is anything to do: no finished record, and nobody at work on it."""
    if isinstance(one, TrainingRequest) or one.training is not None:
        return True
    folder = run_folder(config.results, one.cell.id)
    if at_work(folder) is not None:
        return False
    if config.force:
        return True
    with suppress(UserError):
        record = read_record(folder)
        if record and record.status in (DONE, SKIPPED) and not unsound(folder, record):
            return False
    return True


def _record_of(one: Work, config: RunConfig) -> Record | Trained | Untrained | None:
    if isinstance(one, TrainingRequest):
        with suppress(UserError):
            return Trained({"restorer": _made(one)})
        return None
    cell = one.cell
    if one.training is not None and one.finish is not None:
        with suppress(UserError):
            cell = one.finish(_made(one.training))
    with suppress(UserError):
        return read_record(run_folder(config.results, cell.id))
    return None


def _made(training: TrainingRequest) -> Path:
    """The weights of a training that is finished. Raises UserError where it is not."""
    from benchmark.planning.weights_search import candidates, unchanged

    its_own = (c for c in candidates(training.method, training.results) if training.made(c.card))
    path = next((c.path for c in unchanged(its_own)), None)
    if path is None:
        raise UserError(f"Not trained yet: {training.command()}")
    return path
