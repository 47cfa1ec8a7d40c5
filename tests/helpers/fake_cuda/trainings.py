"""Trainings of every method on small images, on the device and on the CPU."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from safetensors.torch import load_file

import methods
from benchmark.training import TrainingData, TrainSettings, train
from benchmark.training.loop import StageLoop
from methods.loading import build
from methods.recipes import recipe
from tests.helpers.fake_cuda.tensors import WAITS
from tests.helpers.files_dataset import pairs

# Name -> method, recipe, settings: every stage of every method, and the switches that reach other code.
TRAININGS: dict[str, tuple[str, str, Mapping[str, Any]]] = {
    "r2r": ("r2r", "tiny", {"train.crop": 24, "train.batch": 2, "train.noise": "srgb"}),
    "r2r-gaussian": (
        "r2r",
        "awgn-cpu",
        {
            "network.depth": 4,
            "network.width": 8,
            "network.channels": 3,
            "train.batch": 2,
            "train.crop": 24,
            "restore.draws": 0,
        },
    ),
    "lir": ("lir", "tiny", {"train.crop": 24, "train.batch": 2, "train.judge_layers": 2, "train.judge_scales": 1}),
    "lir-batch-norm": (
        "lir",
        "tiny",
        {"train.crop": 24, "train.judge_layers": 2, "train.judge_scales": 2, "network.norm": "batch"},
    ),
    "scpgan": ("scpgan", "tiny", {"train.crop": 24, "train.contrast": 1.5, "train.recolour": 0.5}),
    "scpgan-three-stages": (
        "scpgan",
        "derain-nafnet-tiny",
        {
            "train.score": "proxy",
            "train.evaluate_every": 1,
            "train.proxy_images": 1,
            "train.replace_every": 1,
            "train.passes": 2,
        },
    ),
    "dgunet": ("dgunet", "tiny", {"train.crop": 16, "train.batch": 2}),
    "dgunet-edges": ("dgunet", "deblur-tiny", {"train.crop": 16, "train.batch": 2}),
    "dgunet-sensing": (
        "dgunet",
        "cs-tiny",
        {"train.batch": 2, "train.augmentation": "official", "train.deblock_crop": 32},
    ),
    "mssr": ("mssr", "tiny", {"train.recolour": True, "train.turn_whole": True}),
}
GREY = ("dgunet-sensing",)


def built(name: str) -> Any:
    """A fresh method of TRAININGS."""
    method, named, settings = TRAININGS[name]
    cls = methods.get(method)
    return build(cls, recipe(cls, named, settings))


def trained(name: str, results: Path, images: Path, **settings: Any) -> dict[str, torch.Tensor]:
    """The restorer's weights after two steps of each stage, with a checkpoint after each and an evaluation at the end.

    Steps may not wait for the device.
    """
    method = built(name)
    steps = 2 * len(list(method.stages()))
    # One memory layout on both devices: another one has other last bits.
    chosen = TrainSettings(steps=steps, checkpoint_steps=1, tensorboard=False, channels_last="off", **settings)
    # Colour images of two scenes; a sensing method takes their luma.
    data = TrainingData(pairs(images), replaced_validation(images, name))
    with steps_never_wait():
        return load_file(train(method, data, chosen, results)["restorer"])


def replaced_validation(images: Path, name: str) -> Any:
    """Two images to score on; none for methods that take grey ones only."""
    return None if name in GREY else pairs(images, "held", 2, seed=1)


@contextmanager
def steps_never_wait() -> Iterator[None]:
    """What a stage computes in a step must not ask the device for a value."""
    before = StageLoop.run_step

    def run_step(self: StageLoop) -> Any:
        step = self.stage.step

        def guarded(batch: Any, loop: Any) -> Any:
            with WAITS.forbid():
                return step(batch, loop)

        with mock.patch.object(self.stage, "step", guarded):
            return before(self)

    with mock.patch.object(StageLoop, "run_step", run_step):
        yield


def same(a: Mapping[str, torch.Tensor], b: Mapping[str, torch.Tensor], tolerance: float) -> None:
    """Raise AssertionError unless both have equal tensors up to `tolerance`."""
    assert a.keys() == b.keys()
    for key, value in a.items():
        gap = float((value.double() - b[key].double()).abs().max()) if value.numel() else 0.0
        assert gap <= tolerance, f"{key}: {gap:.3g}"
