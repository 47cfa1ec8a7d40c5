"""The simulation of the queue behind docs/scale.md."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "docs" / "scale_model.py"


@pytest.fixture(scope="module")
def model():
    spec = importlib.util.spec_from_file_location("scale_model", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["scale_model"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["scale_model"]


def test_one_worker_takes_the_sum_of_everything(model):
    costs = model.Costs(plan=0.1, start=5, dispatch=0.01, job=0.2, end=0.05)
    found = model.simulated([1.0, 2.0, 3.0], 1, costs)
    assert found.seconds == pytest.approx(3 * 0.1 + 5 + 3 * 0.01 + 3 * 0.2 + 6 + 3 * 0.05)
    assert found.utilisation == pytest.approx(6 / found.seconds)


def test_the_longest_cell_or_the_driver_is_the_limit(model):
    assert model.simulated([1.0] * 8, 4, model.Costs()).seconds == 2.0
    assert model.simulated([1.0] * 7 + [9.0], 64, model.Costs()).seconds == 9.0
    assert model.simulated([1.0] * 100, 64, model.Costs(dispatch=0.5)).seconds == pytest.approx(51.0)
    assert model.simulated([1.0] * 9, 4, model.Costs()).seconds == 3.0


def test_the_table_is_made_of_what_was_measured(tmp_path):
    (tmp_path / "measured.csv").write_text(
        "what,workers,seconds\nstart,,4\nstart,,6\ndispatch,,0.01\ncell,,1\ncell,,3\nwall,2,8\n"
    )
    command = [sys.executable, str(SCRIPT), str(tmp_path / "measured.csv"), "--cells", "10", "--workers", "1", "64"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[2] == "| 2 | 8.0 | 8.0 |"
    assert lines[4].startswith("10 cells of ") and lines[-1].startswith("| 64 | ") and len(lines) == 10
