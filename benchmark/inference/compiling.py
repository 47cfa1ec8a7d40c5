"""Networks compiled by torch.compile, where a compiler is there; as they are written where it fails."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from benchmark.inference.twins import M, twin
from methods.base import Method, SampleInfo


def compiled(module: M) -> M:
    """A twin of a method, or of a container of networks, whose networks compile at their first call.

    The twin shares everything else; the module itself is left as it is, so that costs are counted on layers as written.
    """
    return twin(module, {name: _network(child) for name, child in module._modules.items() if child is not None})


def _network(module: nn.Module) -> nn.Module:
    if isinstance(module, torch.jit.ScriptModule):  # an archive is compiled already
        return module
    if type(module).forward is nn.Module.forward:  # a container: its parts are called one by one
        return compiled(module)
    made = copy.copy(module)
    made.compile()
    return made


class Compiled:
    """A method whose networks are compiled, as long as that works.

    Attributes:
        remark: why they are not, for the record ('' = they are).
    """

    def __init__(self, method: Method) -> None:
        self.remark = ""
        self._twin: Method | None = None
        try:
            self._twin = compiled(method)
        except RuntimeError as error:  # of a Python or a platform that torch cannot compile for
            self.remark = _reason(error)

    def restore(self, x: Tensor, info: Sequence[SampleInfo]) -> Any:
        """What the method makes of them; None where nothing is compiled, and the method is to be called as written."""
        if self._twin is None:
            return None
        try:
            return self._twin.restore(x, info)
        except RuntimeError as error:
            from torch._dynamo.exc import TorchDynamoException  # takes a second to import

            if not isinstance(error, TorchDynamoException):
                raise
            self._twin, self.remark = None, _reason(error)
            return None


def _reason(error: RuntimeError) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return f"not compiled, computed as written: {' '.join(lines[:2])[:200]}"  # the first names the step, the second why
