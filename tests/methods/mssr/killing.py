"""Trainings for the tests; as a program it kills and finishes them, see tests.methods.killing."""

from __future__ import annotations

from pathlib import Path

from tests.methods.killing import images, main

__all__ = ["SETTINGS", "images", "trained"]

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


def trained(results: Path, data, settings=SETTINGS) -> dict[str, Path]:
    """Role -> weights of one training."""
    from benchmark.training import TrainSettings, train
    from methods.mssr.adapter import MSSR
    from methods.recipes import recipe

    plan = TrainSettings(device="cpu", checkpoint_steps=1, tensorboard=False)
    return train(MSSR(recipe(MSSR, "tiny", settings)), data, plan, results)


if __name__ == "__main__":
    main(trained)
