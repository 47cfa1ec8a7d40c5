"""Batch normalisation folded into the convolution before it: the same function in evaluation, with one pass less."""

from __future__ import annotations

import copy
from itertools import pairwise

import torch
from torch import nn

from benchmark.inference.twins import M, in_order, plain, twin


def folded(module: M) -> M:
    """A twin of a module in eval mode, in which each BatchNorm2d that directly follows a Conv2d in an nn.Sequential is
    part of it; the module itself where it has none.

    Other arrangements of the two are left alone, since only a Sequential says in which order its layers run.
    """
    children = {name: folded(child) for name, child in module._modules.items() if child is not None}
    if in_order(module):
        children |= _merged(children)
    return twin(module, children)


def _merged(layers: dict[str, nn.Module]) -> dict[str, nn.Module]:
    """What becomes of the layers that are merged: the convolution with all of it, the normalisation with nothing."""
    found: dict[str, nn.Module] = {}
    for first, second in pairwise(layers):
        conv, norm = layers[first], layers[second]
        if type(conv) is nn.Conv2d and type(norm) is nn.BatchNorm2d and plain(conv) and plain(norm):
            found |= {first: _together(conv, norm), second: nn.Identity()}
    return found


@torch.no_grad()
def _together(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> nn.Conv2d:
    """The convolution followed by the normalisation, computed in double precision."""
    assert norm.running_mean is not None and norm.running_var is not None  # `plain` has looked
    scale = torch.rsqrt(norm.running_var.double() + norm.eps)
    shift = -norm.running_mean.double() * scale
    if norm.affine:
        scale, shift = scale * norm.weight.double(), shift * norm.weight.double() + norm.bias.double()
    if conv.bias is not None:
        shift = shift + scale * conv.bias.double()
    made = copy.copy(conv)
    weight = (conv.weight.double() * scale.view(-1, 1, 1, 1)).to(conv.weight)
    made._parameters = {
        "weight": nn.Parameter(weight, requires_grad=False),
        "bias": nn.Parameter(shift.to(conv.weight), requires_grad=False),
    }
    return made
