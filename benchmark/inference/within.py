"""How far a network is with one image: the layers that have run, of as many as ran for the last one of that size."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from benchmark.progress import Report, Task

_LAYER = Task(unit="layer")


class Layers:
    """The layers of a method. Counting them is a call of Python each, and moves no figure.

    Args:
        method: whose layers are those modules that hold no others.
    """

    def __init__(self, method: nn.Module) -> None:
        self.method = method
        self._known: dict[tuple[int, ...], int] = {}

    @contextmanager
    def counted(self, report: Report, shape: tuple[int, ...]) -> Iterator[None]:
        """Report each layer that runs within; `shape` is that of the input, on which their number may depend."""
        if report is None:
            yield
            return
        total, done = self._known.get(shape, 0), 0

        def ran(*_: Any) -> None:
            nonlocal done
            done += 1
            report(_LAYER, done if not total or done < total else total - 1, total)  # its end is told by the image

        leaves = [module for module in self.method.modules() if not any(True for _ in module.children())]
        # an archive's layers take no hooks: its progress is told image by image
        hooks = [layer.register_forward_hook(ran) for layer in leaves if not isinstance(layer, torch.jit.ScriptModule)]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()
            self._known[shape] = done
