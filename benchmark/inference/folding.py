"""Batch normalisation folded into the convolution before it: the same function in evaluation, with one pass less."""

from __future__ import annotations

import copy
from itertools import pairwise
from typing import TypeVar

import torch
from torch import nn

M = TypeVar("M", bound=nn.Module)


def folded(module: M) -> M:
    """A twin of a module in eval mode, in which each BatchNorm2d that directly follows a Conv2d in an nn.Sequential is
    part of it; the module itself where it has none.

    The twin shares everything else, the module is left as it is: its parameters are counted, saved and trained as
    before. Other arrangements of the two are left alone, since only a Sequential says in which order its layers run.
    """
    children = {name: folded(child) for name, child in module._modules.items() if child is not None}
    if isinstance(module, nn.Sequential):
        children |= _merged(children)
    if all(child is module._modules[name] for name, child in children.items()):
        return module
    twin = copy.copy(module)
    twin._modules = {**module._modules, **children}
    return twin


def _merged(layers: dict[str, nn.Module]) -> dict[str, nn.Module]:
    """What becomes of the layers that are merged: the convolution with all of it, the normalisation with nothing."""
    found: dict[str, nn.Module] = {}
    for first, second in pairwise(layers):
        conv, norm = layers[first], layers[second]
        if type(conv) is nn.Conv2d and type(norm) is nn.BatchNorm2d and _plain(conv) and _plain(norm):
            found |= {first: _together(conv, norm), second: nn.Identity()}
    return found


def _plain(module: nn.Module) -> bool:
    """Whether it only computes: in eval mode, with statistics of its own, watched by no hook."""
    hooked = module._forward_hooks or module._forward_pre_hooks
    return not module.training and not hooked and getattr(module, "running_var", module) is not None


@torch.no_grad()
def _together(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> nn.Conv2d:
    """The convolution followed by the normalisation, computed in double precision."""
    assert norm.running_mean is not None and norm.running_var is not None  # `_plain` has looked
    scale = torch.rsqrt(norm.running_var.double() + norm.eps)
    shift = -norm.running_mean.double() * scale
    if norm.affine:
        scale, shift = scale * norm.weight.double(), shift * norm.weight.double() + norm.bias.double()
    if conv.bias is not None:
        shift = shift + scale * conv.bias.double()
    twin = copy.copy(conv)
    weight = (conv.weight.double() * scale.view(-1, 1, 1, 1)).to(conv.weight)
    twin._parameters = {
        "weight": nn.Parameter(weight, requires_grad=False),
        "bias": nn.Parameter(shift.to(conv.weight), requires_grad=False),
    }
    return twin
