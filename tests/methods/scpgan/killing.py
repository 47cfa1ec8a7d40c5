"""Trainings for the tests. Run as a program: kills each at a phase and finishes it; prints a JSON object for each.

Every training runs in a fork of this process, which imports everything once and computes nothing itself.
Arguments: a scratch folder, then phases as ``train.replacement:2``; '' is an undisturbed training.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
from pathlib import Path

from tests.benchmark.kill_training import forked
from tests.datasets.pool_toy import FilesDataset

SIZES = [(40, 44)] * 4
SETTINGS = {
    "train.crop": 24,
    "train.steps": [4, 10],
    "train.rescales": False,
    "train.replace_every": 3,
    "train.evaluate_every": 2,
    "train.score": "validation",
}


def images(folder: Path, name: str = "images", count: int = 4, seed: int = 0) -> FilesDataset:
    return FilesDataset(folder / name, SIZES[:count], seed=seed)


def trained(results: Path, data, settings=SETTINGS) -> Path:
    """The restorer's weights of one training."""
    from benchmark.training import TrainSettings, train
    from methods.recipes import recipe
    from methods.scpgan.adapter import SCPGAN

    plan = TrainSettings(device="cpu", checkpoint_steps=2, tensorboard=False)
    return train(SCPGAN(recipe(SCPGAN, "tiny", settings)), data, plan, results)["restorer"]


def main(folder: Path, orders: list[str]) -> None:
    import torch
    from lightning_fabric import Fabric  # noqa: F401 - imported once, for all children

    from benchmark.training import TrainingData

    torch.set_num_threads(1)
    data = TrainingData(images(folder), images(folder, "held", 1, seed=1))
    for number, order in enumerate(orders):
        results, log = folder / f"results{number}", folder / "killed.log"
        log.unlink(missing_ok=True)
        status = forked(lambda: trained(results, data), order, log) if order else 0
        finished = forked(lambda: trained(results, data))
        (weights,) = results.glob("weights/scpgan/*.safetensors")
        state = {
            "order": order,
            "killed": os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL,
            "log": log.read_text().split() if log.exists() else [],
            "finished": finished,
            "weights": hashlib.sha256(weights.read_bytes()).hexdigest(),
        }
        print(json.dumps(state), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
