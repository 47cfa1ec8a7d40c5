"""Batch normalisation over the batches of all processes, as one process with the whole batch computes it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


class GlobalBatchNorm2d(nn.BatchNorm2d):
    """BatchNorm2d whose statistics in training are those of the global batch. Same parameters, same keys.

    Attributes:
        share: by which `StageLoop.update` weighs this process's gradients.
        shared_out: whether each process has a part of the batch of its own; where all have the same samples, as where
            there are fewer samples than processes, each one's statistics are the batch's already.
    """

    share, shared_out = 1.0, True

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, H, W) -> the same shape."""
        if not (self.training and self.shared_out):
            return super().forward(input)
        factor = 0.0 if self.momentum is None else self.momentum
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            factor = 1.0 / float(self.num_batches_tracked) if self.momentum is None else factor
        y, mean, variance, count = _Normalise.apply(input, self.weight, self.bias, self.eps, self.share)
        if self.running_mean is not None and self.running_var is not None:
            with torch.no_grad():
                self.running_mean.lerp_(mean.to(self.running_mean), factor)
                unbiased = variance * (count / (count - 1).clamp_min(1))
                self.running_var.lerp_(unbiased.to(self.running_var), factor)
        return y


def over_all_processes(networks: Iterable[nn.Module]) -> list[GlobalBatchNorm2d]:
    """Give every plain BatchNorm2d within networks global statistics, in place; all of them that there are."""
    found = []
    for module in (module for network in networks for module in network.modules()):
        if type(module) is nn.BatchNorm2d:
            module.__class__ = GlobalBatchNorm2d  # the object stays: optimisers and stages hold it
        if isinstance(module, GlobalBatchNorm2d):
            found.append(module)
    return found


class _Normalise(torch.autograd.Function):
    """(x - mean) / sqrt(var + eps) * weight + bias, with sums over all processes, forward and backward.

    The gradient is that of one process's loss as `StageLoop.update` wants it: losses are means over a process's
    samples, and their gradients are averaged by the processes' shares w. So what another process's outputs owe to this
    one's inputs comes in with that process's share, and is divided by this one's.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float, share: float
    ) -> tuple[Tensor, ...]:
        wide = x.float() if x.element_size() < 4 else x
        own = torch.full((1,), wide.numel() // wide.shape[1], dtype=torch.float64, device=x.device)
        sums = torch.cat([own, wide.sum((0, 2, 3), dtype=torch.float64)])
        torch.distributed.all_reduce(sums)
        count, mean = sums[:1], (sums[1:] / sums[:1]).to(wide)
        centred = wide - _planes(mean)
        squares = centred.square().sum((0, 2, 3), dtype=torch.float64)
        torch.distributed.all_reduce(squares)
        variance = (squares / count).to(wide)
        inverse = torch.rsqrt(variance + eps)
        normal = centred * _planes(inverse)
        ctx.save_for_backward(normal, inverse, weight, count)
        ctx.share = share
        y = normal if weight is None or bias is None else normal * _planes(weight) + _planes(bias)
        y = y.to(x.dtype)
        ctx.mark_non_differentiable(mean, variance, count)
        return y, mean, variance, count

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor, *_: Any) -> tuple[Tensor | None, ...]:
        normal, inverse, weight, count = ctx.saved_tensors
        wide = dy.to(normal)
        along = torch.stack([wide.sum((0, 2, 3)), (wide * normal).sum((0, 2, 3))]).double()
        everywhere = along * ctx.share
        torch.distributed.all_reduce(everywhere)
        means = (everywhere / (ctx.share * count)).to(normal)
        scale = inverse if weight is None else inverse * weight
        dx = (wide - _planes(means[0]) - normal * _planes(means[1])) * _planes(scale)
        dweight = None if weight is None else along[1].to(weight)
        dbias = None if weight is None else along[0].to(weight)
        return dx.to(dy.dtype), dweight, dbias, None, None


def _planes(values: Tensor) -> Tensor:
    return values.view(1, -1, 1, 1)
