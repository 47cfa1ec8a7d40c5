"""A training loop reduced to what a stage sees of it, with random draws that a test gives."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from datasets.ops.noise import keyed_generator


class FakeDraws:
    """Random draws keyed by (seed, stage, step, name) as the real loop's, float32."""

    def __init__(self, *key: Any) -> None:
        self.rng = keyed_generator(*key)

    def normal(self, *shape: int) -> Tensor:
        return torch.from_numpy(self.rng.standard_normal(shape, np.float32))

    def uniform(self, *shape: int) -> Tensor:
        return torch.from_numpy(self.rng.random(shape, np.float32))

    def integers(self, low: int, high: int, *shape: int) -> Tensor:
        return torch.from_numpy(self.rng.integers(low, high, shape))

    def permutation(self, n: int) -> Tensor:
        return torch.from_numpy(self.rng.permutation(n))


class GivenDraws:
    """Draws that a test gives, one array after the other; they must have the shapes that are asked for."""

    def __init__(self, arrays: list[np.ndarray]) -> None:
        self.arrays = list(arrays)

    def _next(self, shape: tuple[int, ...]) -> Tensor:
        array = torch.as_tensor(self.arrays.pop(0))
        assert tuple(array.shape) == tuple(shape), f"asked for {tuple(shape)}, the test gives {tuple(array.shape)}"
        return array

    def normal(self, *shape: int) -> Tensor:
        return self._next(shape)

    def uniform(self, *shape: int) -> Tensor:
        return self._next(shape)

    def integers(self, low: int, high: int, *shape: int) -> Tensor:
        return self._next(shape)

    def permutation(self, n: int) -> Tensor:
        return self._next((n,))


class FakeLoop:
    """A Loop for one process, in the precision of the networks.

    Args:
        given: name of a generator -> the arrays that it gives at every step (a fresh list each time it is asked for);
            other names draw as the real loop does.
        steps, seed: as in Loop.
    Attributes:
        losses: what was given to backward, in order. norms: optimiser updates: norm over all its gradients.
        clips: the clip given to each update.
    """

    def __init__(self, given: Mapping[str, list[np.ndarray]] | None = None, steps: int = 100, seed: int = 0) -> None:
        self.given = dict(given or {})
        self.step, self.steps, self.epoch, self.seed = 0, steps, 0, seed
        self.device = torch.device("cpu")
        self.losses: list[float] = []
        self.norms: list[float] = []
        self.clips: list[float | None] = []

    def backward(self, loss: Tensor, *, retain_graph: bool = False) -> None:
        assert torch.isfinite(loss), loss
        self.losses.append(loss.item())
        loss.backward(retain_graph=retain_graph)

    def update(self, optimiser: torch.optim.Optimizer, clip: float | None = None) -> None:
        parameters = [p for group in optimiser.param_groups for p in group["params"] if p.grad is not None]
        self.norms.append(math.sqrt(sum(float(p.grad.square().sum()) for p in parameters)))
        self.clips.append(clip)
        if clip is not None:
            torch.nn.utils.clip_grad_norm_(parameters, clip)
        optimiser.step()

    def mean(self, value: Tensor, stream: str = "") -> Tensor:
        return value

    def generator(self, name: str, stream: str = "") -> FakeDraws | GivenDraws:
        return GivenDraws(self.given[name]) if name in self.given else FakeDraws(self.seed, "stage", self.step, name)

    def run(self, stage: Any, batch: Any, count: int) -> list[dict[str, float]]:
        """So many steps on batches: one batch for all, or a function of the step."""
        outcome = []
        for _ in range(count):
            losses = stage.step(batch(self.step) if callable(batch) else batch, self)
            stage.on_step(self)
            outcome.append({name: float(value) for name, value in losses.items()})
            self.step += 1
        return outcome


def through_a_file(content: Any) -> Any:
    """What a checkpoint gives back of a state."""
    file = io.BytesIO()
    torch.save(content, file)
    file.seek(0)
    return torch.load(file, weights_only=True)
