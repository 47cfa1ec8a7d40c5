"""Trainings for the tests. Run as a program: kills each at a phase and finishes it; prints a JSON object for each.

Arguments: a scratch folder, then phases as ``train.step:2``; '' is an undisturbed training. Each runs in a fork.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
from pathlib import Path

from tests.benchmark.kill_training import forked
from tests.methods.scpgan.killing import images

SETTINGS = {"train.crop": 24, "train.steps": 6, "train.judge_layers": 2, "train.judge_scales": 1}


def trained(results: Path, data, **settings) -> Path:
    """The restorer's weights of one training with batch norms, whose statistics must survive as well."""
    from benchmark.training import TrainSettings, train
    from methods.lir.adapter import LIR
    from methods.recipes import recipe

    plan = TrainSettings(device="cpu", checkpoint_steps=2, tensorboard=False)
    chosen = recipe(LIR, "tiny", {**SETTINGS, "network.norm": "batch", **settings})
    return train(LIR(chosen), data, plan, results)["restorer"]


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
        (weights,) = results.glob("weights/lir/*.safetensors")
        state = {
            "killed": os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL,
            "log": log.read_text().split() if log.exists() else [],
            "finished": finished,
            "weights": hashlib.sha256(weights.read_bytes()).hexdigest(),
        }
        print(json.dumps(state), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
