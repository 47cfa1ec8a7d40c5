"""A person's own code: a file of Python with a function that builds a network."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

from torch import nn

from datasets.core.errors import UserError
from methods.base import Facts, Match, Method, Recipe, State
from methods.outside.wrapped import Call, Wrapped

_PLAIN = (bool, int, float, str)


class Own(Method):
    """What a function of a person's own file builds: a module, or a whole Method.

    Its settings: ``network.*`` are the function's arguments that have plain defaults, ``restore.*`` are those of
    `methods.outside.wrapped.Call`. Weights are loaded strictly into the module.
    """

    title = "own code"
    paper = ""
    builder: ClassVar[Any]

    def __new__(cls, recipe: Recipe) -> Any:
        """The function's Method itself, or a Wrapped around its module. Raises UserError for anything else."""
        with importable(cls.builder.path.parent):
            built = cls.builder.function(**recipe.network)
        plain = replace(recipe, tier="module")
        if isinstance(built, Method):
            built.recipe = plain
            return built
        if not isinstance(built, nn.Module):
            raise UserError(
                f"{cls.builder} returned {type(built).__name__}, where a torch.nn.Module was expected, or a "
                "methods.base.Method."
            )
        facts = getattr(built, "facts", None)
        return Wrapped(plain, built, Call(**recipe.restore), facts if isinstance(facts, Facts) else None)

    @classmethod
    def describe(cls, recipe: Recipe) -> Facts:
        """The network is built, since only its code knows."""
        from methods.loading import build

        return build(cls, recipe).facts

    @classmethod
    def recognise(cls, state: State) -> list[Match]:
        """Any file may be meant: `fill` says what does not fit."""
        return [Match("", {"restorer": state})]


class Builder:
    """A function of a file.

    Args:
        path: of the file. name: of the function.

    Raises:
        UserError: the file cannot be run, or has no such function.
    """

    def __init__(self, path: Path, name: str) -> None:
        self.path, self.name = path, name
        module = imported(path)
        self.function: Any = getattr(module, name, None)
        if not callable(self.function):
            there = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
            raise UserError(
                f"{path} has no function {name!r}, to build the network; it has: {', '.join(there) or 'none'}."
            )

    def __str__(self) -> str:
        return f"{self.path.name}:{self.name}"

    def defaults(self) -> Mapping[str, Any]:
        """The function's arguments with plain defaults: what ``network.*`` can set.

        Raises UserError for an argument that has no default, since nobody would give it.
        """
        try:
            parameters = inspect.signature(self.function).parameters.values()
        except (TypeError, ValueError):  # written in C
            return {}
        named = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
        bare = [p.name for p in named if p.default is p.empty]
        if bare:
            raise UserError(f"{self} is called without arguments; give {', '.join(bare)} a default.")
        usable = [p for p in named if p.kind != p.POSITIONAL_ONLY and isinstance(p.default, _PLAIN)]
        return {p.name: p.default for p in usable}


@contextmanager
def importable(folder: Path) -> Iterator[None]:
    """Modules of a folder can be imported by their names within the block."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        with suppress(ValueError):  # that code may have taken it out
            sys.path.remove(str(folder))


def imported(path: Path) -> ModuleType:
    """The module that a file is, run once for each content of it. Raises UserError where running it fails."""
    content = path.read_bytes()
    name = f"own_{path.stem}_{hashlib.sha256(str(path).encode() + content).hexdigest()[:12]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UserError(f"{path} was expected to be a file of Python; its name must end in .py.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # before it runs: dataclasses look their module up
    try:
        with importable(path.parent):
            spec.loader.exec_module(module)
    except Exception as error:  # whatever a person's code raises
        del sys.modules[name]
        raise UserError(f"Running {path} failed: {type(error).__name__}: {error}.") from error
    return module
