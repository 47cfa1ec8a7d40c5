"""The training from start to end: every stage in order, exactly resumable at any moment."""

from __future__ import annotations

import time
import warnings
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor

from benchmark.cell import Report
from benchmark.training.budget import Budget
from benchmark.training.checkpoint import Progress, read_checkpoint, write_checkpoint
from benchmark.training.data import TrainingData, pools
from benchmark.training.draws import seed_global
from benchmark.training.equipment import equipped
from benchmark.training.finish import write_weights
from benchmark.training.log import Log
from benchmark.training.loop import StageLoop
from benchmark.training.machine import arranged, disk_in_words, processes
from benchmark.training.plan import Plan
from benchmark.training.settings import TrainSettings
from benchmark.training.validation import validate
from datasets.ops.errors import UserError
from datasets.ops.locks import exclusive
from datasets.ops.phases import passing
from methods.base import Artefacts, Method, Stage, StageFactory

FLUSH = 20  # steps between two looks at the losses; on a GPU each look waits for it


def train(
    method: Method, data: TrainingData, settings: TrainSettings, out: Path, report: Report = None
) -> dict[str, Path]:
    """Train a method, or go on with a training that was interrupted, or recognise one that is finished.

    Killed at any moment and started again, it ends with the same weights, bit for bit, as one that ran through
    (same kind of device, same number of threads). Several processes: start the command by ``torchrun``.

    Args:
        method: fresh, under its recipe; only its `seed` is set (load the files that come back). Where a file that a
            loss term needs is absent (`Method.equipped`), a warning says so, the method is trained under the recipe
            without that term, and the card and the identity show it.
        data, settings: see there. out: the results folder. Checkpoints and logs come to ``training/<id>``, weights to
            ``weights/<method>/<recipe>-<data>-s<seed>.safetensors``.
        report: progress.
    Returns:
        role -> weights file, its card beside it.
    Raises:
        UserError: unfitting data; a loss that is not finite (the last good checkpoint stays); a full disk; another
            process at work on the same training.
    """
    method, lacking = equipped(method)
    plan = Plan.of(method, data, settings, out)
    finished = None if settings.force else plan.finished()
    if finished is not None:
        return finished
    with disk_in_words(plan.folder):
        fabric = processes(settings)
        plan.folder.mkdir(parents=True, exist_ok=True)
        lock = (
            exclusive(plan.folder / "lock", f"the training {plan.folder.name}")
            if fabric.global_rank == 0
            else nullcontext()
        )
        with lock, arranged(settings):
            for part in plan.folder.glob(".*.part") if fabric.global_rank == 0 else ():
                part.unlink()  # half a checkpoint, of a process that was killed while it wrote
            if settings.force and fabric.global_rank == 0:
                plan.clear()
            fabric.barrier()
            if lacking and fabric.global_rank == 0:
                warnings.warn(lacking, stacklevel=2)
            return Run(method, data, settings, plan, fabric, report, lacking).all_stages()


