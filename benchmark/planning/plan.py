"""What a plan is made of: cells, and the trainings that some of them wait for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmark.records.cell import Cell
from benchmark.training.request import TrainingRequest


@dataclass(frozen=True)
class PlannedCell:
    """A cell; and where its weights have yet to be made, their training and how the cell comes of them.

    Attributes:
        cell: ready to run, blocked, or without weights as long as `training` is to come.
        training: equal trainings are carried out once. finish: the weights' path -> the cell to run.
    """

    cell: Cell
    training: TrainingRequest | None = None
    finish: Callable[[Path], Cell] | None = None


Plan = list[PlannedCell]
