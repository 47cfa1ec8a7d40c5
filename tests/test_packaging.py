"""What the packages may import, how fast the command line answers, and what the wheel holds."""

from __future__ import annotations

import ast
import os
import resource
import statistics
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("benchmark", "methods", "datasets")
FILES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
HEAVY = (
    "torch",
    "numpy",
    "pandas",
    "cv2",
    "h5py",
    "scipy",
    "skimage",
    "rich",
    "safetensors",
    "lightning_fabric",
    "pooch",
)


def module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports(path: Path) -> Iterator[str]:
    """Modules that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def within(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(package + ".") for package in packages)


SHARED = ("features",)  # folders under methods/ that are no method's own


def folder_of(name: str) -> str:
    """The method folder that a module belongs to, '' for the shared modules of `methods`."""
    parts = name.split(".")
    return parts[1] if parts[0] == "methods" and len(parts) > 1 and (ROOT / "methods" / parts[1]).is_dir() else ""


def may_import(me: str, other: str) -> bool:
    """Whether one of our modules may import another."""
    if within(me, "datasets.ops"):
        return within(other, "datasets.ops")
    if within(me, "datasets"):
        return within(other, "datasets")
    if within(me, "methods"):
        return within(other, "datasets.ops") or (
            within(other, "methods") and folder_of(other) in ("", folder_of(me), *SHARED)
        )
    return True


def test_arrows_go_one_way():
    """benchmark -> methods -> datasets.ops <- datasets <- benchmark; a method knows no other method's folder."""
    wrong = [
        f"{module(path)} imports {name}"
        for path in FILES
        for name in imports(path)
        if within(name, *PACKAGES) and not may_import(module(path), name)
    ]
    assert len(FILES) > 50 and wrong == []


@pytest.mark.parametrize(
    ("me", "other", "allowed"),
    [
        ("methods.lir.adapter", "methods.features", True),
        ("methods.features.lpips", "methods.lir.losses", False),
        ("datasets.ops.isp", "datasets.base", False),
        ("datasets.polyu", "methods.base", False),
        ("methods.r2r.training", "datasets.pool", False),
        ("methods.r2r.training", "datasets.ops.isp", True),
        ("methods.weights", "methods.r2r.network", False),
        ("methods.r2r.training", "methods.weights", True),
        ("methods.r2r.training", "benchmark.cell", False),
        ("benchmark.cell", "methods.base", True),
    ],
)
def test_the_rule_itself(me, other, allowed):
    assert may_import(me, other) is allowed


def test_torchvision_is_never_imported():
    assert [module(path) for path in FILES if any(within(name, "torchvision") for name in imports(path))] == []


def test_help_imports_nothing_heavy():
    code = "import sys, benchmark.cli; benchmark.cli.main(['run', '--help']); print('LOADED', *sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = done.stdout.rpartition("LOADED")[2].split()
    assert [name for name in loaded if name in HEAVY] == []


def test_help_answers_in_half_a_second():
    """Seconds of the processor, so that a busy machine does not fail it; the best of three."""

    def once() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-m", "benchmark", "--help"], cwd=ROOT, capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(once() for _ in range(3)) < 0.5


def test_another_library_called_datasets_is_named(tmp_path):
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "__init__.py").write_text("")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    command = [sys.executable, "-c", "import benchmark"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert str(tmp_path) in last and "another library" in last


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    pytest.importorskip("hatchling")
    out = tmp_path_factory.mktemp("wheel")
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(out)]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, str(ROOT)], check=True, stdin=subprocess.DEVNULL)
    return zipfile.ZipFile(next(out.glob("*.whl"))).namelist()


def test_the_wheel_holds_every_file_of_the_packages(wheel):
    sources = [p for package in PACKAGES for p in (ROOT / package).rglob("*") if p.is_file()]
    wanted = {str(p.relative_to(ROOT)) for p in sources if "__pycache__" not in p.parts and "shipped" not in p.parts}
    assert wanted - set(wheel) == set()


def test_the_wheel_holds_what_is_shipped_and_nothing_else_of_results(wheel):
    shipped = {name.removeprefix("benchmark/shipped/") for name in wheel if name.startswith("benchmark/shipped/")}
    weights = {str(p.relative_to(ROOT / "results")) for p in (ROOT / "results" / "weights").rglob("*") if p.is_file()}
    assert shipped - weights == {"published.csv", "baseline.csv"}
    assert weights <= shipped
    top = {name.split("/")[0] for name in wheel}
    assert {t for t in top if not t.endswith(".dist-info")} == set(PACKAGES)


def test_style_measures(capsys):
    """Printed for whoever reads the log; only the measures over everything can fail."""
    lengths = [_body(node) for path in FILES for node in ast.walk(ast.parse(path.read_text())) if _is_function(node)]
    files = [len(path.read_text().splitlines()) for path in FILES]
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
