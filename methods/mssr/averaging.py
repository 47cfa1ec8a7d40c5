"""A second copy of a network that follows it slowly, and its freezing while another one learns from it."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


def follower(network: nn.Module) -> nn.Module:
    """A copy that no gradient reaches, to be moved by `follow`."""
    return copy.deepcopy(network).requires_grad_(False)


@torch.no_grad()
def follow(average: nn.Module, network: nn.Module, decay: float) -> None:
    """average = decay * average + (1 - decay) * network, parameter by parameter; other tensors are copied."""
    own, parameters = average.state_dict(), dict(network.named_parameters())
    for key, value in network.state_dict().items():
        own[key].lerp_(value, 1 - decay) if key in parameters else own[key].copy_(value)


@contextmanager
def unmoved(network: nn.Module) -> Iterator[nn.Module]:
    """Gradients pass through the network, but its own parameters get none; spares their computation."""
    network.requires_grad_(False)
    try:
        yield network
    finally:
        network.requires_grad_(True)
