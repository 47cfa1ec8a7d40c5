"""Methods that are named by a file: ``--methods nafnet=NAFNet.pth,mynet=net.py:build,r2r``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import methods
from benchmark.planning.named_values import HELP, entries, named_values, one_file
from benchmark.records.cell import BASELINES
from datasets.core.errors import UserError
from methods.base import Method
from methods.outside.source import ARCHIVE, OWN, Source


def split(given: Iterable[str]) -> tuple[tuple[str, ...], dict[str, Source]]:
    """The names of all methods in their order, and the sources of those that come from files, by name.

    Args:
        given: entries of ``--methods``, such as ``r2r`` or ``nafnet=NAFNet.pth``.
    Raises:
        UserError: a file without a name, that is not there, or under a name that is taken or given twice.
    """
    names: list[str] = []
    found: dict[str, Source] = {}
    for name, value in (pair for entry in given for pair in named_values(entry)):
        if not name and (".py:" in value or (Path(value).suffix and Path(value).is_file())):
            raise UserError(f"A method from a file needs a name: --methods NAME={value} ({HELP}).")
        if name in found or (name and name in names):
            raise UserError(f"The name {name!r} is given to two methods; give another one, --methods {name}-2={value}.")
        if name:
            _check_free(name, value)
            found[name] = Source.read(name, value)
        names.append(name or value)
    return tuple(names), found


def one_method(text: str, weights: str = "", allow_code: bool = False) -> tuple[type[Method] | str, Path | None]:
    """The one method of an option, by its name or as the class that a file makes, and the file of its weights.

    Args:
        text: of ``--methods``. weights: of ``--weights``; '' = none given. allow_code: see `check`.
    Raises:
        UserError: several methods, or as `split`, `check` and `named_values.one_file` do.
    """
    names, sources = split(entries(text))
    if len(names) != 1:
        raise UserError(f"Expected one method (--methods), but got {text!r}.")
    file = one_file(weights, names[0])
    if source := sources.get(names[0]):
        check(source, allow_code, file)
        return source.method(), source.file or file
    return names[0], file


def _check_free(name: str, value: str) -> None:
    if name in methods.names():
        raise UserError(
            f"{name} is a method of the benchmark: give its weights by --methods {name} --weights {value}, or another "
            f"name to the file, --methods my-{name}={value}."
        )
    if name in (*BASELINES, "all"):
        raise UserError(f"The name {name!r} is taken by a row of the benchmark; give another one, my-{name}={value}.")


def check(source: Source, allow_code: bool, weights: Path | None) -> None:
    """Raise UserError for an archive whose code may not run, and for weights beside a file that has its own."""
    if source.kind == ARCHIVE and not allow_code:
        raise UserError(
            f"{source.path} holds code, which would run: give --allow-code where you trust it, or a file with the bare "
            "tensors."
        )
    if weights and source.kind != OWN:
        raise UserError(f"{source.name} has its weights in {source.path.name}; leave them out of --weights.")
