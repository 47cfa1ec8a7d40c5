"""Train every method in float64, in as many processes as torchrun starts, and keep each stage's end.

Arguments: a folder for the stages' states, the images' folder, steps of a stage, names of trainings.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import torch

from benchmark.training import TrainingData, TrainSettings, train, trainer
from datasets.pool import Pool
from methods.loading import build
from methods.recipes import recipe
from methods.registry import METHODS
from tests.helpers.fake_cuda.trainings import TRAININGS
from tests.helpers.files_dataset import pairs

# Batches of 5, which two processes share as 2 and 3; mssr's degraded images come 5 and then 3 at a time.
BATCHES = {"r2r": ["batch"], "lir": ["batch"], "scpgan": ["batch"], "dgunet": ["batch"]}
BATCHES["mssr"] = ["batch", "start_batch", "generator_batch"]
# Batch normalisation where the recipes have none.
NORMS = {"mssr-batch-norm": ("mssr", {"train.norm": "batch"})}


def trained(name: str, results: Path, images: Path, steps: int) -> None:
    """One training; the state of each stage at its end comes to ``results/<name>-<stage>.pt``."""
    base, more = NORMS.get(name, (name, {}))
    method, named, settings = TRAININGS[base]
    sizes: dict[str, Any] = {f"train.{key}": 5 for key in BATCHES[method]}
    if method == "mssr":
        sizes["train.generator_batch"] = [5, 5]
    cls = METHODS.get(method)
    made = build(cls, recipe(cls, named, {**settings, **sizes, **more}))
    factories = list(made.stages())
    made.stages = lambda: [partial(in_double, factory) for factory in factories]  # type: ignore[method-assign]
    count = len(factories)
    chosen = TrainSettings(steps=steps * count, device="cpu", tensorboard=False, checkpoint_seconds=1e9)
    data = TrainingData(pairs(images))
    end = trainer.Trainer._end

    def kept(self: Any, index: int, loop: Any) -> None:
        if self.first:
            torch.save(loop.stage.state_dict(), results / f"{name}-{loop.stage.name}.pt")
        end(self, index, loop)

    with mock.patch.object(trainer.Trainer, "_end", kept), mock.patch.object(trainer, "write_weights"):
        train(made, data, chosen, results / name)


def in_double(factory: Any, artefacts: Any) -> Any:
    """A stage whose networks are float64, the constants that their authors keep in float32 too."""
    stage = factory(artefacts)
    for network in stage.networks.values():
        network.double()
    return stage


def in_float64() -> None:
    """Networks, draws and batches in double precision, so that the order of sums hardly shows."""
    torch.set_default_dtype(torch.float64)
    batch = Pool.batch
    Pool.batch = lambda self, step: {key: value.double() for key, value in batch(self, step).items()}  # type: ignore[method-assign]


if __name__ == "__main__":
    torch.set_num_threads(1)
    in_float64()
    for each in sys.argv[4:]:
        trained(each, Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
