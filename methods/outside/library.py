"""spandrel, which recognises architectures: imported when a checkpoint asks for it, with torchvision or without."""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType
from typing import Any, NoReturn

from datasets.core.errors import UserError

MAIN, EXTRA = "spandrel", "spandrel_extra_arches"
INSTALL = "pip install 'restoration-benchmark[zoo]'"
# What the packages' own pages say of the code of their architectures.
LICENCES = {
    MAIN: "permissive (MIT, Apache 2.0 or public domain)",
    EXTRA: "restricted (non-commercial or copyleft)",
}
_STOOD_IN = ("torchvision", "torchvision.transforms", "torchvision.transforms.functional")
_NAMES = ("InterpolationMode", "normalize", "rotate")  # what two architectures, for faces and for holes, take from it


def has_extra() -> bool:
    """Whether the package with the restricted architectures is installed."""
    return bool(_version(EXTRA))


def versions() -> str:
    """``spandrel 0.4.2, spandrel_extra_arches 0.2.0``: those of the two that are installed; '' for none."""
    return ", ".join(f"{name} {_version(name)}" for name in (MAIN, EXTRA) if _version(name))


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


@cache
def architectures() -> tuple[Any, ...]:
    """Every known architecture in the order in which they are asked. spandrel's own list is left as it is.

    Raises UserError where spandrel is not installed, or cannot be imported; the sentence names the extra.
    """
    if not _version(MAIN):
        raise UserError(f"Recognising a checkpoint needs spandrel, which is not installed: {INSTALL}.")
    try:
        with _torchvision(), warnings.catch_warnings():  # about how their code calls torch
            warnings.simplefilter("ignore")
            main = importlib.import_module(MAIN)
            registry = main.MAIN_REGISTRY.copy()
            if has_extra():
                registry.add(*importlib.import_module(EXTRA).EXTRA_REGISTRY, ignore_duplicates=True)
    except ImportError as error:
        raise UserError(f"spandrel is installed, but cannot be imported ({error}): {INSTALL}.") from error
    return tuple(support.architecture for support in registry.architectures("detection"))


def package_of(architecture: Any) -> str:
    """The package that an architecture's code comes from."""
    return EXTRA if type(architecture).__module__.partition(".")[0] == EXTRA else MAIN


@contextmanager
def _torchvision() -> Iterator[None]:
    """torchvision itself where it can be imported; else a stand-in that is gone from sys.modules after the block."""
    before = _loaded()
    try:
        importlib.import_module(_STOOD_IN[-1])
        is_there = True
    except Exception:  # absent, or built for another torch, which fails in several ways
        is_there = False
        _put_back({})
        parts = {name: ModuleType(name) for name in _STOOD_IN}
        for name in _NAMES:
            setattr(parts[_STOOD_IN[-1]], name, _absent)
        sys.modules.update(parts)
    try:
        yield
    finally:
        if not is_there:
            _put_back(before)


def _loaded() -> dict[str, ModuleType]:
    return {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "torchvision"}


def _put_back(modules: dict[str, ModuleType]) -> None:
    for name in _loaded():
        del sys.modules[name]
    sys.modules.update(modules)


def _absent(*args: Any, **options: Any) -> NoReturn:
    raise UserError("This architecture computes with torchvision, which is not installed.")
