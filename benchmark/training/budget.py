"""How many steps each stage has: the recipe's, a given number, or what fits into given minutes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import torch

from benchmark.training.settings import TrainSettings

if TYPE_CHECKING:
    from methods.base import Stage

WARM, MEASURED = 10, 50  # steps before the clock starts, and the step at which minutes become steps


class Budget:
    """Steps of the stages.

    Args:
        settings: steps or minutes, or neither. stages: number of stages; a budget is shared equally among them.
        decided: stage index -> steps, as decided from minutes earlier (kept in the checkpoint).
    """

    def __init__(self, settings: TrainSettings, stages: int, decided: dict[str, int] | None = None) -> None:
        self.settings, self.stages = settings, stages
        self.decided = dict(decided or {})
        self._began = self._warm = 0.0

    def start(self) -> None:
        """Begin the clock of a stage."""
        self._began = time.perf_counter()

    def goal(self, index: int, stage: Stage) -> int:
        """Steps that the stage runs; while minutes are not yet decided, as many as deciding takes."""
        if self.settings.steps is not None:
            first, last = (self.settings.steps * (index + k) // self.stages for k in (0, 1))
            return max(1, last - first)
        if self.settings.minutes is not None:
            return self.decided.get(str(index), MEASURED)
        return stage.steps

    def schedule(self, index: int, stage: Stage) -> int:
        """Steps that the stage's schedules are stretched over; a recipe that does not rescale keeps its own."""
        undecided = self.settings.minutes is not None and str(index) not in self.decided
        return stage.steps if undecided or not stage.rescales else self.goal(index, stage)

    def pending(self, index: int) -> bool:
        """Whether minutes still have to be turned into steps, so that no checkpoint may be written yet."""
        return self.settings.minutes is not None and str(index) not in self.decided

    def measure(self, index: int, done: int, device: torch.device) -> int | None:
        """After `done` steps: the decision where this is the moment, else None."""
        if not self.pending(index) or done not in (WARM, MEASURED):
            return None
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        now = time.perf_counter()
        if done == WARM:
            self._warm = now
            return None
        each = (now - self._warm) / (MEASURED - WARM)
        left = (self.settings.minutes or 0.0) * 60 / self.stages - (now - self._began)
        return MEASURED + max(0, int(left / each))
