"""Convolutions with the ReLU behind them in one pass, by the library of PyTorch's CPU convolutions (oneDNN)."""

from __future__ import annotations

import copy
from typing import Self, TypeGuard

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmark.inference.twins import M, in_order, plain, twin

_VALUES = 20480  # of a batch: PyTorch gives smaller ones to other kernels


class JoinedConv2d(nn.Conv2d):
    """A convolution that shares another's weights, and makes its outputs positive where `relu` says so."""

    relu: bool

    @classmethod
    def of(cls, conv: nn.Conv2d) -> Self:
        """The convolution, its ReLU still apart; the one given is left as it is."""
        made: Self = copy.copy(conv)  # type: ignore[assignment]
        made.__class__ = cls
        made.relu = False
        return made

    def forward(self, input: Tensor) -> Tensor:
        """(N, I, H, W) -> (N, O, H, W)."""
        if self.relu and self._fuses(input):
            shape = self.padding, self.stride, self.dilation, self.groups
            return torch.ops.mkldnn._convolution_pointwise(input, self.weight, self.bias, *shape, "relu", [], "")
        found = super().forward(input)
        return functional.relu(found, inplace=True) if self.relu else found

    def _fuses(self, x: Tensor) -> bool:
        ordinary = torch.is_grad_enabled() or torch.is_autocast_enabled("cpu") or x.dtype != torch.float32
        wide = x.numel() > _VALUES and x.is_contiguous(memory_format=torch.channels_last)
        return not ordinary and wide and x.device.type == "cpu" and x.ndim == 4 and available()


def available() -> bool:
    """Whether this PyTorch has the operation, which is for its own compiler and promised to nobody."""
    return torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_convolution_pointwise")


def joined(module: M) -> M:
    """A twin of a module in eval mode, in which convolutions on a CPU that an nn.Sequential gives a ReLU do both in one
    pass; the module itself where it has none. The outputs are the same to the last bit.
    """
    children = {name: joined(child) for name, child in module._modules.items() if child is not None}
    if in_order(module):
        _join(children)
    return twin(module, children)


def _join(layers: dict[str, nn.Module]) -> None:
    """Give each convolution the ReLU behind it, and put nothing in the ReLU's place."""
    before = ""
    for name, layer in layers.items():
        conv = layers.get(before)
        if conv is not None and type(layer) is nn.ReLU and plain(layer) and _suited(conv):
            made = copy.copy(conv) if isinstance(conv, JoinedConv2d) else JoinedConv2d.of(conv)
            made.relu = True
            layers |= {before: made, name: nn.Identity()}
        before = before if type(layer) is nn.Identity else name


def _suited(layer: nn.Module) -> TypeGuard[nn.Conv2d]:
    if isinstance(layer, JoinedConv2d):
        return not layer.relu
    if type(layer) is not nn.Conv2d or not plain(layer) or layer.padding_mode != "zeros":
        return False
    held = layer.weight.device.type == "cpu" and layer.weight.dtype == torch.float32
    return held and not isinstance(layer.padding, str)
