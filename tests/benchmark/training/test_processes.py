"""Two processes with half of each batch each do what one process does with the whole."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from benchmark.training.loop import StageLoop
from datasets.core.errors import UserError
from tests.helpers.files_dataset import pairs
from tests.helpers.two_stages import dataset

ROOT = Path(__file__).resolve().parents[3]
FEW = ("r2r", "scpgan-three-stages", "mssr")
ALL = (
    *("r2r", "r2r-gaussian", "lir", "lir-batch-norm", "scpgan", "scpgan-three-stages"),
    *("dgunet", "dgunet-edges", "dgunet-sensing", "mssr", "mssr-batch-norm"),
)


def run(processes: int, module: str, *words: object) -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    several = ["-m", "torch.distributed.run", "--nproc-per-node", str(processes), "--master-port", str(port)]
    command = [sys.executable, *(several if processes > 1 else []), "-m", f"tests.helpers.{module}", *map(str, words)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=ROOT, env=environment, timeout=570).returncode


def weights(results: Path) -> dict[str, torch.Tensor]:
    (path,) = results.glob("weights/toy/*.safetensors")
    return load_file(path)


@pytest.mark.golden_slow
def test_two_processes_equal_one(tmp_path):
    """Batches of 5 are shared as 2 and 3, the last of an epoch has 4; the network has no BatchNorm."""
    images = tmp_path / "images"
    dataset(images)
    assert run(1, "train_processes", tmp_path / "one", images) == 0
    assert run(2, "train_processes", tmp_path / "two", images) == 0
    assert run(2, "train_processes", tmp_path / "again", images, "13") != 0
    assert run(2, "train_processes", tmp_path / "again", images) == 0
    one, two, again = (weights(tmp_path / name) for name in ("one", "two", "again"))
    for key in one:
        assert torch.allclose(one[key], two[key], rtol=0, atol=2e-6), key
        assert torch.equal(two[key], again[key]), key
    start = next(v for k, v in one.items() if k.endswith("weight"))
    assert start.abs().max() > 0.01


def compared(folder: Path, names: Sequence[str], steps: int) -> None:
    """Train in one process and in two, in float64, and hold every network of every stage against the other's.

    Differences are taken relative to the largest value of the network. A bias in front of a normalisation has a
    gradient of rounding errors alone, which Adam turns into steps, and nothing depends on it: one that began at 0 and
    is still a millionth of the network's values is left out. The running mean behind it may differ by as much.
    """
    pairs(folder / "images")
    for processes, name in ((1, "one"), (2, "two")):
        (folder / name).mkdir()
        assert run(processes, "train_ranks", folder / name, folder / "images", steps, *names) == 0
    stages = sorted(path.name for path in (folder / "one").glob("*.pt"))
    assert len(stages) >= len(names) and stages == sorted(path.name for path in (folder / "two").glob("*.pt"))
    for stage in stages:
        one, two = (torch.load(folder / name / stage, weights_only=True)["networks"] for name in ("one", "two"))
        for network, state in one.items():
            largest = max(float(v.abs().max()) for v in state.values() if v.is_floating_point())
            gaps = {k: float((v - two[network][k]).abs().max()) if v.numel() else 0.0 for k, v in state.items()}
            idle = {k for k, v in state.items() if k.endswith(".bias") and float(v.abs().max()) < 1e-6 * largest}
            drift = max((gaps[key] for key in idle), default=0.0)
            for key in state.keys() - idle:
                allowed = 1e-9 * largest + (drift if key.endswith(".running_mean") else 0.0)
                assert gaps[key] <= allowed, f"{stage}, {network}, {key}: {gaps[key] / largest:.3g}"
                assert state[key].dtype in (torch.float64, torch.int64)


def test_two_processes_equal_one_in_float64(tmp_path):
    """Batch normalisation, three adversarial stages with a loss that is no mean, streams with uneven last batches."""
    compared(tmp_path, FEW, 2)


@pytest.mark.golden_slow
def test_every_stage_of_every_method_equals_one_process_after_20_steps(tmp_path):
    compared(tmp_path, ALL, 20)


class _Fabric:
    world_size, global_rank, device = 2, 1, torch.device("cpu")


class _Pool:
    def __init__(self, size: int) -> None:
        self.size = size

    def size_of(self, step: int) -> int:
        return self.size


class _Stage:
    name, networks, weighs_streams = "train", {}, False


def test_streams_that_cannot_be_shared_alike_are_refused():
    def loop(*sizes: int) -> StageLoop:
        return StageLoop(_Fabric(), _Stage(), {str(k): _Pool(size) for k, size in enumerate(sizes)}, 0, 1)

    loop(4, 6, 1)._share_out()  # of one image each process has all of it
    with pytest.raises(UserError, match="cannot share alike"):
        loop(4, 5)._share_out()
