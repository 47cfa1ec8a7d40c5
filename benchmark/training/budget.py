"""How many steps each stage has: the recipe's, a given number, or what fits into given minutes."""

from __future__ import annotations

from benchmark.training.settings import TrainSettings
from methods.base import Stage

# Minutes become steps by the time of a stage's steps 11 to 50: the first ones warm up the device and its caches.
WARM, MEASURED = 10, 50


class Budget:
    """Steps of the stages.

    Args:
        settings: steps or minutes, or neither. stages: number of stages; a budget is shared equally among them.
        decided: stage index -> steps, as decided from minutes earlier (kept in the checkpoint).
    """

    def __init__(self, settings: TrainSettings, stages: int, decided: dict[str, int] | None = None) -> None:
        self.settings, self.stages = settings, stages
        self.decided = dict(decided or {})

    def goal(self, index: int, stage: Stage) -> int | None:
        """Steps that the stage runs; None while its minutes are not yet turned into steps."""
        if self.settings.steps is not None:
            first, last = (self.settings.steps * (index + k) // self.stages for k in (0, 1))
            return max(1, last - first)
        if self.settings.minutes is not None:
            return self.decided.get(str(index))
        return stage.steps

    def schedule(self, index: int, stage: Stage) -> int:
        """Steps that the stage's schedules are stretched over; a recipe that does not rescale keeps its own."""
        return (self.goal(index, stage) if stage.rescales else None) or stage.steps

    def steps_in_minutes(self, each: float, spent: float) -> int:
        """Steps of a stage, MEASURED of which are done.

        Args:
            each: seconds per step. spent: seconds of the stage so far.
        """
        left = (self.settings.minutes or 0.0) * 60 / self.stages - spent
        return MEASURED + max(1, int(left / each))
