"""Mistakes that only a GPU shows, planted one at a time."""

from __future__ import annotations
import __future__

import importlib
import inspect
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from unittest import mock


@dataclass(frozen=True)
class Fault:
    """A mistake: in the function ``module:name``, `right` becomes `wrong`.

    Attributes:
        training: of trainings.TRAININGS, which must fail; '' = restoring must. precision: in which it shows.
        says: part of the error.
    """

    where: str
    right: str
    wrong: str
    training: str
    says: str
    precision: str = "fp32"


FAULTS = {
    "cpu() left out": Fault(
        "benchmark.inference.restorer:Restorer._restored", ".contiguous().cpu()", ".contiguous()", "", "numpy()"
    ),
    "a generator of the CPU": Fault(
        "benchmark.training.random:KeyedDraws.normal",
        "generator=self._generator",
        "generator=self._generator, device=self._device",
        "r2r-gaussian",
        "type for generator",
    ),
    "a float64 constant on the CPU": Fault(
        "methods.dgunet.losses:gaussian", "dtype=dtype, device=device", "dtype=torch.float64", "dgunet-edges", "device"
    ),
    "numpy()": Fault(
        "methods.mssr.losses:l1",
        "(a - b).abs().mean()",
        "(a - b).abs().mean() + 0 * (a - b).detach().numpy().mean()",
        "mssr",
        "numpy()",
    ),  # fmt: skip
    "bfloat16 times float32": Fault(
        "methods.dgunet.projection:project",
        "at_least_float32(features).flatten(2)",
        "features.flatten(2)",
        "dgunet",
        "dtype",
        "bf16",
    ),
    "borders without a deterministic backward": Fault(
        "methods.padding:SlicedPadding.__torch_function__",
        "func is functional.pad",
        "func is None",
        "lir",
        "Leave --deterministic out",
        "bf16",
    ),
    "a mask on the CPU": Fault(
        "methods.mssr.pairs:upside_down", ".to(images.device).bool()", ".cpu().bool()", "mssr", "same device"
    ),
}


@contextmanager
def planted(fault: Fault) -> Iterator[None]:
    """While it is entered, the function is the wrong one."""
    module, _, path = fault.where.partition(":")
    owner = importlib.import_module(module)
    names, scope = path.split("."), vars(owner)
    for name in names[:-1]:
        owner = getattr(owner, name)
    source = textwrap.dedent(inspect.getsource(getattr(owner, names[-1])))
    assert source.count(fault.right) == 1, f"{fault.where} has no single {fault.right!r}: name what it has"
    flags = __future__.annotations.compiler_flag
    made: dict[str, object] = {}
    exec(compile(source.replace(fault.right, fault.wrong), f"<{fault.where}>", "exec", flags), scope, made)
    with mock.patch.object(owner, names[-1], made[names[-1]]):
        yield
