"""Two processes with half of each batch each do what one process does with the whole."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.benchmark.training_toy import dataset

ROOT = Path(__file__).resolve().parents[2]


def run(processes: int, results: Path, images: Path, *more: str) -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    several = ["-m", "torch.distributed.run", "--nproc-per-node", str(processes), "--master-port", str(port)]
    command = [sys.executable, *(several if processes > 1 else []), "-m", "tests.benchmark.train_processes"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([*command, str(results), str(images), *more], cwd=ROOT, env=environment, timeout=300)
    return done.returncode


def weights(results: Path) -> dict[str, torch.Tensor]:
    (path,) = results.glob("weights/toy/*.safetensors")
    return load_file(path)


@pytest.mark.golden_slow
def test_two_processes_equal_one(tmp_path):
    """Batches of 5 are shared as 2 and 3, the last of an epoch has 4; the network has no BatchNorm."""
    images = tmp_path / "images"
    dataset(images)
    assert run(1, tmp_path / "one", images) == 0
    assert run(2, tmp_path / "two", images) == 0
    assert run(2, tmp_path / "again", images, "13") != 0
    assert run(2, tmp_path / "again", images) == 0
    one, two, again = (weights(tmp_path / name) for name in ("one", "two", "again"))
    for key in one:
        assert torch.allclose(one[key], two[key], rtol=0, atol=2e-6), key
        assert torch.equal(two[key], again[key]), key
    start = next(v for k, v in one.items() if k.endswith("weight"))
    assert start.abs().max() > 0.01
