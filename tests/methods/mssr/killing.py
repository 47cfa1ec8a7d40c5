"""Trainings for the tests. Run as a program: kills each at a phase and finishes it; prints a JSON object for each.

Every training runs in a fork of this process, which imports everything once and computes nothing itself.
Arguments: a scratch folder, then phases as ``train.step:7``; '' is an undisturbed training.
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
# steps of the four stages: 3, 2, 2, 3
SETTINGS = {
    "train.start_steps": 3,
    "train.start_crop": 16,
    "train.generator_steps": [2, 2],
    "train.crop": 16,
    "train.steps": 3,
    "train.restorer_crop": 16,
    "train.generator_average": 0.5,
    "train.start_average": 0.5,
    "train.rescales": False,
}


def images(folder: Path, name: str = "images", count: int = 4, seed: int = 0, scale: int = 1) -> FilesDataset:
    return FilesDataset(folder / name, SIZES[:count], seed=seed, scale=scale)


def trained(results: Path, data, settings=SETTINGS) -> dict[str, Path]:
    """Role -> weights of one training."""
    from benchmark.training import TrainSettings, train
    from methods.mssr.adapter import MSSR
    from methods.recipes import recipe

    plan = TrainSettings(device="cpu", checkpoint_steps=1, tensorboard=False)
    return train(MSSR(recipe(MSSR, "tiny", settings)), data, plan, results)


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
        weights = sorted(results.glob("weights/mssr/*.safetensors"))
        state = {
            "order": order,
            "killed": os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL,
            "log": log.read_text().split() if log.exists() else [],
            "finished": finished,
            "weights": [hashlib.sha256(path.read_bytes()).hexdigest() for path in weights],
        }
        print(json.dumps(state), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
