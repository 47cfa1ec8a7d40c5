"""The method under test, built the same way as often as a check wants it, and the images that it is fed."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from datasets.ops.noise import keyed_generator
from methods.base import Method, Recipe, SampleInfo

NOISE_LEVEL = 0.1
# Enough for batch statistics and for mixing within a batch; larger ones would only take longer.
LARGEST_BATCH = 4
# Convolution kernels sum in another order for another batch or tile; float32 rounding stays far below this.
ROUNDING = 1e-4


class ConformanceError(Exception):
    """A check that was not passed: what was expected, and what came."""


def expect(condition: bool, text: str) -> None:
    """Raise ConformanceError with `text` unless the condition holds."""
    if not condition:
        raise ConformanceError(text)


def gap(a: Tensor, b: Tensor) -> float:
    """Largest absolute difference."""
    return float((a.double() - b.double()).abs().max())


@dataclass(frozen=True)
class Subject:
    """A method class under one recipe, or a method that is at hand: each check gets a copy of that, as it is."""

    cls: type[Method]
    recipe: Recipe
    original: Method | None = None

    @property
    def name(self) -> str:
        """Of the method."""
        return str((self.original or self.cls).name)

    def build(self, seed: int = 0) -> Method:
        """An untrained method in eval mode; equal seeds give equal initial weights."""
        if self.original is not None:
            return copy.deepcopy(self.original).eval()
        with global_seeds(seed):
            return self.cls(self.recipe).eval()

    def stirred(self, seed: int = 0) -> Method:
        """As `build`, every stored tensor moved a little, so that layers that start at zero take part as well."""
        method = self.build(seed)
        for role in method.role_names():
            network = method.network_of(role)
            parameters = dict(network.named_parameters())
            for key, tensor in network.state_dict().items():
                if tensor.is_floating_point():
                    noise = keyed_generator("stir", role, key).standard_normal(tuple(tensor.shape), np.float32)
                    # a running variance must stay positive
                    noise = noise if key in parameters else np.abs(noise)
                    tensor.add_(torch.from_numpy(np.asarray(noise)).to(tensor) * 0.01)
        return method

    def images(self, n: int = 1, height: int | None = None, width: int | None = None, key: Any = 0) -> Tensor:
        """What `restore` takes: (n, C, H, W) float32 in [0, 1]; odd sides where none are given."""
        method = self.build()
        side = max(33, method.facts.min_side + 1)
        shape = (n, method.facts.channels[0], height or side, width or side + 4)
        images = torch.from_numpy(np.stack([picture(shape[1:], key, i) for i in range(n)]))
        return method.measure(images) if method.facts.measures else images


def picture(shape: Sequence[int], *key: Any) -> np.ndarray:
    """A smooth colour gradient with noise, float32 (C, H, W) in [0, 1], a pure function of its key."""
    generator = keyed_generator("conformance", *key)
    channels, height, width = shape
    rows, columns = np.linspace(0, 1, height)[:, None], np.linspace(0, 1, width)[None]
    slopes = generator.uniform(-0.25, 0.25, (2, channels, 1, 1))
    smooth = 0.5 + slopes[0] * rows + slopes[1] * columns
    return np.clip(smooth + generator.normal(0, NOISE_LEVEL, shape), 0, 1).astype(np.float32)


def infos(n: int, first: int = 0) -> list[SampleInfo]:
    """What comes with `n` images."""
    return [SampleInfo(f"image{first + i}", NOISE_LEVEL) for i in range(n)]


@torch.no_grad()
def restore(method: Method, x: Tensor, info: Sequence[SampleInfo] | None = None) -> Tensor:
    """`method.restore` as the harness calls it, on a copy: one check alone is about changes in place."""
    return method.restore(x.clone(), infos(len(x)) if info is None else info)


def snapshot(method: Method) -> dict[str, Tensor]:
    """Copies of all parameters and buffers, those outside the state dict included."""
    named = [*method.named_parameters(), *method.named_buffers()]
    return {name: tensor.detach().clone() for name, tensor in named}


def changed(before: Mapping[str, Tensor], after: Mapping[str, Tensor]) -> list[str]:
    """Names whose tensors differ in any bit, or that only one of the two has."""
    return [n for n in {**before, **after} if n not in before or n not in after or not same(before[n], after[n])]


def same(a: Tensor, b: Tensor) -> bool:
    """Equal in every bit (NaN equals NaN)."""
    return a.shape == b.shape and a.dtype == b.dtype and torch.equal(a.nan_to_num(7.25), b.nan_to_num(7.25))


@contextmanager
def global_seeds(seed: int) -> Iterator[None]:
    """Seed the global generators of torch, numpy and random; give them back afterwards as they were."""
    before = global_state()
    torch.random.manual_seed(seed)
    np.random.seed(seed)  # noqa: TID251 - the global generator is what is under test
    random.seed(seed)
    try:
        yield
    finally:
        torch.random.set_rng_state(before[0])
        np.random.set_state(before[1])
        random.setstate(before[2])


def global_state() -> tuple[Tensor, Any, Any]:
    """The state of the three global generators."""
    return torch.random.get_rng_state(), np.random.get_state(), random.getstate()
