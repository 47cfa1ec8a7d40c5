"""The house: which module may know which, what lies where, how long things are."""

from __future__ import annotations

import ast
import re
import statistics
from collections.abc import Iterator, Mapping
from dataclasses import fields
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from benchmark.records.record import Record

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("benchmark", "methods", "datasets")
LEAVES = ("datasets.core", "datasets.ops", "datasets.streams")  # what methods may know of datasets
SHARED = ("features",)  # folders under methods/ that are no method's own


def module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


FILES = {module(path): path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))}


@pytest.fixture(scope="module")
def trees() -> dict[str, ast.Module]:
    """Module -> its syntax tree."""
    return {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in FILES.items()}


def imports(tree: ast.AST) -> Iterator[tuple[str, ...]]:
    """What a file imports, anywhere in it: in functions and for type checkers too.

    ``import a.b`` gives ``("a.b",)``; ``from a import b`` gives ``("a.b", "a")``, since b may be a module or not.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name,) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import in line {node.lineno}"
            yield from ((f"{node.module}.{alias.name}", node.module or "") for alias in node.names)


def within(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(package + ".") for package in packages)


def folder_of(name: str) -> str:
    """The method folder that a module belongs to, '' for the shared modules of `methods`."""
    parts = name.split(".")
    return parts[1] if parts[0] == "methods" and len(parts) > 1 and (ROOT / "methods" / parts[1]).is_dir() else ""


def may_import(me: str, other: str) -> bool:
    """Whether one of our modules may import another."""
    if within(me, "datasets.core"):
        return within(other, "datasets.core")
    if within(me, "datasets.ops", "datasets.streams"):
        return within(other, "datasets.core", "datasets.ops")
    if within(me, "datasets"):
        return within(other, "datasets")
    if within(me, "methods"):
        return within(other, *LEAVES) or (within(other, "methods") and folder_of(other) in ("", folder_of(me), *SHARED))
    return True


def test_arrows_go_one_way(trees):
    """benchmark -> methods -> leaves of datasets <- datasets <- benchmark; a method knows no other method's folder."""
    wrong = [
        f"{me} imports {name}"
        for me, tree in trees.items()
        for names in imports(tree)
        for name in names
        if within(name, *PACKAGES) and not may_import(me, name)
    ]
    assert len(trees) > 50 and wrong == []


@pytest.mark.parametrize(
    ("me", "other", "allowed"),
    [
        ("methods.lir.adapter", "methods.features", True),
        ("methods.features.lpips", "methods.lir.losses", False),
        ("datasets.ops.isp", "datasets.base", False),
        ("datasets.core.files", "datasets.ops.images", False),
        ("datasets.streams", "datasets.base", False),
        ("methods.r2r.training", "datasets.streams", True),
        ("methods.r2r.training", "datasets.core.errors", True),
        ("datasets.polyu", "methods.base", False),
        ("methods.r2r.training", "datasets.pool", False),
        ("methods.r2r.training", "datasets.ops.isp", True),
        ("methods.weights", "methods.r2r.network", False),
        ("methods.r2r.training", "methods.weights", True),
        ("methods.r2r.training", "benchmark.records.cell", False),
        ("benchmark.records.cell", "methods.base", True),
    ],
)
def test_the_rule_of_the_arrows(me, other, allowed):
    assert may_import(me, other) is allowed


def cycle(trees: Mapping[str, ast.AST]) -> list[str]:
    """Modules that import each other in a circle, [] if none do.

    A module below a package may import from the package itself, which Python has begun before it.
    """
    graph: dict[str, set[str]] = {me: set() for me in trees}
    for me, tree in trees.items():
        for names in imports(tree):
            known = next((name for name in names if name in trees), me)
            if not within(me, known):
                graph[me].add(known)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def test_no_module_imports_itself_in_a_circle(trees):
    assert cycle(trees) == []


@pytest.mark.parametrize(
    ("back", "found"),
    [
        ("import a.b", True),
        ("from a import b", True),
        ("from a.b import f", True),
        ("def f():\n    from a.b import f", True),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import a.b", True),
        ("from a import f", False),
        ("import json", False),
    ],
)
def test_the_rule_of_the_circles(back, found):
    """The module c.d, which a.b imports, imports `back`."""
    texts = {"a": "", "a.b": "import a\nfrom c import d", "c": "from c.d import f", "c.d": back}
    assert bool(cycle({name: ast.parse(text) for name, text in texts.items()})) is found


def test_torchvision_is_never_imported(trees):
    assert importing("torchvision", trees) == []


def test_words_of_commands_are_read_in_one_room(trees):
    assert [name for name in importing("argparse", trees) if not within(name, "benchmark.cli")] == []


def importing(library: str, trees: Mapping[str, ast.AST]) -> list[str]:
    return [me for me, tree in trees.items() if any(within(name, library) for names in imports(tree) for name in names)]


def test_few_files_lie_outside_of_the_rooms():
    flat = {path.name for path in (ROOT / "benchmark").glob("*.py")} - {"__init__.py", "__main__.py"}
    assert len(flat) <= 9, flat


def test_an_option_of_the_inference_is_named_in_few_files():
    """They are carried as a whole; tf32 stands for all of them."""
    naming = [name for name, path in FILES.items() if within(name, "benchmark") and re.search(r"\btf32\b", read(path))]
    assert 1 <= len(naming) <= 6, naming


def test_adapters_are_short():
    """What a method tells the harness; all else has a module of its own."""
    lengths = {str(path.relative_to(ROOT)): lines(path) for path in (ROOT / "methods").glob("*/adapter.py")}
    assert len(lengths) >= 5 and max(lengths.values()) <= 60, lengths


def test_a_record_has_few_fields_at_its_top():
    assert len(fields(Record)) <= 16


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def lines(path: Path) -> int:
    return len(read(path).splitlines())


def test_style_measures(capsys, trees):
    """Printed for whoever reads the log; only the measures over everything can fail."""
    lengths = [_body(node) for tree in trees.values() for node in ast.walk(tree) if _is_function(node)]
    files = [lines(path) for path in FILES.values()]
    middle, ninth = statistics.median(lengths), statistics.quantiles(lengths, n=10)[-1]
    with capsys.disabled():
        print(f"\n{len(FILES)} files: median {statistics.median(files):.0f} lines, longest {max(files)};", end=" ")
        print(f"{len(lengths)} functions: median {middle:.0f}, 9 in 10 under {ninth:.0f}, longest {max(lengths)}")
    assert middle <= 10 and ninth <= 30 and statistics.median(files) <= 150


def _is_function(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)


def _body(node) -> int:
    first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
    return node.end_lineno - first.lineno + 1
