"""How long a training would take: from its log where it has begun, else by timing a few steps."""

from __future__ import annotations

import copy
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from benchmark.training.budget import Budget
from benchmark.training.contract import first_step
from benchmark.training.data import TrainingData, pools
from benchmark.training.fabric import launch_fabric, now, numerics
from benchmark.training.identity import TrainingIdentity, available
from benchmark.training.layout import arrange, layout
from benchmark.training.log import read_log
from benchmark.training.loop import StageLoop
from benchmark.training.settings import TrainSettings
from datasets.base import Dataset, Row
from methods.base import Method
from methods.recipes import own_steps

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
    method, _ = available(method)
    log = TrainingIdentity.of(method, data, settings, out).folder / "log.csv"
    each = logged = _mean(_rows(log))  # of the last stage, where the log has enough of its steps
    with numerics(settings):
        fabric = launch_fabric(settings)
        factories = list(copy.deepcopy(method).stages())  # a copy, since a stage trains the networks that it is given
        stage = factories[0]({})
        goal = Budget(settings, len(factories)).goal(0, stage)
        steps = (stage.steps if goal is None else goal) * len(factories)
        if each is None:
            kind = layout(settings.channels_last, fabric.device, None)
            for network in stage.networks.values():
                network.to(fabric.device)
                arrange(network, kind)
            stage.configure()
            with tempfile.TemporaryDirectory() as cache:
                unpaired = method.facts.supervision == "unpaired"
                few = replace(data, dataset=_few(data.dataset), clean=_few(data.clean) if data.clean else None)
                where, facts = (Path(cache), settings.seed, fabric.device), method.facts
                batches = pools(stage, few, *where, unpaired=unpaired, facts=facts)
                loop, started = StageLoop(fabric, stage, batches, settings.seed, steps, kind), 0.0
                for loop.step in range(TIMED + 1):
                    if loop.step == 1:  # the first step warms up
                        started = now(loop.device)
                    if loop.step:
                        loop.run_step()
                    else:
                        first_step(loop, facts)
                each = (now(loop.device) - started) / TIMED
    if settings.minutes is not None:
        steps = int(settings.minutes * 60 / each)
    return Estimate(each, steps, from_log=logged is not None)


@dataclass(frozen=True)
class Pace:
    """How fast a training went, from its log: steps done so far, steps in all, seconds per step of the last stage."""

    done: int
    steps: int
    seconds_per_step: float


def pace(method: Method, data: TrainingData, settings: TrainSettings, out: Path) -> Pace | None:
    """The pace of a training that has begun on this machine; None where its log does not tell."""
    method, _ = available(method)
    rows = _rows(TrainingIdentity.of(method, data, settings, out).folder / "log.csv")
    each = _mean(rows)
    if each is None:
        return None
    steps = settings.steps or own_steps(method.recipe)
    return Pace(len(rows), steps, each)


def _rows(path: Path) -> list[dict[str, str]]:
    return [row for row in read_log(path) if row["seconds"]]


def _mean(rows: list[dict[str, str]]) -> float | None:
    rows = [row for row in rows if row["stage"] == rows[-1]["stage"]]
    if len(rows) < TIMED + 2:
        return None
    return (float(rows[-1]["seconds"]) - float(rows[0]["seconds"])) / (len(rows) - 1)


def _few(dataset: Dataset) -> Dataset:
    """The first image of each of two scenes, which is all that a trial of a few steps needs.

    Of two pools, one degraded and one clean, two of each.
    """
    few = copy.copy(dataset)
    kinds: dict[tuple[str, ...], dict[str, Row]] = {}
    for row in dataset.rows:
        kinds.setdefault(tuple(row.files), {}).setdefault(row.scene, row)
    few.rows = [row for scenes in kinds.values() for row in list(scenes.values())[:2]]
    return few
