"""Carrying out a plan: trainings and cells are jobs alike; one that fails affects only what depends on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from benchmark.planning.plan import PlannedCell
from benchmark.progress import Report
from benchmark.records.record import FAILED, Record
from benchmark.runs import plans
from benchmark.runs.config import RunConfig
from benchmark.runs.engines import EngineSettings, engine_of
from benchmark.runs.engines.jobs import Trained, Untrained
from benchmark.runs.engines.queue import Queue
from benchmark.training.request import TrainingRequest

Say = Callable[[str], None]


def execute(
    plan: Sequence[PlannedCell],
    config: RunConfig,
    report: Report = None,
    *,
    engine: str | EngineSettings = "auto",
    say: Say = lambda _: None,
) -> list[Record]:
    """Train what cells wait for and run every cell; the records come in the plan's order.

    With one job at a time a training is carried out when its first cell's turn comes, so that what was finished before
    it is kept. Where it fails, its cells end as failed records with its reason, and everything else goes on. What a
    neighbour on the same folder is working on is waited for; its record counts.

    Args:
        engine: a name, or see `EngineSettings`. say: called with a sentence before each training.
    Raises:
        UserError: an unknown engine. ResultsError: the results folder cannot be written.
    """
    return [outcome for outcome in _outcomes(plan, config, report, engine, say) if isinstance(outcome, Record)]


def train_all(
    requests: Sequence[TrainingRequest],
    config: RunConfig,
    report: Report = None,
    *,
    engine: str | EngineSettings = "auto",
    say: Say = lambda _: None,
) -> list[Trained | Untrained]:
    """Carry out trainings; the outcomes come in their order. Arguments and errors as of `execute`."""
    found = _outcomes(requests, config, report, engine, say)
    return [outcome for outcome in found if not isinstance(outcome, Record)]


def _outcomes(
    jobs: Sequence[PlannedCell | TrainingRequest],
    config: RunConfig,
    report: Report,
    engine: str | EngineSettings,
    say: Say,
) -> list[Record | Trained | Untrained]:
    settings = EngineSettings(engine) if isinstance(engine, str) else engine
    if settings.engine == "slurm":
        from benchmark.runs.engines.slurm import run_on_slurm

        plans.keep(jobs, config.results)
        return run_on_slurm(jobs, config, settings, say)
    where = engine_of(settings, config, report)
    plan = plans.keep(jobs, config.results)
    outcomes = Queue(jobs, where, config, report, say).run()
    if all(isinstance(outcome, Record) and outcome.status != FAILED for outcome in outcomes):
        plans.forget(plan)
    return outcomes
