"""The path of a GPU, checked where there is none: see tests.helpers.fake_cuda."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.fake_cuda.faults import FAULTS
from tests.helpers.fake_cuda.library import compiled, compiler

ROOT = Path(__file__).resolve().parents[2]
METHODS = (
    "r2r", "r2r-gaussian", "lir", "lir-batch-norm", "scpgan", "scpgan-three-stages", "dgunet", "dgunet-edges",
    "dgunet-sensing", "mssr",
)  # fmt: skip
SOUND = [
    "cells",
    *(f"restoring {name}" for name in METHODS),
    *(f"training {name} fp32" for name in METHODS),
    *(f"training {name} bf16" for name in METHODS if name not in ("dgunet", "scpgan")),
    "resumed elsewhere",
    "one budget",
]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Scenario -> its error, '' where it passed. All run in one process, which has the device from its start."""
    if compiler() is None and not os.environ.get("CI"):
        pytest.skip("no C++ compiler, which makes the device: install g++ or set CXX")
    folder = tmp_path_factory.mktemp("fake_cuda")
    library, found = compiled(folder), folder / "outcomes.json"
    command = [sys.executable, "-m", "tests.helpers.fake_cuda", str(library), str(folder), str(found)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stdout + done.stderr
    return {name: outcome["error"] for name, outcome in json.loads(found.read_text()).items()}


@pytest.mark.parametrize("name", SOUND)
def test_on_a_gpu(name, outcomes):
    assert outcomes[name] == "", outcomes[name]


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found(name, outcomes):
    assert FAULTS[name].says in outcomes[f"fault: {name}"].strip().splitlines()[-1], outcomes[f"fault: {name}"]


def test_every_scenario_is_looked_at(outcomes):
    assert set(outcomes) == {*SOUND, *(f"fault: {name}" for name in FAULTS)}
