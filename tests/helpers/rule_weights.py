"""Weights made by rule: the same state dict from keys and shapes alone, to compare networks with recorded outputs."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor, nn


def rule_value(key: str, shape: Iterable[int], seed_prefix: str = "", slopes: Iterable[str] = ()) -> np.ndarray:
    """The float64 tensor of one key. `slopes` are the keys of PReLU slopes; `seed_prefix` joins the seed's key only."""
    shape = tuple(shape)
    rng = np.random.default_rng(zlib.crc32((seed_prefix + key).encode()))
    if key.endswith("running_var"):
        return rng.uniform(0.5, 1.5, shape)
    if key.endswith("running_mean"):
        return 0.1 * rng.standard_normal(shape)
    if key in set(slopes):
        return rng.uniform(0.1, 0.4, shape)
    if len(shape) >= 2:
        return rng.standard_normal(shape) / math.sqrt(math.prod(shape[1:]))
    if key.endswith("weight"):
        return rng.uniform(0.5, 1.5, shape)
    return 0.1 * rng.standard_normal(shape)


def rule_state(
    network: nn.Module, *, seed_prefix: str = "", slopes: Iterable[str] = (), rename: dict[str, str] | None = None
) -> dict[str, Tensor]:
    """A state dict for a network by the rule; tensors that are not floating stay zero.

    Args:
        rename: our key -> official key, where they differ.
    """
    names, slopes = rename or {}, tuple(slopes)
    return {
        key: torch.from_numpy(np.asarray(rule_value(names.get(key, key), value.shape, seed_prefix, slopes)))
        if value.is_floating_point()
        else torch.zeros_like(value)
        for key, value in network.state_dict().items()
    }


def ruled(network: nn.Module, **options: object) -> nn.Module:
    """The network in float64 with weights by the rule, in eval mode."""
    network = network.double().eval()
    network.load_state_dict(rule_state(network, **options), strict=True)  # type: ignore[arg-type]
    return network


def relative(got: Tensor | np.ndarray, want: np.ndarray) -> float:
    """||got - want|| / ||want||."""
    got = got.detach().double().numpy() if isinstance(got, Tensor) else np.asarray(got, np.float64)
    assert got.shape == want.shape, (got.shape, want.shape)
    return float(np.linalg.norm(got - want) / np.linalg.norm(want))
