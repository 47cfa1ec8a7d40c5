"""The training from start to end: every stage in order, exactly resumable at any moment."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmark.progress import Report, Task
from benchmark.records.claims import claimed
from benchmark.training.budget import MEASURED, WARM, Budget
from benchmark.training.checkpoint import TrainingState, read_checkpoint, write_checkpoint
from benchmark.training.contract import check_stage, first_step
from benchmark.training.data import TrainingData, pools
from benchmark.training.export import write_weights
from benchmark.training.fabric import disk_errors_explained, launch_fabric, now, numerics
from benchmark.training.identity import TrainingIdentity, available
from benchmark.training.layout import arrange, layout
from benchmark.training.log import Log
from benchmark.training.loop import NotFiniteError, StageLoop
from benchmark.training.random import seed_global
from benchmark.training.recovery import diverged
from benchmark.training.settings import TrainSettings
from benchmark.training.stopping import Stopping
from benchmark.training.surroundings import differences, surroundings
from benchmark.training.too_little_memory import explained, of_step, of_validation
from benchmark.training.validation import restores, validate
from datasets.core.errors import UserError
from datasets.core.fault_points import fault_point
from datasets.core.files import clear_parts
from datasets.core.sealed import DamagedError, set_aside
from methods.base import Method, Stage, StageFactory

LOOK = 0.5  # seconds between two looks at the losses for those who watch
FLUSH = 20  # steps between two looks at the losses; on a GPU each look waits for it


def train(
    method: Method, data: TrainingData, settings: TrainSettings, out: Path, report: Report = None
) -> dict[str, Path]:
    """Train a method, or go on with a training that was interrupted, or recognise one that is finished.

    Killed at any moment and started again, it ends with the same weights, bit for bit, as one that ran through, on
    the same kind of device with the same number of threads, instruction set and version of torch; where one of them
    has changed a warning says so, and the card. Ctrl-C, TERM and HUP leave a checkpoint of the last step. What is
    damaged (checkpoint, pool, weights) is set aside and made again. Several processes: start the command by
    ``torchrun``.

    Args:
        method: fresh, under its recipe; only its `seed` is set (load the files that come back). Where a file that a
            loss term needs is absent (`Method.available`), a warning says so, the method is trained under the recipe
            without that term, and the card and the identity show it.
        data, settings: see there. out: the results folder. Checkpoints and logs come to ``training/<id>``, weights to
            ``weights/<method>/<recipe>-<data>-s<seed>.safetensors``.
        report: progress.
    Returns:
        role -> weights file, its card beside it.
    Raises:
        NotFiniteError: the training diverges: a loss, a validation image or the weights that a stage leaves are not
            finite (the last good checkpoint stays).
        UserError: unfitting data; a stage that leaves nothing; a full disk; another process at work on the same
            training.
    """
    method, left_out = available(method)
    identity = TrainingIdentity.of(method, data, settings, out)
    finished = None if settings.force else identity.finished()
    if finished is not None:
        return finished
    with disk_errors_explained(identity.folder):
        fabric = launch_fabric(settings)
        identity.folder.mkdir(parents=True, exist_ok=True)
        first = fabric.global_rank == 0
        name = f"the training {identity.folder.name}"
        claim = claimed(identity.folder, name, report) if first else nullcontext(report)
        with claim as told, numerics(settings):
            if first:
                _tidy(identity, settings.force)
            fabric.barrier()
            if left_out and first:
                warnings.warn(left_out, stacklevel=2)
            return Trainer(method, data, settings, identity, fabric, told, left_out).all_stages()


def _tidy(identity: TrainingIdentity, force: bool) -> None:
    clear_parts(identity.folder)  # half a checkpoint, of a process that was killed while it wrote
    if force:
        identity.clear()
        return
    for path in (identity.last, identity.best):
        try:
            if read_checkpoint(path, identity.values):
                return
        except DamagedError as error:
            set_aside(path, error)


class Trainer:
    """One process of a training; see `train` for the arguments. `note` is the first remark of the weights' card."""

    def __init__(
        self,
        method: Method,
        data: TrainingData,
        settings: TrainSettings,
        identity: TrainingIdentity,
        fabric: Any,
        report: Report,
        note: str = "",
    ) -> None:
        self.method, self.data, self.settings, self.identity, self.fabric = method, data, settings, identity, fabric
        self.first = fabric.global_rank == 0
        self.report = report if self.first else None
        self.factories = list(method.stages())
        before = self._going_on()
        self.state = before or TrainingState(note=note)
        self.layout = layout(settings.channels_last, fabric.device, before.made_on if before else None)
        self._compare_surroundings(resumed=before is not None)
        self.budget = Budget(settings, len(self.factories), self.state.budget)
        self._began = 0.0
        self._looked, self._note = 0.0, ""  # at the losses: when, and what they were
        self._saved = (time.monotonic(), self.state.step)  # when the last checkpoint was written, and at which step

    def all_stages(self) -> dict[str, Path]:
        """Run what is left of the stages, then write the weights."""
        for index, factory in enumerate(self.factories):
            if index >= self.state.stage:
                self._stage(index, factory)
        if self.first:
            write_weights(self.method, self.data, self.settings, self.identity, self.state, self.fabric.device)
        self.fabric.barrier()
        return {role: self.identity.weights(role) for role in self.method.role_names()}

    def _going_on(self) -> TrainingState | None:
        """Where the training goes on: at the last checkpoint, or the best one where that was lost.

        The second is one like the first, unless it was written while the minutes were still turned into steps.
        """
        last = read_checkpoint(self.identity.last, self.identity.values)
        if last or not self.identity.best.is_file():
            return last
        best = read_checkpoint(self.identity.best, self.identity.values)
        known = best and (self.settings.minutes is None or str(best.stage) in best.budget)
        return best if known else None

    def _compare_surroundings(self, resumed: bool) -> None:
        """Say where the last bits will be others than those of a training that ran through."""
        state, fabric = self.state, self.fabric
        here = surroundings(fabric.device, self.settings, fabric.world_size, self.layout)
        if resumed and not state.made_on and self.first:
            known = "a checkpoint of an earlier version, without a checksum; whether it goes on exactly is not known"
            warnings.warn(f"The training {self.identity.folder.name} has {known}.", stacklevel=2)
        changed = differences(state.made_on, here)
        if changed and state.stage < len(self.factories):
            note = f"resumed under other arithmetic ({changed}): not bit-identical to a training that ran through"
            state.note = "; ".join(filter(None, (state.note, note)))
            if self.first:
                warnings.warn(f"The training {self.identity.folder.name} is {note}.", stacklevel=2)
        state.made_on = here

    def _stage(self, index: int, factory: StageFactory) -> None:
        stage = self._build(index, factory)
        check_stage(stage, self.data.validation)
        loop = StageLoop(
            self.fabric, stage, self._pools(stage), self.settings.seed, stage.steps, self.layout, self._remedy
        )
        self._began = time.perf_counter() - self.state.seconds  # so that the log's clock goes on after a resume
        with (
            self._log(stage) as log,
            explained(lambda: of_step(stage, self.fabric.device, self.settings.precision, self._kept())),
        ):
            goal = self.budget.goal(index, stage)
            if goal is None:
                goal = self._turn_minutes_into_steps(index, loop, log)
            loop.steps = self.budget.schedule(index, stage)
            self._run(loop, log, goal, final=True)
        self._end(index, loop)

    def _turn_minutes_into_steps(self, index: int, loop: StageLoop, log: Log) -> int:
        """Decide by the time of the first steps how many fit; the decision is in the first checkpoint.

        No checkpoint is written before it, so a training that is killed here starts again and decides again. Every
        process takes the first one's figure.
        """
        device, start = self.fabric.device, now(self.fabric.device)
        self._run(loop, log, WARM)
        warm = now(device)
        self._run(loop, log, MEASURED)
        end = now(device)
        steps = self.budget.steps_in_minutes((end - warm) / (MEASURED - WARM), end - start)
        steps = self.budget.decided[str(index)] = int(self.fabric.broadcast(steps))
        self.state.budget = dict(self.budget.decided)
        self._check_losses(loop, log)
        log.write()
        self._checkpoint(loop.stage)
        return steps

    def _run(self, loop: StageLoop, log: Log, goal: int, *, final: bool = False) -> None:
        """The loop: steps until `goal` are done. `final`: there the stage ends, and on the way checkpoints are written.

        After a step comes what is due, in this order: a look at the losses, log, checkpoint, evaluation. So nothing is
        kept of a step whose losses are not finite, and an evaluation that fails costs no step: the checkpoint knows
        that it is owed.
        """
        # Of several processes each would stop at a step of its own: those end at once, as they always did.
        with Stopping(final and self.fabric.world_size == 1) as stopping:
            self._steps(loop, log, goal, final, stopping)

    def _steps(self, loop: StageLoop, log: Log, goal: int, final: bool, stopping: Stopping) -> None:
        state, stage = self.state, loop.stage
        if state.owed is not None:  # the training ended between a checkpoint and its evaluation
            loop.step = state.step - 1
            log.add(state.step, state.owed)
            self._evaluate(loop, log)
        while state.step < goal:
            loop.step = state.step
            losses = loop.run_step() if state.step else first_step(loop, self.method.facts)
            state.step += 1
            state.seconds = time.perf_counter() - self._began
            rate = next((o.param_groups[0]["lr"] for o in stage.optimisers.values()), 0.0)
            log.add(state.step, {"lr": rate, "seconds": state.seconds, **losses})
            fault_point("train.step")

            last = final and state.step == goal
            due = stage.evaluate_every > 0 and state.step % stage.evaluate_every == 0
            evaluating = self.data.validation is not None and (last or due)
            saving = final and (bool(stopping.signal) or evaluating or (not last and self._checkpoint_due()))
            if last or evaluating or saving or log.waiting >= FLUSH:
                self._check_losses(loop, log)
                log.write(but_last=evaluating)
            state.owed = log.last() if evaluating else None
            if saving:
                self._checkpoint(stage)
            if evaluating:
                self._evaluate(loop, log)
            self._tell(stage, losses, rate, goal)
            if saving:
                stopping.end()  # where a signal has come

    def _tell(self, stage: Stage, losses: Mapping[str, Tensor], rate: float, goal: int) -> None:
        """Report a step, with its losses twice a second: on a GPU each look at them waits for it."""
        if not self.report:
            return
        if time.monotonic() - self._looked >= LOOK:
            self._looked = time.monotonic()
            values = ", ".join(f"{name} {float(value):.4g}" for name, value in list(losses.items())[:2])
            self._note = f"{values}, rate {rate:.2g}"
        task = Task(f"training {self.method.name} {stage.name}", "step", note=self._note)
        self.report(task, self.state.step, goal)

    def _build(self, index: int, factory: StageFactory) -> Stage:
        """A stage on its device, with its state where the checkpoint has one."""
        seed_global(self.settings.seed, "stage", index)
        # Copies: a stage may do with its predecessors' tensors as it likes; the checkpoint's stay.
        stage = factory({name: _cpu(tensors) for name, tensors in self.state.artefacts.items()})
        for network in stage.networks.values():
            network.to(self.fabric.device)
            arrange(network, self.layout)
        stage.configure()
        if self.state.state is not None:
            stage.load_state_dict(self.state.state)
            self.state.state = None
        return stage

    def _pools(self, stage: Stage) -> dict[str, Any]:
        """The stage's pools; the first process prepares what is missing, then the others open it."""
        cache = self.data.cache or self.identity.results / "training" / "pools"
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
                facts=self.method.facts,
                report=self.report,
            )

    @contextmanager
    def _log(self, stage: Stage) -> Iterator[Log]:
        state, folder = self.state, self.identity.folder
        finished = sorted({key.partition("/")[0] for key in state.artefacts})
        board = folder / "tensorboard" if self.settings.tensorboard else None
        path = folder / "log.csv" if self.first else None
        whole = state.step - (state.owed is not None)  # the row of a step whose score is owed is written with it
        log = Log(path, finished, stage.name, whole, stage.losses, board, state.total)
        try:
            yield log
        finally:
            log.close()

    def _check_losses(self, loop: StageLoop, log: Log) -> None:
        step = log.first_not_finite()
        if step is not None:
            loop.fail(step - 1)

    def _evaluate(self, loop: StageLoop, log: Log) -> None:
        """Score the stage, pass it the score, and keep the best checkpoint. The first process scores for all."""
        score, state, stage = 0.0, self.state, loop.stage
        state.owed = None
        if self.first and self.data.validation is not None:
            with explained(lambda: of_validation(self.fabric.device, self._kept())):
                score = validate(
                    stage, self.method, self.data.validation, self.fabric.device, self.settings, self.report
                )
        score = float(self.fabric.broadcast(score))
        fault_point("train.evaluate")
        stage.on_evaluation(score, loop)
        log.add_score(score)
        if score > state.best:
            state.best = score
            if self.first:
                self._write(self.identity.best, stage)
        log.write()

    def _checkpoint_due(self) -> bool:
        when, step = self._saved
        every = self.settings.checkpoint_steps
        timed = time.monotonic() - when >= self.settings.checkpoint_seconds
        return timed or bool(every and self.state.step - step >= every)

    def _checkpoint(self, stage: Stage | None = None) -> None:
        """Write last.pt; without a stage it stands before the next one."""
        if self.first:
            self._write(self.identity.last, stage)
        self._saved = (time.monotonic(), self.state.step)

    def _write(self, path: Path, stage: Stage | None) -> None:
        state = replace(self.state, state=stage.state_dict()) if stage else self.state
        write_checkpoint(path, state, self.identity.values)

    def _end(self, index: int, loop: StageLoop) -> None:
        """Keep what the stage leaves; the checkpoint now stands before the next stage."""
        state, stage, validation = self.state, loop.stage, self.data.validation
        left = {f"{stage.name}/{role}": _cpu(tensors) for role, tensors in stage.artefacts().items()}
        if not left:
            raise UserError(f"The stage {stage.name!r} leaves no artefacts, so there is nothing to keep of it.")
        # The losses of the last step were looked at before its update, so the weights may be worse than they say. Only
        # what becomes a weights file is checked: other things that a stage leaves (a history of scores) may hold NaN.
        roles = {f"{stage.name}/{role}" for role in self.method.role_names()}
        kept = [(name, key, tensor) for name in roles & left.keys() for key, tensor in left[name].items()]
        for name, key, tensor in kept:
            if not bool(torch.isfinite(tensor).all()):
                raise NotFiniteError(f"The weights {name!r} are not finite at the end, in {key!r}. {self._remedy()}")
        # Weights may be finite and yet of no use: the training's own first batch must come back finite.
        tensors = left.get(f"{stage.name}/restorer")
        if self.first and tensors is not None and not restores(self.method, tensors, loop.first_batch()):
            raise NotFiniteError(
                f"The weights that the stage {stage.name!r} leaves restore the training's own first batch to "
                f"values that are not finite. {self._remedy()}"
            )
        state.artefacts = {**state.artefacts, **left}
        chose = validation is not None and getattr(stage, "keeps_best", False)
        state.selected_by = f"{validation.facts.name} {validation.split}" if validation is not None and chose else ""
        state.note = "; ".join(text for text in (state.note, stage.note(), self._diverged(stage)) if text)
        state.total += state.step
        state.stage, state.step, state.best = index + 1, 0, float("-inf")
        self._checkpoint()

    def _diverged(self, stage: Stage) -> str:
        """For the card: that a stage's loss has not come back; it is said at once, too."""
        found = diverged(stage, self.identity.folder / "log.csv") if self.first else ""
        if found:
            advice = "Compare its rows with the input's, or train again with --set and a smaller rate."
            warnings.warn(f"In the stage {stage.name!r} {found}. {advice}", stacklevel=2)
        return found

    def _remedy(self) -> str:
        return f"{self._kept()} Try --set with a smaller rate, or --precision fp32.".lstrip()

    def _kept(self) -> str:
        return f"The last good checkpoint is {self.identity.last}." if self.identity.last.is_file() else ""


def _cpu(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key: value.detach().cpu().clone() for key, value in state.items()}
