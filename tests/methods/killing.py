"""Trainings of a method that are killed at a phase and finished: the program, and how tests run it.

A method's own module says what is trained (``trained(results, data)``) and calls `main`. Every training runs in a fork
of that process, which imports everything once and computes nothing itself.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.benchmark.kill_training import forked
from tests.datasets.pool_toy import FilesDataset

ROOT = Path(__file__).parents[2]
SIZES = [(40, 44)] * 4


def images(folder: Path, name: str = "images", count: int = 4, seed: int = 0, scale: int = 1) -> FilesDataset:
    """A few small pairs on disk, each a scene of its own."""
    return FilesDataset(folder / name, SIZES[:count], seed=seed, scale=scale)


def states(module: str, folder: Path, orders: Sequence[str]) -> list[dict[str, Any]]:
    """What became of each training: run a method's module as a program.

    Args:
        orders: phases as ``train.step:2``; '' is an undisturbed training.
    """
    command = [sys.executable, "-m", module, str(folder), *orders]
    one = {**os.environ, "OMP_NUM_THREADS": "1"}
    run = subprocess.run(command, cwd=ROOT, env=one, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()]


def main(trained: Callable[[Path, Any], Any]) -> None:
    """Carry out the orders of the command line: kill each training at its phase, finish it, print what came of it."""
    import torch
    from lightning_fabric import Fabric  # noqa: F401 - imported once, for all children

    from benchmark.training import TrainingData

    torch.set_num_threads(1)
    folder = Path(sys.argv[1])
    data = TrainingData(images(folder), images(folder, "held", 1, seed=1))
    for number, order in enumerate(sys.argv[2:]):
        results, log = folder / f"results{number}", folder / "killed.log"
        log.unlink(missing_ok=True)
        status = forked(lambda: trained(results, data), order, log) if order else 0
        state = {
            "order": order,
            "killed": os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL,
            "log": log.read_text().split() if log.exists() else [],
            "finished": forked(lambda: trained(results, data)),
        }
        weights = sorted(results.glob("weights/*/*.safetensors"))
        hashes = [hashlib.sha256(path.read_bytes()).hexdigest() for path in weights]
        print(json.dumps({**state, "weights": hashes}), flush=True)
