"""What a stage sees while it trains: precision, averaging over processes, keyed draws (``methods.base.Loop``)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmark.training.draws import KeyedDraws, seed_global
from datasets.ops.errors import UserError
from datasets.pool import Pool, share
from methods.base import Stage


class NotFiniteError(UserError):
    """A loss became NaN or infinite."""


class StageLoop:
    """The loop of one stage.

    Args:
        fabric: Lightning Fabric: device, precision, processes. stage: see methods.base.Stage.
        pools: stream -> Pool. seed: of the training. steps: that the stage's schedules stretch over.
        remedy: gives the sentence that says what to do about a loss that is not finite.
    """

    def __init__(
        self, fabric: Any, stage: Stage, pools: dict[str, Pool], seed: int, steps: int, remedy: Callable[[], str] = str
    ) -> None:
        self.fabric, self.stage, self.pools, self.seed, self.steps = fabric, stage, pools, seed, steps
        self.device: torch.device = fabric.device
        self.step = self.epoch = 0
        self._remedy = remedy
        self._first = next(iter(pools.values()))

    def run_step(self) -> dict[str, Tensor]:
        """Compute the current step: batches, the stage's iteration, its hook. Returns the detached losses."""
        self.epoch = self._first.epoch_of(self.step)
        batch = {name: pool.batch(self.step) for name, pool in self.pools.items()}
        seed_global(self.seed, self.stage.name, "global", self.step, self.fabric.global_rank)
        with self.fabric.autocast():
            losses = self.stage.step(batch, self)
        self.stage.on_step(self)
        return {name: losses[name].detach() for name in losses}

    def backward(self, loss: Tensor, *, retain_graph: bool = False) -> None:
        """Back-propagate under the run's precision.

        Raises NotFiniteError on the CPU; on a GPU, where looking costs a wait, the log finds out within a few steps.
        """
        if self.device.type == "cpu" and not torch.isfinite(loss).all():
            self.fail(self.step)
        with torch.autocast(self.device.type, enabled=False):
            self.fabric.backward(loss, retain_graph=retain_graph)

    def fail(self, step: int) -> None:
        """Raise for a loss of `step` (0-based) that is not finite."""
        raise NotFiniteError(
            f"The loss of stage {self.stage.name!r} is not finite at step {step + 1} of {self.steps}. {self._remedy()}"
        )

    def update(self, optimiser: torch.optim.Optimizer, clip: float | None = None) -> None:
        """Average the gradients over the processes by their samples, clip their norm where asked, step."""
        parameters = [p for group in optimiser.param_groups for p in group["params"] if p.grad is not None]
        if self.fabric.world_size > 1 and parameters:
            self._average([p.grad for p in parameters if p.grad is not None])
        if clip is not None:
            torch.nn.utils.clip_grad_norm_(parameters, clip)
        optimiser.step()

    def _average(self, gradients: list[Tensor]) -> None:
        here, total = self._share()
        covered = min(1.0, (here.stop - here.start) / total)
        weight = covered if total >= self.fabric.world_size else 1 / self.fabric.world_size
        flat = torch.cat([g.flatten() for g in gradients]).mul_(weight)
        flat = self.fabric.all_reduce(flat, reduce_op="sum")
        for gradient, part in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(part.view_as(gradient))

    def _share(self) -> tuple[slice, int]:
        total = self._first.size_of(self.step)
        return share(total, self.fabric.global_rank, self.fabric.world_size), total

    def generator(self, name: str) -> KeyedDraws:
        """Random draws keyed by (seed, stage, step, name); asking twice in a step gives the same numbers twice."""
        return KeyedDraws((self.seed, self.stage.name, self.step, name), self.device, *self._share())
