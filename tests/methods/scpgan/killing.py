"""Trainings for the tests; as a program it kills and finishes them, see tests.methods.killing."""

from __future__ import annotations

from pathlib import Path

from tests.methods.killing import images, main

__all__ = ["SETTINGS", "images", "trained"]

SETTINGS = {
    "train.crop": 24,
    "train.steps": [4, 10],
    "train.rescales": False,
    "train.replace_every": 3,
    "train.evaluate_every": 2,
    "train.score": "validation",
}


def trained(results: Path, data, settings=SETTINGS) -> Path:
    """The restorer's weights of one training."""
    from benchmark.training import TrainSettings, train
    from methods.recipes import recipe
    from methods.scpgan.adapter import SCPGAN

    plan = TrainSettings(device="cpu", checkpoint_steps=2, tensorboard=False)
    return train(SCPGAN(recipe(SCPGAN, "tiny", settings)), data, plan, results)["restorer"]


if __name__ == "__main__":
    main(trained)
