"""The tensors of the device, and the mode that computes with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

CUDA, CPU = torch.device("cuda:0"), torch.device("cpu")
# Take tensors of both devices: copies, and indices that may lie on the CPU.
MIXING = {
    "aten::copy_",
    "aten::_to_copy",
    "aten::index",
    "aten::index_put",
    "aten::index_put_",
    "aten::_index_put_impl_",
}
# Take no single number of the CPU as they take an operand.
STRICT = {"aten::cat", "aten::stack", "aten::linalg_cholesky_ex", "aten::convolution"}
WAITING = {"aten::_local_scalar_dense", "aten::nonzero", "aten::masked_select", "aten::equal", "aten::is_nonzero"}
# Of https://pytorch.org/docs/stable/generated/torch.use_deterministic_algorithms.html, "will throw a RuntimeError".
NOT_DETERMINISTIC = {
    "aten::reflection_pad1d_backward",
    "aten::reflection_pad2d_backward",
    "aten::replication_pad1d_backward",
    "aten::replication_pad2d_backward",
    "aten::_adaptive_avg_pool2d_backward",
    "aten::avg_pool3d_backward",
    "aten::upsample_bilinear2d_backward",
    "aten::upsample_bicubic2d_backward",
    "aten::_upsample_bicubic2d_aa_backward",
    "aten::_upsample_bilinear2d_aa_backward",
    "aten::grid_sampler_2d_backward",
    "aten::cumsum",
    "aten::bincount",
    "aten::histc",
    "aten::kthvalue",
    "aten::put_",
}


class OnCuda(Tensor):
    """A tensor that says it lies on ``cuda:0``; `values` hold what is in it."""

    values: Tensor

    @staticmethod
    def __new__(cls, values: Tensor) -> OnCuda:
        made = Tensor._make_wrapper_subclass(
            cls,
            values.shape,
            strides=values.stride(),
            storage_offset=values.storage_offset(),
            dtype=values.dtype,
            layout=values.layout,
            device=CUDA,
        )
        made.values = values
        return made

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return computed(func, args, kwargs or {})

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Stored as its values are: a checkpoint is read onto the CPU anyway."""
        return self.values.__reduce_ex__(protocol)

    def __deepcopy__(self, memo: Any) -> OnCuda:
        copied = OnCuda(self.values.clone()).requires_grad_(self.requires_grad)
        if getattr(self, "_is_param", False):
            copied._is_param = True
        memo[id(self)] = copied
        return copied

    def __repr__(self, **_: Any) -> str:
        return f"OnCuda({self.values!r})"

    def pin_memory(self, *_: Any) -> Tensor:
        raise RuntimeError("cannot pin 'torch.cuda.FloatTensor': only dense CPU tensors can be pinned")


class Waits:
    """Whether the program may wait for the device, and how often it did."""

    def __init__(self) -> None:
        self.forbidden, self.counted = False, 0

    @contextmanager
    def forbid(self) -> Iterator[None]:
        self.forbidden = True
        try:
            yield
        finally:
            self.forbidden = False

    def note(self, name: str) -> None:
        self.counted += 1
        if self.forbidden:
            raise RuntimeError(f"a step waits for the device: {name}")


WAITS = Waits()


class FakeCuda(TorchDispatchMode):
    """While it is entered, tensors can be made on ``cuda`` and moved there."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return computed(func, args, kwargs or {})


def computed(func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """The outcome of an operation, where CUDA would have given one."""
    name = func._schema.name  # type: ignore[attr-defined]
    tensors = list(_tensors((args, kwargs)))
    there = [t for t in tensors if isinstance(t, OnCuda)]
    wanted = kwargs.get("device")
    target = torch.device(wanted) if wanted is not None else (CUDA if there else CPU)
    if target.type not in ("cuda", "cpu"):
        return func(*args, **kwargs)
    if there:
        _check_devices(name, tensors, there)
        if name in WAITING:
            WAITS.note(name)
        if torch.are_deterministic_algorithms_enabled() and name in NOT_DETERMINISTIC:
            raise RuntimeError(f"{name} does not have a deterministic implementation")
    _check_generator(kwargs.get("generator"), target)
    real = {key: CPU if key == "device" and wanted is not None else value for key, value in kwargs.items()}
    real.pop("pin_memory", None)
    out = func(*_mapped(_real, args), **_mapped(_real, real))
    known = {id(_real(t)): t for t in tensors}
    return _mapped(lambda value: _placed(value, known, target), out)


def _tensors(value: Any) -> Iterator[Tensor]:
    """The tensors in lists, tuples and dicts; torch's own functions for trees take as long as the operations here."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _tensors(one)
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))


def _mapped(change: Callable[[Any], Any], value: Any) -> Any:
    """A tree as of `_tensors` with its leaves changed."""
    if isinstance(value, (list, tuple)):
        return type(value)([_mapped(change, one) for one in value])
    if isinstance(value, dict):
        return {key: _mapped(change, one) for key, one in value.items()}
    return change(value)


def _real(value: Any) -> Any:
    return value.values if isinstance(value, OnCuda) else value


def _placed(value: Any, known: Mapping[int, Tensor], target: torch.device) -> Any:
    if not isinstance(value, Tensor):
        return value
    return known.get(id(value)) if id(value) in known else OnCuda(value) if target.type == "cuda" else value


def _check_devices(name: str, tensors: Sequence[Tensor], there: Sequence[Tensor]) -> None:
    here = [t for t in tensors if not isinstance(t, OnCuda)]
    foreach = name.startswith("aten::_foreach")
    inplace = name.endswith("_") and tensors[0] is not there[0] and not foreach
    if name in MIXING:
        if name.startswith("aten::index") and not isinstance(tensors[0], OnCuda):
            raise RuntimeError("indices should be either on cpu or on the same device as the indexed tensor (cpu)")
        return
    if inplace or any(t.ndim or name in STRICT for t in here):
        raise RuntimeError(
            f"Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu! ({name})"
        )


def _check_generator(generator: torch.Generator | None, target: torch.device) -> None:
    if generator is not None and generator.device.type != target.type:
        raise RuntimeError(f"Expected a {target.type!r} device type for generator but found {generator.device.type!r}")
