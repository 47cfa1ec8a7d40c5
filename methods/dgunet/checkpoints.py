"""The authors' checkpoints, which hold a shared slope once for each place that uses it."""

from __future__ import annotations

import torch
from torch import nn

from datasets.core.errors import UserError
from methods.base import Match, Method, State
from methods.dgunet.build import network
from methods.matching import recognise_by_shape
from methods.recipes import recipes


def recognise(cls: type[Method], state: State) -> list[Match]:
    """By shape. Slopes that are one tensor in the network must be equal under all their keys.

    Raises:
        UserError: they are not.
    """
    matches = recognise_by_shape(cls, state)
    for match in matches[:1]:
        with torch.device("meta"):
            _check_shared(network(recipes(cls)[match.recipe]), match.roles["restorer"])
    return matches


def _check_shared(net: nn.Module, state: State) -> None:
    groups: dict[int, list[str]] = {}
    for key, parameter in net.named_parameters(remove_duplicate=False):
        groups.setdefault(id(parameter), []).append(key)
    for first, *others in groups.values():
        for key in others:
            if not torch.equal(state[first], state[key]):
                raise UserError(
                    f"DGUNet shares the slope {first} with {key}, but these weights hold {state[first].item():g} and "
                    f"{state[key].item():g}; they were trained with another network, and have no place in this one."
                )
