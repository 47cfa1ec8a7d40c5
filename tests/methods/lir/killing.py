"""Trainings for the tests; as a program it kills and finishes them, see tests.methods.killing."""

from __future__ import annotations

from pathlib import Path

from tests.methods.killing import images, main

__all__ = ["SETTINGS", "images", "trained"]

SETTINGS = {"train.crop": 24, "train.steps": 6, "train.judge_layers": 2, "train.judge_scales": 1}


def trained(results: Path, data, **settings) -> Path:
    """The restorer's weights of one training with batch norms, whose statistics must survive as well."""
    from benchmark.training import TrainSettings, train
    from methods.lir.adapter import LIR
    from methods.recipes import recipe

    plan = TrainSettings(device="cpu", checkpoint_steps=2, tensorboard=False)
    chosen = recipe(LIR, "tiny", {**SETTINGS, "network.norm": "batch", **settings})
    return train(LIR(chosen), data, plan, results)["restorer"]


if __name__ == "__main__":
    main(trained)
