"""Kill -9 at every phase of a training, then the same command again: the weights are those of an undisturbed run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STEPS = [("first", 24), ("second", 16)]


def killed(folder: Path, orders: list[str]) -> dict[str, dict]:
    command = [sys.executable, "-m", "tests.benchmark.kill_training", str(folder), *orders]
    run = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=600
    )
    assert run.returncode == 0, run.stderr
    return {state["order"]: state for state in map(json.loads, run.stdout.splitlines())}


def check(states: dict[str, dict]) -> None:
    whole = states[""]
    assert whole["finished"] == 0 and len(whole["weights"]) == 1
    for order, state in states.items():
        phases = [phase.rpartition(":")[0] for phase in order.split("+") if phase]
        assert state["log"] == phases and all(state["killed"]), (order, state)
        assert state["finished"] == 0 and state["weights"] == whole["weights"], order
        rows = [["stage", "step"], *([name, str(k + 1)] for name, steps in STEPS for k in range(steps))]
        assert state["rows"] == rows, order  # every step once, in order, whatever happened in between


def test_killed_and_started_again(tmp_path):
    orders = [
        "train.prepare:3",
        "train.step:3",
        "train.step:17",
        "train.step:33",
        "train.checkpoint:2",
        "train.evaluate:2",
        "train.weights:1",
        "train.weights:2",
        "train.prepare:2+train.step:7+train.checkpoint:1+train.evaluate:1+train.step:30+train.weights:1",
    ]
    check(killed(tmp_path, ["", *orders]))


@pytest.mark.golden_slow
def test_killed_at_every_passing_of_every_phase(tmp_path):
    # preparations: both halves of the six images for the first stage, the degraded half again for the second
    counts = {"train.prepare": 10, "train.step": 40, "train.checkpoint": 9, "train.evaluate": 4, "train.weights": 2}
    check(killed(tmp_path, ["", *(f"{phase}:{n + 1}" for phase, count in counts.items() for n in range(count))]))
