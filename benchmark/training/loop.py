"""What a stage sees while it trains: precision, averaging over processes, keyed draws (``methods.base.Loop``)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import torch
from torch import Tensor

from benchmark.inference.memory import out_of_memory
from benchmark.training.global_norm import over_all_processes
from benchmark.training.layout import FIRST, arranged
from benchmark.training.random import KeyedDraws, seed_global
from datasets.core.errors import UserError
from datasets.pool import Pool, share
from methods.base import Stage


class NotFiniteError(UserError):
    """A training diverged: a loss, a restored validation image or weights became NaN or infinite."""


class StageLoop:
    """The loop of one stage.

    Args:
        fabric: Lightning Fabric: device, precision, processes. stage: see methods.base.Stage.
        pools: stream -> Pool. seed: of the training. steps: that the stage's schedules stretch over.
        kind: memory layout of the batches (`benchmark.training.layout`).
        remedy: gives the sentence that says what to do about a loss that is not finite.
    """

    def __init__(
        self,
        fabric: Any,
        stage: Stage,
        pools: dict[str, Pool],
        seed: int,
        steps: int,
        kind: str = FIRST,
        remedy: Callable[[], str] = str,
    ) -> None:
        self.fabric, self.stage, self.pools, self.seed, self.steps = fabric, stage, pools, seed, steps
        self.device: torch.device = fabric.device
        self.step = self.epoch = 0
        self.kind, self.remedy = kind, remedy
        self._first = next(iter(pools.values()))
        self._norms = over_all_processes(stage.networks.values()) if fabric.world_size > 1 else []

    def run_step(self) -> dict[str, Tensor]:
        """Compute the current step: batches, the stage's iteration, its hook. Returns the detached losses.

        Raises:
            NotFiniteError: the stage's code fails on weights that are not finite, in whatever words. UserError: under
                ``--deterministic``, an operation that is not.
        """
        self.epoch = self._first.epoch_of(self.step)
        self._share_out()
        batch = {name: arranged(pool.batch(self.step), self.kind) for name, pool in self.pools.items()}
        seed_global(self.seed, self.stage.name, "global", self.step, self.fabric.global_rank)
        try:
            with self.fabric.autocast():
                losses = self.stage.step(batch, self)
            self.stage.on_step(self)
        except (ArithmeticError, ValueError, RuntimeError) as error:
            if out_of_memory(error):
                raise
            weights = (p for network in self.stage.networks.values() for p in network.parameters())
            if "deterministic implementation" in str(error):
                raise UserError(
                    f"The stage {self.stage.name!r} needs an operation that has no deterministic form on this device: "
                    f"{str(error).partition('. ')[0]}. Leave --deterministic out."
                ) from error
            if isinstance(error, UserError) or all(bool(torch.isfinite(p).all()) for p in weights):
                raise
            self.fail(self.step, error)
        return {name: losses[name].detach() for name in losses}

    def first_batch(self) -> dict[str, Tensor]:
        """The members of the first step's batches, of the streams in their order; the first of a name counts."""
        found: dict[str, Tensor] = {}
        for pool in self.pools.values():
            found = {**pool.batch(0), **found}
        return found

    def backward(self, loss: Tensor, *, retain_graph: bool = False) -> None:
        """Back-propagate under the run's precision.

        Raises NotFiniteError on the CPU; on a GPU, where looking costs a wait, the log finds out within a few steps.
        """
        if self.device.type == "cpu" and not torch.isfinite(loss).all():
            self.fail(self.step)
        with torch.autocast(self.device.type, enabled=False):
            self.fabric.backward(loss, retain_graph=retain_graph)

    def fail(self, step: int, cause: Exception | None = None) -> NoReturn:
        """Raise for a loss of `step` (0-based) that is not finite, or that could not even be computed."""
        raise NotFiniteError(
            f"The loss of stage {self.stage.name!r} is not finite at step {step + 1} of {self.steps}. {self.remedy()}"
        ) from cause

    def update(self, optimiser: torch.optim.Optimizer, clip: float | None = None) -> None:
        """Average the gradients over the processes by their samples, clip their norm where asked, step."""
        parameters = [p for group in optimiser.param_groups for p in group["params"] if p.grad is not None]
        if self.fabric.world_size > 1 and parameters:
            gradients = [p.grad for p in parameters if p.grad is not None]
            flat = torch.cat([g.flatten() for g in gradients]).mul_(self._weight(self._first))
            flat = self.fabric.all_reduce(flat, reduce_op="sum")
            for gradient, part in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
                gradient.copy_(part.view_as(gradient))
        if clip is not None:
            torch.nn.utils.clip_grad_norm_(parameters, clip)
        optimiser.step()

    def mean(self, value: Tensor, stream: str = "") -> Tensor:
        """A mean over this process's samples of a stream -> the mean over the whole batch.

        Its gradient is such that `update`, which averages over the processes by the first stream's shares, makes it
        that of the whole. For losses that are not a mean themselves, such as the logarithm of one, and for terms of
        streams whose batches are not as large as the first one's.
        """
        if self.fabric.world_size == 1:
            return value
        weight = self._weight(self.pools[stream] if stream else self._first)
        whole = self.fabric.all_reduce(value.detach() * weight, reduce_op="sum")
        graded = value * (weight / self._weight(self._first))
        return graded + (whole - graded).detach()

    def _weight(self, pool: Pool) -> float:
        """This process's share of a stream's batch; where all processes have all of it, one part in as many."""
        here, total = self._share(pool)
        processes = self.fabric.world_size
        return (here.stop - here.start) / total if total >= processes else 1 / processes

    def _share(self, pool: Pool) -> tuple[slice, int]:
        total = pool.size_of(self.step)
        return share(total, self.fabric.global_rank, self.fabric.world_size), total

    def _share_out(self) -> None:
        """See that the streams' batches are shared out alike, where the stage does not weigh them itself.

        Raises:
            UserError: they are not.
        """
        processes = self.fabric.world_size
        if processes == 1:
            return
        totals = {name: pool.size_of(self.step) for name, pool in self.pools.items()}
        for norm in self._norms:
            norm.share = self._weight(self._first)
            norm.shared_out = totals[next(iter(self.pools))] >= processes
        shares = {self._weight(self.pools[name]) for name, total in totals.items() if total >= processes}
        if len(shares) > 1 and not self.stage.weighs_streams:
            raise UserError(
                f"The stage {self.stage.name!r} has batches of {totals} samples at step {self.step + 1}, which "
                f"{processes} processes cannot share alike: train with as many processes as divide all of them."
            )

    def generator(self, name: str, stream: str = "") -> KeyedDraws:
        """Random draws keyed by (seed, stage, step, name); asking twice in a step gives the same numbers twice."""
        pool = self.pools[stream] if stream else self._first
        return KeyedDraws((self.seed, self.stage.name, self.step, name), self.device, *self._share(pool))
