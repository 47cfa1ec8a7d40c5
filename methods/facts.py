"""What a method is told and what it tells: images' names and noise, recipes, and the facts that a harness must know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class SampleInfo:
    """What a method may know of one image at test time.

    Attributes:
        name: the sample's name; random draws are keyed by it.
        noise_level: standard deviation of the noise on the [0, 1] scale, None where unknown.
        seed: the noise seed of the run. meta: camera, ISO, noise law ...
    """

    name: str
    noise_level: float | None = None
    seed: int = 0
    meta: Mapping[str, Any] = field(default_factory=dict)

    def variant(self, tag: str) -> SampleInfo:
        """The same image seen another way (a tile, a flip): its draws must differ from the whole image's."""
        return replace(self, name=f"{self.name}#{tag}")

    def draw(self, key: Any, shape: Sequence[int]) -> Tensor:
        """Standard normal float32 CPU tensor that depends on (seed, name, key) alone: not on batch size or order."""
        from datasets.ops.noise import keyed_generator

        return torch.from_numpy(keyed_generator(self.seed, self.name, key).standard_normal(tuple(shape), np.float32))


@dataclass(frozen=True)
class Facts:
    """What the harness must know of a method under one recipe.

    Attributes:
        tasks: of denoise, super-resolve, deblur, derain, compressive-sensing.
        supervision: what training needs: ``paired``, ``unpaired``, or ``degraded``.
        channels: accepted channel counts, such as (3,) or (1,).
        scale: restored size / degraded size.
        multiple: sides are padded by the adapter to multiples of this (informative: callers need not care).
        context: pixels of surroundings that an output pixel depends on; None = the whole image.
        needs_noise_level: restore() cannot work without info.noise_level.
        min_side: smallest side that restore() takes.
        note: enters every record, such as ``adapted: not in the paper``.
        variant: the name that published figures carry, such as ``R2R`` or ``DGUNet+``; '' = none is comparable.
    """

    tasks: tuple[str, ...]
    supervision: str
    channels: tuple[int, ...] = (3,)
    scale: int = 1
    multiple: int = 1
    context: int | None = None
    needs_noise_level: bool = False
    min_side: int = 1
    note: str = ""
    variant: str = ""


@dataclass(frozen=True)
class Recipe:
    """A named set of hyper-parameters, read from the method's recipes.toml (see methods/recipes.py).

    Attributes:
        method, name: such as ``r2r``, ``awgn-paper``. tier: paper, budget, cpu or tiny.
        network: constructor arguments. train: everything about training.
        restore: test-time settings (draws, alpha ...).
        about: one sentence. data: datasets that it is meant for, in order of preference.
    """

    method: str
    name: str
    tier: str
    about: str = ""
    data: tuple[str, ...] = ()
    network: Mapping[str, Any] = field(default_factory=dict)
    train: Mapping[str, Any] = field(default_factory=dict)
    restore: Mapping[str, Any] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """SHA-256 over everything but the prose (name and about): equal settings have equal hashes."""
        from datasets.ops.files import digest

        return digest([self.method, dict(self.network), dict(self.train), dict(self.restore)])
