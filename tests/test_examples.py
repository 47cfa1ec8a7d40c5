"""The example plug-in, installed as an outsider would install it, is listed, checked, trained and run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "docs" / "examples" / "restoration-benchmark-median"


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory):
    """Runs the command line with the plug-in installed beside it; returns what it prints as JSON."""
    target, home = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("home")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    # built from a copy, so that nothing is left in the source
    source = home / "source"
    source.mkdir()
    for name in ("pyproject.toml", "restoration_benchmark_median.py"):
        (source / name).write_bytes((EXAMPLE / name).read_bytes())
    subprocess.run([*pip, "--target", str(target), str(source)], check=True, stdin=subprocess.DEVNULL)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(target), str(ROOT)])}

    def run(*argv: str):
        command = [sys.executable, "-m", "benchmark", *argv, "--json", "--quiet"]
        done = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def test_the_plug_ins_are_listed(benchmark):
    assert "median" in [row["name"] for row in benchmark("list", "methods")]
    assert "shapes" in [row["name"] for row in benchmark("list", "datasets")]


def test_the_method_conforms(benchmark):
    outcomes = benchmark("conformance", "median")
    assert len(outcomes) >= 10
    assert all(outcome["passed"] for outcome in outcomes), outcomes


def test_both_run(benchmark):
    chosen = ("--methods", "median", "--dataset", "shapes,demo", "--limit", "2", "--conventions", "float-gauss")
    rows = benchmark("run", *chosen, "--train", "always", "--steps", "20", "--device", "cpu")
    by = {(row["dataset"], row["method"]): row for row in rows}
    assert {row["status"] for row in rows} == {"done"}
    # 5 % of black and white pixels: what a median is for
    assert float(by["shapes", "median"]["psnr"]) > float(by["shapes", "input"]["psnr"]) + 5
    assert float(by["demo", "median"]["psnr"]) > float(by["demo", "input"]["psnr"])
