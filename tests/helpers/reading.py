"""What the second readings share.

A second reading derives a training from its specification once more: networks, losses, gradients and Adam on plain
tensors that are looked up by key, with torch's functions alone and no module of ours. It starts from the weights of a
stage, takes the same batches and the same draws, and must come to the same figures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor
from torch.nn import functional as F

Tensors = dict[str, Tensor]
TOLERANCE = 1e-9


def leaves(network: torch.nn.Module, name: Callable[[str], str] = str) -> Tensors:
    """Copies of a network's tensors by key.

    Args:
        name: of the tensor that a key stands for, where the specification has several keys for one parameter.
    """
    made: Tensors = {}
    for key, value in network.state_dict(keep_vars=True).items():
        made.setdefault(name(key), value.detach().clone().requires_grad_(value.requires_grad))
    return {key: made[name(key)] for key in network.state_dict()}


def frozen(p: Tensors) -> Tensors:
    """The same values, which no gradient reaches."""
    return {key: value.detach() for key, value in p.items()}


def conv(p: Tensors, key: str, x: Tensor, stride: int = 1, groups: int = 1) -> Tensor:
    """A convolution by its key, zeros beyond the border, with a bias where there is one."""
    weight = p[f"{key}.weight"]
    return F.conv2d(x, weight, p.get(f"{key}.bias"), stride, weight.shape[-1] // 2, groups=groups)


def instance_norm(x: Tensor) -> Tensor:
    """Each channel of each image at mean 0 and variance 1."""
    centred = x - x.mean((2, 3), keepdim=True)
    return centred / (centred.square().mean((2, 3), keepdim=True) + 1e-5).sqrt()


def outer(line: Tensor) -> Tensor:
    """A square filter from a line."""
    return line[:, None] * line[None, :]


def gaussian_line(side: int, sigma: float) -> Tensor:
    """Samples of a Gaussian, not yet of sum 1."""
    return torch.exp(-(torch.arange(side).double() - side // 2).square() / (2 * sigma**2))


def filtered(x: Tensor, kernel: Tensor, mode: str) -> Tensor:
    """Each channel through one filter."""
    n, c, h, w = x.shape
    reach = len(kernel) // 2
    padded = F.pad(x.reshape(n * c, 1, h, w), [reach] * 4, mode=mode)
    return F.conv2d(padded, kernel[None, None].to(x)).view(n, c, h, w)


def mean_abs(x: Tensor) -> Tensor:
    return x.abs().mean()


class Reading:
    """A training that goes on: what it propagates, the gradient norms at each update, the terms of each iteration."""

    def __init__(self) -> None:
        self.losses: list[float] = []
        self.norms: list[float] = []
        self.terms: list[dict[str, float]] = []

    def told(self, **terms: Tensor) -> None:
        """The end of an iteration."""
        self.terms.append({name: value.item() for name, value in terms.items()})


class Adam:
    """Adam by its formula; weight decay joins the gradient. A tensor without a gradient is left alone."""

    def __init__(self, tensors: Iterable[Tensor], rate: float, betas: tuple[float, float], decay: float = 0.0) -> None:
        self.tensors = list({id(t): t for t in tensors if t.requires_grad}.values())
        self.rate, self.betas, self.decay = rate, betas, decay
        self.state: dict[int, tuple[int, Tensor, Tensor]] = {}

    def norm(self, gradients: dict[int, Tensor]) -> float:
        """L2 norm over all gradients."""
        found = [gradients[id(t)] for t in self.tensors if id(t) in gradients]
        return float(torch.stack([g.square().sum() for g in found]).sum().sqrt())

    @torch.no_grad()
    def step(self, gradients: dict[int, Tensor]) -> None:
        """Move the tensors. Gradients by id of the tensor."""
        for tensor in self.tensors:
            if id(tensor) not in gradients:
                continue
            gradient = gradients[id(tensor)] + self.decay * tensor
            nothing = torch.zeros_like(tensor)
            count, first, second = self.state.get(id(tensor), (0, nothing, nothing))
            a, b = self.betas
            first, second = a * first + (1 - a) * gradient, b * second + (1 - b) * gradient**2
            self.state[id(tensor)] = count + 1, first, second
            hat = second / (1 - b ** (count + 1))
            tensor -= self.rate * (first / (1 - a ** (count + 1))) / (hat.sqrt() + 1e-8)


def gradients_of(loss: Tensor, *optimisers: Adam) -> dict[int, Tensor]:
    """The gradient of a loss for all tensors of some optimisers, by id; those that it does not depend on are absent."""
    tensors = [t for optimiser in optimisers for t in optimiser.tensors]
    found = torch.autograd.grad(loss, tensors, retain_graph=True, allow_unused=True)
    return {id(t): g for t, g in zip(tensors, found, strict=True) if g is not None}


def added(*parts: dict[int, Tensor]) -> dict[int, Tensor]:
    """Sums of gradients, as they add up where several losses are propagated."""
    total: dict[int, Tensor] = {}
    for part in parts:
        for key, value in part.items():
            total[key] = total[key] + value if key in total else value
    return total


def close(got: Iterable[float], want: Iterable[float], what: str) -> None:
    """Equal lists of figures, to the tolerance relative to each."""
    got, want = list(got), list(want)
    assert len(got) == len(want), f"{what}: {len(got)} figures in place of {len(want)}"
    for number, (ours, theirs) in enumerate(zip(got, want, strict=True)):
        assert abs(ours - theirs) <= TOLERANCE * max(abs(theirs), 1e-12), f"{what} {number}: {ours!r}, not {theirs!r}"


def agree(reading: Reading, loop, outcomes: list[dict[str, float]]) -> None:
    """Our stage under a FakeLoop against a reading: propagated losses, gradient norms, every term that is told."""
    close(loop.losses, reading.losses, "loss")
    close(loop.norms, reading.norms, "gradient norm")
    assert len(outcomes) == len(reading.terms) >= 2
    for number, (outcome, terms) in enumerate(zip(outcomes, reading.terms, strict=True)):
        close([outcome[name] for name in terms], terms.values(), f"of {', '.join(terms)} in iteration {number}: term")


def same_weights(network: torch.nn.Module, p: Tensors) -> None:
    """What both have learnt, running statistics included."""
    for key, value in network.state_dict().items():
        if value.is_floating_point():
            assert float((value - p[key].detach()).norm()) <= TOLERANCE * max(1.0, float(value.norm())), key
