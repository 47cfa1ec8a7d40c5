"""The check on the order of the channels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import permutations
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmark.conformance.subject import Subject, expect, infos, restore

StandIn = Callable[[Tensor], Tensor] | None

_STAND_INS: dict[str, StandIn] = {
    "its own weights": None,
    "the identity": lambda x: x.clone(),
    "zero": torch.zeros_like,
}


def channels(subject: Subject) -> str:
    """The channels that go in come out in the same order.

    A random network mixes colours at will, so the restorer is also replaced by the identity and by zero, one after
    the other: what is left is the adapter's own way in and out, where a swap of red and blue shows whole.
    """
    count = subject.build().facts.channels[0]
    if count == 1:
        return "one channel: nothing to swap"
    decided = []
    for name, stand_in in _STAND_INS.items():
        order = _order(subject, count, stand_in)
        if order is not None:
            expect(
                order == tuple(range(count)), f"Channels come out in the order {order} (with {name} as the network)."
            )
            decided.append(name)
    return f"order kept (seen with {', '.join(decided)})" if decided else "not decidable: no colour survives untrained"


def _order(subject: Subject, count: int, stand_in: StandIn) -> tuple[int, ...] | None:
    """The permutation that the channels undergo; None where the output is no permutation of the input."""
    method = subject.build()
    side = max(32, method.facts.min_side)
    tints = torch.full((count + 1, count, side, side), 0.4)
    for channel in range(count):
        tints[channel, channel] += 0.3
    with _replaced(method.roles()["restorer"], stand_in, method.facts.scale, count):
        try:
            out = restore(method, tints, infos(1) * (count + 1)).mean((2, 3)).numpy()
        except Exception:  # the network's interface is its own; the stand-in need not fit it
            if stand_in is None:
                raise
            return None
    response = (out[:-1] - out[-1:]) / 0.3
    for order in permutations(range(count)):
        if np.abs(response - np.eye(count)[list(order)]).max() < 0.35:
            return order
    return None


@contextmanager
def _replaced(network: nn.Module, stand_in: StandIn, scale: int, count: int) -> Iterator[None]:
    """The network replaced, within the block; what it is given beyond the image's channels is left aside."""

    def instead(_: nn.Module, args: tuple[Any, ...], __: Any) -> Tensor:
        assert stand_in is not None
        return stand_in(args[0][:, :count]).repeat_interleave(scale, -1).repeat_interleave(scale, -2)

    if stand_in is None:
        yield
        return
    handle = network.register_forward_hook(instead)
    try:
        yield
    finally:
        handle.remove()
