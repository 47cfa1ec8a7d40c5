"""Slurm by submitit, whose local executor stands in for a cluster."""

from __future__ import annotations

import json
import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest

from benchmark.cli import main
from benchmark.planning.plan import PlannedCell
from benchmark.records.files import read_records
from benchmark.runs.config import RunConfig
from benchmark.runs.engines import EngineSettings
from benchmark.runs.engines import slurm as engine
from benchmark.runs.engines.slurm import sbatch_text, units
from benchmark.runs.execute import execute
from benchmark.training.request import TrainingRequest
from benchmark.training.settings import TrainSettings
from datasets.core.errors import UserError
from tests.helpers.small_world import cell

submitit = pytest.importorskip("submitit", reason="the extra `slurm` is not installed")


def settings(**slurm: str) -> EngineSettings:
    return EngineSettings("slurm", slurm=slurm, wait=True)


def test_what_sbatch_is_given(world, tmp_path, capsys):
    plan = [PlannedCell(cell("half", limit=k)) for k in range(1, 10)]
    given = settings(partition="gpu", time="120", array_parallelism="2", gpus="1", mem="16", qos="low")
    lines = set(sbatch_text(plan, RunConfig(results=tmp_path), given).splitlines())
    assert {
        "#SBATCH --partition=gpu", "#SBATCH --time=120", "#SBATCH --array=0-2%2", "#SBATCH --gpus-per-node=1",
        "#SBATCH --mem=16GB", "#SBATCH --qos=low", "#SBATCH --job-name=restoration-benchmark",
    } <= lines  # fmt: skip
    with pytest.raises(UserError, match="Did you mean 'partition'"):
        sbatch_text(plan, RunConfig(results=tmp_path), settings(partitoin="gpu"))
    with pytest.raises(UserError, match="number in --slurm time"):
        sbatch_text(plan, RunConfig(results=tmp_path), settings(time="soon"))
    words = ["run", "--methods", "half", "--dataset", "squares", "--dry-run", "--engine", "slurm", "--slurm", "time=7"]
    assert main([*words, "--results", str(tmp_path / "results"), "--quiet"]) == 0
    assert "#SBATCH --time=7" in capsys.readouterr().out


def test_a_training_and_all_that_waits_for_it_are_one_job(world):
    training = TrainingRequest("net", "budget", dataset="squares")
    waiting = [PlannedCell(cell("net", seed=k), training, lambda path: path) for k in range(6)]
    ready = [PlannedCell(cell("half", limit=k)) for k in range(1, 6)] + [PlannedCell(cell("input"))]
    parts = units([*ready, *waiting], 3)
    assert [len(part) for part in parts] == [6, 3, 2, 1]


def test_cells_run_by_jobs_and_only_what_is_missing(toys):
    plan = [PlannedCell(toys.cell(f"toy{n}", level)) for n in (0, 1) for level in (1, 2, 3)]
    config = RunConfig(toys.root / "data", toys.results, "cpu", ("float-gauss",), threads=1)
    said: list[str] = []
    how = settings(cluster="local", cells_per_job="3")
    records = execute(plan, config, engine=how, say=said.append)
    assert [record.status for record in records] == ["done"] * 6 and "Submitted 2 jobs" in said[0], said
    assert len(read_records(toys.results)) == 6
    execute(plan, config, engine=how, say=said.append)
    assert "Submitted 0 jobs" in said[-1] and set(toys.computed().values()) == {1}


def test_cells_in_the_queue_are_not_submitted_twice(toys, monkeypatch):
    monkeypatch.setenv("TOY_SECONDS", "1")
    plan = [PlannedCell(toys.cell("toy0", level)) for level in (1, 2)]
    config = RunConfig(toys.root / "data", toys.results, "cpu", ("float-gauss",), threads=1)
    monkeypatch.setattr(submitit.local.local.LocalJob, "state", "PENDING")
    said: list[str] = []
    how = settings(cluster="local")
    execute(plan[:1], config, engine=how, say=said.append)
    execute(plan, config, engine=replace(how, wait=False), say=said.append)
    assert "1 cells are in the queue already" in said[-1]
    assert json.loads((toys.results / "slurm" / "submitted.json").read_text()).keys() >= {p.cell.id for p in plan}


def test_without_slurm_there_is_a_sentence(tmp_path, world):
    with pytest.raises(UserError, match="--shard"):
        execute([PlannedCell(cell("half"))], RunConfig(results=tmp_path), engine=settings())


@pytest.mark.faults
def test_a_preempted_training_goes_on_exactly(tmp_path, monkeypatch):
    """The local executor gets the signal of a preemption in the middle, and starts the job again."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    data = tmp_path / "data"
    assert main(["prepare", "demo", "--data", str(data), "--quiet"]) == 0
    found = []
    for place in ("whole", "preempted"):
        results = tmp_path / place
        how = TrainSettings(steps=60, device="cpu")
        request = TrainingRequest("r2r", "tiny", {}, "demo", training=how, data=data, results=results)
        executor = engine._executor(results / "slurm", {"cluster": "local"})
        config = RunConfig(data, results, "cpu")
        job = executor.submit(engine.Carrier(), [request], config, EngineSettings(threads=1))
        if place == "preempted":
            log = next_log(results)
            until = time.monotonic() + 240
            while time.monotonic() < until and len(log().splitlines()) < 21:
                time.sleep(0.1)
            process = job._process.pid  # the controller; Slurm signals the task itself
            (task,) = Path(f"/proc/{process}/task/{process}/children").read_text().split()
            os.kill(int(task), signal.SIGUSR2)
        job.results()
        text = "".join(path.read_text() for path in (results / "slurm").glob(f"{job.job_id}_*log.*"))
        assert ("Requeued job" in text) == (place == "preempted"), (text, list((results / "slurm").iterdir()))
        found += [path.read_bytes() for path in results.glob("weights/r2r/*.safetensors")]
    assert len(found) == 2 and found[0] == found[1]


def next_log(results):
    def text() -> str:
        paths = list(results.glob("training/*/log.csv"))
        return paths[0].read_text() if paths else ""

    return text
