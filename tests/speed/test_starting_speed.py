"""Starting: help, lists and a plan, in processor seconds of processes of their own, beside what they may take."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import datasets
from tests.helpers.speed_record import ROOT, cpu_seconds, record, rounds, script

pytestmark = pytest.mark.speed
GOALS = {"--help": 0.3, "list methods": 0.6, "list recipes": 0.6}
# A plan is counted from where torch is there.
PLAN = """
import json, sys, time
import torch
start = time.process_time()
from pathlib import Path
from benchmark.planning.planner import plan
from benchmark.planning.request import RunRequest
data, results = map(Path, sys.argv[1:])
jobs = plan(RunRequest(("all",), ("demo",), data=data, results=results))
print(json.dumps([time.process_time() - start, len(jobs)]))
"""


@pytest.mark.parametrize("words", GOALS)
def test_a_line_that_computes_nothing(words: str) -> None:
    command = [sys.executable, "-m", "benchmark", *words.split()]

    def ours() -> None:
        subprocess.run(command, check=True, cwd=ROOT, capture_output=True)

    ours()  # the compiled modules are written
    record(f"benchmark {words}", [(cpu_seconds(ours), GOALS[words]) for _ in range(rounds(3))], "goal")


def test_a_plan_of_all_methods(tmp_path: Path) -> None:
    datasets.prepare("demo", None, tmp_path / "data")
    script(PLAN, tmp_path / "data", tmp_path / "results")
    found = [script(PLAN, tmp_path / "data", tmp_path / "results") for _ in range(rounds(3))]
    record(f"planning all methods on demo, {found[0][1]} jobs, torch there", [(s, 1.0) for s, _ in found], "goal")
