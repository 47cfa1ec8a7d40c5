"""How long a training would take: from its log where it has begun, else by timing a few steps."""

from __future__ import annotations

import copy
import csv
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from benchmark.training.budget import Budget
from benchmark.training.data import TrainingData, pools
from benchmark.training.equipment import equipped
from benchmark.training.loop import StageLoop
from benchmark.training.machine import arranged, processes
from benchmark.training.plan import Plan
from benchmark.training.settings import TrainSettings
from datasets.base import Dataset, Row
from methods.base import Method

TIMED = 3  # steps, after one that warms up


@dataclass(frozen=True)
class Estimate:
    """Seconds per step, number of steps (of the first stage, times the stages), and the minutes that follow."""

    seconds_per_step: float
    steps: int
    from_log: bool

    @property
    def minutes(self) -> float:
        """Of training proper; preparing the data comes on top."""
        return self.seconds_per_step * self.steps / 60


def estimate(method: Method, data: TrainingData, settings: TrainSettings, out: Path) -> Estimate:
    """Estimate a training without beginning it: one image is prepared and a few steps are timed on a copy.

    Later stages need what earlier ones leave, so all are taken to be like the first.
    """
    method, _ = equipped(method)
    plan = Plan.of(method, data, settings, out)
    timed = _from_log(plan.folder / "log.csv")
    with arranged(settings):
        fabric = processes(settings)
        trial = copy.deepcopy(method)
        factories = list(trial.stages())
        stage = factories[0]({})
        budget = Budget(replace(settings, minutes=None), len(factories))
        steps = budget.goal(0, stage) * len(factories)
        if timed is not None:
            return _estimate(timed, steps, settings, True)
        for network in stage.networks.values():
            network.to(fabric.device)
        stage.configure()
        with tempfile.TemporaryDirectory() as cache:
            unpaired = method.facts.supervision == "unpaired"
            found = pools(stage, _small(data), Path(cache), settings.seed, fabric.device, unpaired=unpaired)
            loop = StageLoop(fabric, stage, found, settings.seed, steps)
            return _estimate(_timed(loop), steps, settings, False)


def _estimate(each: float, steps: int, settings: TrainSettings, from_log: bool) -> Estimate:
    if settings.minutes is not None:
        steps = int(settings.minutes * 60 / each)
    return Estimate(each, steps, from_log)


def _timed(loop: StageLoop) -> float:
    started = 0.0
    for step in range(TIMED + 1):
        if step == 1:
            started = _now(loop.device)
        loop.step = step
        loop.run_step()
    return (_now(loop.device) - started) / TIMED


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def _from_log(path: Path) -> float | None:
    """Mean seconds per step of the last stage in the log, where it has enough of them."""
    if not path.is_file():
        return None
    with path.open(newline="", encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["seconds"]]
    rows = [row for row in rows if row["stage"] == rows[-1]["stage"]]
    if len(rows) < TIMED + 2:
        return None
    return (float(rows[-1]["seconds"]) - float(rows[0]["seconds"])) / (len(rows) - 1)


def _small(data: TrainingData) -> TrainingData:
    """The same data with the first image of each of two scenes, which is all that a trial of a few steps needs.

    Of two pools, one degraded and one clean, two of each.
    """
    return replace(data, dataset=_few(data.dataset), clean=_few(data.clean) if data.clean else None)


def _few(dataset: Dataset) -> Dataset:
    few = copy.copy(dataset)
    kinds: dict[tuple[str, ...], dict[str, Row]] = {}
    for row in dataset.rows:
        kinds.setdefault(tuple(row.files), {}).setdefault(row.scene, row)
    few.rows = [row for scenes in kinds.values() for row in list(scenes.values())[:2]]
    return few
