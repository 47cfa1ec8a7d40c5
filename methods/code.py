"""A hash of a method's code, so that a figure is never taken from a record of other code.

Syntax trees are hashed, not text: comments, docstrings and formatting do not count.
"""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

# Modules beside the methods' folders are the contract and its tools, but for those that methods compute with.
_COMPUTING = ("blurs",)
_PROJECT = ("benchmark", "methods", "datasets")

# By the class, not its module's name: a module that was imported again has another class.
_DIGESTS: WeakKeyDictionary[type[Any], str] = WeakKeyDictionary()


def code_digest(cls: type[Any]) -> str:
    """SHA-256 over the code that a method's pixels come from, read once per process.

    These are the files of the package that the class lies in (its file alone where it lies in none), and those that
    they import, at any depth, from their own distribution or from what methods share (``methods.features``,
    ``methods.blurs``). Not the recipes, which have hashes of their own, nor the rest of ``methods``, ``datasets`` and
    ``benchmark``.

    Args:
        cls: a Method subclass.
    Returns:
        64 hexadecimal digits; '' where there is no source (a class that was typed into a notebook).
    """
    if cls not in _DIGESTS:
        _DIGESTS[cls] = _read(cls)
    return _DIGESTS[cls]


def _read(cls: type[Any]) -> str:
    module = sys.modules.get(cls.__module__)
    file = Path(getattr(module, "__file__", None) or "")
    if module is None or not file.is_file():
        return ""
    package = module.__package__ or ""
    root = file.parents[len(package.split(".")) if package else 0]  # the folder that dotted names start from
    top = package.partition(".")[0]
    # A method of the harness itself (a reference row) is its file: the package around it is about other things too.
    files = sorted(file.parent.rglob("*.py")) if top not in ("", "benchmark") else [file]
    waiting = {".".join(path.relative_to(root).with_suffix("").parts): path for path in files}
    hashes: dict[str, str] = {}
    while waiting:
        name, path = waiting.popitem()
        hashes[name], imports = _module(path.read_bytes(), name)
        found = {at: place for imported in imports for at, place in _files(imported, top, root).items()}
        waiting |= {at: place for at, place in found.items() if at not in hashes}
    return hashlib.sha256(repr(sorted(hashes.items())).encode()).hexdigest()


def code_of_file(path: Path) -> str:
    """SHA-256 over a person's own file of Python and what it imports from its folder and those below, at any depth.

    Installed packages and this project's own do not count, nor do comments, docstrings and formatting.

    Raises SyntaxError for a file that is no Python, OSError for one that cannot be read.
    """
    waiting, hashes = {path.stem: path}, dict[str, str]()
    while waiting:
        name, place = waiting.popitem()
        hashes[name], imports = _module(place.read_bytes(), name)
        found = [imported for imported in imports if imported.partition(".")[0] not in _PROJECT]
        names = [at for imported in found for at in (imported, f"{imported}.__init__")]
        places = {at: path.parent.joinpath(*at.split(".")).with_suffix(".py") for at in names}
        waiting |= {at: place for at, place in places.items() if at not in hashes and place.is_file()}
    return hashlib.sha256(repr(sorted(hashes.items())).encode()).hexdigest()


@lru_cache(maxsize=512)  # modules that several methods share are parsed once
def _module(source: bytes, name: str) -> tuple[str, tuple[str, ...]]:
    """SHA-256 of a module's code, and the dotted names of what it imports."""
    imports: list[ast.Import | ast.ImportFrom] = []
    plain = _plain(ast.parse(source), imports)
    digest = hashlib.sha256(repr(plain).encode()).hexdigest()
    return digest, tuple(dict.fromkeys(imported for node in imports for imported in _imported(node, name)))


def _plain(node: Any, imports: list[ast.Import | ast.ImportFrom]) -> Any:
    """A syntax tree as nested tuples, without docstrings and empty fields. Its imports, those inside of functions too,
    are added to `imports`, since a second walk over the tree would take as long as this one.

    `ast.dump` would do, were its text not another one in each version of Python.
    """
    if isinstance(node, list):
        return [_plain(item, imports) for item in node]
    if not isinstance(node, ast.AST):
        return node
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        imports.append(node)
    fields = {name: value for name, value in ast.iter_fields(node) if value is not None and value != []}
    if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
        fields["body"] = node.body[ast.get_docstring(node, clean=False) is not None :]
    return type(node).__name__, [(name, _plain(value, imports)) for name, value in fields.items()]


def _imported(node: ast.Import | ast.ImportFrom, importer: str) -> Iterator[str]:
    """Dotted names that one statement imports into the module `importer`; some are of attributes."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    above = ".".join(importer.split(".")[: -node.level]) if node.level else ""
    base = ".".join(filter(None, [above, node.module]))
    yield from (name for alias in node.names for name in (base, f"{base}.{alias.name}"))


def _files(name: str, top: str, root: Path) -> dict[str, Path]:
    """Name and file of a module, where it counts: it is of the method's own distribution, or of what methods share."""
    first, _, rest = name.partition(".")
    home, shared = Path(__file__).parent, rest.partition(".")[0]
    if first == "methods":
        counts = shared in _COMPUTING or (bool(shared) and (home / shared).is_dir())
        root = home.parent
    else:
        counts = first == top and top not in ("", "benchmark")
    names = (name, f"{name}.__init__") if counts else ()
    places = {at: root.joinpath(*at.split(".")).with_suffix(".py") for at in names}
    return {at: place for at, place in places.items() if place.is_file()}