class Run:
    """One process of a training; see `train` for the arguments. `note` is the first remark of the weights' card."""

    def __init__(
        self,
        method: Method,
        data: TrainingData,
        settings: TrainSettings,
        plan: Plan,
        fabric: Any,
        report: Report,
        note: str = "",
    ) -> None:
        self.method, self.data, self.settings, self.plan, self.fabric = method, data, settings, plan, fabric
        self.first = fabric.global_rank == 0
        self.report = report if self.first else None
        method.seed = settings.seed  # for the initial weights of the stages
        self.factories = list(method.stages())
        self.progress = read_checkpoint(plan.last, plan.identity) or Progress(note=note)
        self.budget = Budget(settings, len(self.factories), self.progress.budget)
        self._saved = (time.monotonic(), self.progress.step)
        self._pending: list[tuple[int, dict[str, Any]]] = []  # rows of the log, losses perhaps still on the device

    def all_stages(self) -> dict[str, Path]:
        """Run what is left of the stages, then write the weights."""
        names: list[str] = sorted({key.partition("/")[0] for key in self.progress.artefacts})
        for index, factory in enumerate(self.factories):
            if index >= self.progress.stage:
                names.append(self._stage(index, factory, names))
        if not self.first:
            self.fabric.barrier()
            return {role: self.plan.weights(role) for role in self.method.roles()}
        paths = write_weights(self.method, self.data, self.settings, self.plan, self.progress, self.fabric.device)
        self.fabric.barrier()
        return paths

    def _stage(self, index: int, factory: StageFactory, finished: list[str]) -> str:
        stage = self._build(index, factory)
        batches = self._batches(stage)
        loop = StageLoop(
            self.fabric, stage, batches, self.settings.seed, self.budget.schedule(index, stage), self._remedy
        )
        progress = self.progress
        board = self.plan.folder / "tensorboard" if self.settings.tensorboard and self.first else None
        log = None
        if self.first:
            log = Log(
                self.plan.folder / "log.csv", finished, stage.name, progress.step, stage.losses, board, progress.total
            )
        try:
            self._steps(index, loop, log)
        finally:
            if log:
                log.close()
        self._end(index, stage, loop)
        return stage.name

    def _build(self, index: int, factory: StageFactory) -> Stage:
        """A stage on its device, with its state where the checkpoint has one."""
        seed_global(self.settings.seed, "stage", index)
        stage = factory(_copies(self.progress.artefacts))
        for network in stage.networks.values():
            network.to(self.fabric.device)
        stage.configure()
        if self.progress.state is not None:
            stage.load_state_dict(self.progress.state)
            self.progress.state = None
        return stage

    def _batches(self, stage: Stage) -> dict[str, Any]:
        """The stage's pools; the first process prepares what is missing, then the others open it."""
        cache = self.data.cache or self.plan.results / "training" / "pools"
        with self.fabric.rank_zero_first():
            return pools(
                stage,
                self.data,
                cache,
                self.settings.seed,
                self.fabric.device,
                rank=self.fabric.global_rank,
                world=self.fabric.world_size,
                unpaired=self.method.facts.supervision == "unpaired",
                report=self.report,
            )

    def _steps(self, index: int, loop: StageLoop, log: Log | None) -> None:
        progress, stage = self.progress, loop.stage
        start = time.perf_counter() - progress.seconds
        self.budget.start()
        while progress.step < self.budget.goal(index, stage):
            loop.step, loop.steps = progress.step, self.budget.schedule(index, stage)
            losses = loop.run_step()
            progress.step += 1
            progress.seconds = time.perf_counter() - start
            self._pending.append((progress.step, {"lr": _rate(stage), "seconds": progress.seconds, **losses}))
            passing("train.step")
            self._between(index, loop, log)
            if self.report:
                self.report(f"training {self.method.name} {stage.name}", progress.step, self.budget.goal(index, stage))

    def _between(self, index: int, loop: StageLoop, log: Log | None) -> None:
        """What is due between two steps: looking at the losses, evaluating, logging, a checkpoint; in this order."""
        stage, step = loop.stage, self.progress.step
        decided, undecided = self._decide(index), self.budget.pending(index)
        last = step >= self.budget.goal(index, stage) and not undecided
        evaluating = self.data.validation is not None and (last or _due(step, stage.evaluate_every))
        saving = not last and not undecided and (decided or evaluating or self._checkpoint_due())
        if last or evaluating or saving or len(self._pending) >= FLUSH:
            self._look(loop)
            if evaluating:
                self._evaluate(loop)
            self._write(log)
        if saving:
            self._checkpoint(stage)

    def _decide(self, index: int) -> bool:
        """Turn minutes into steps where it is time; every process takes the first one's figure."""
        decided = self.budget.measure(index, self.progress.step, self.fabric.device)
        if decided is None:
            return False
        self.budget.decided[str(index)] = int(self.fabric.broadcast(decided))
        self.progress.budget = dict(self.budget.decided)
        return True

    def _look(self, loop: StageLoop) -> None:
        """Bring the losses to the CPU; the first one that is not finite ends the training, before any checkpoint."""
        for step, values in self._pending:
            for name, value in values.items():
                values[name] = float(value)
                if isinstance(value, Tensor) and not abs(values[name]) < float("inf"):
                    loop.fail(step - 1)

    def _write(self, log: Log | None) -> None:
        if log:
            for step, values in self._pending:
                log.add(step, values)
            log.flush()
        self._pending.clear()

    def _evaluate(self, loop: StageLoop) -> None:
        """Score the stage, tell it, and keep the checkpoint of the best score. The first process scores for all."""
        score, progress = 0.0, self.progress
        if self.first and self.data.validation is not None:
            score = validate(
                loop.stage, self.method, self.data.validation, self.fabric.device, self.settings.seed, self.report
            )
        score = float(self.fabric.broadcast(score))
        passing("train.evaluate")
        loop.stage.on_evaluation(score, loop)
        self._pending[-1][1]["psnr"] = score
        if score > progress.best:
            progress.best = score
            if self.first:
                write_checkpoint(self.plan.folder / "best.pt", self._snapshot(loop.stage), self.plan.identity)

    def _checkpoint_due(self) -> bool:
        when, step = self._saved
        every = self.settings.checkpoint_steps
        timed = time.monotonic() - when >= self.settings.checkpoint_seconds
        return timed or bool(every and self.progress.step - step >= every)

    def _snapshot(self, stage: Stage) -> Progress:
        return replace(self.progress, state=stage.state_dict())

    def _checkpoint(self, stage: Stage) -> None:
        if self.first:
            write_checkpoint(self.plan.last, self._snapshot(stage), self.plan.identity)
        self._saved = (time.monotonic(), self.progress.step)

    def _end(self, index: int, stage: Stage, loop: StageLoop) -> None:
        """Keep what the stage leaves; the checkpoint now stands before the next stage."""
        progress = self.progress
        left = {f"{stage.name}/{role}": _cpu(state) for role, state in stage.artefacts().items()}
        if not left:
            raise UserError(f"The stage {stage.name!r} leaves no artefacts, so there is nothing to keep of it.")
        progress.artefacts = {**progress.artefacts, **left}
        chose = self.data.validation is not None and getattr(stage, "keeps_best", False)
        progress.selected_by = _named(self.data.validation) if chose else ""
        progress.note = "; ".join(text for text in (progress.note, stage.note()) if text)
        progress.total += progress.step
        progress.stage, progress.step, progress.best = index + 1, 0, float("-inf")
        if self.first:
            write_checkpoint(self.plan.last, progress, self.plan.identity)
        self._saved = (time.monotonic(), 0)

    def _remedy(self) -> str:
        kept = f"The last good checkpoint is {self.plan.last}. " if self.plan.last.is_file() else ""
        return f"{kept}Try --set with a smaller rate, or --precision fp32."


def _rate(stage: Stage) -> float:
    return next((o.param_groups[0]["lr"] for o in stage.optimisers.values()), 0.0)


def _due(step: int, every: int) -> bool:
    return every > 0 and step % every == 0


def _named(dataset: Any) -> str:
    return f"{dataset.facts.name} {dataset.split}"


def _cpu(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key: value.detach().cpu().clone() for key, value in state.items()}


def _copies(artefacts: Artefacts) -> Artefacts:
    """A stage may do with its predecessors' tensors as it likes; the checkpoint's stay."""
    return {name: _cpu(state) for name, state in artefacts.items()}
