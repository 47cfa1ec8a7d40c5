"""Scoring while training: the clamped float output, one image at a time, and networks that stay as they were."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from benchmark.training import TrainSettings
from benchmark.training.validation import validate
from datasets.base import Sample
from datasets.core.errors import UserError
from methods.base import Facts, Stage
from tests.helpers.two_stages import RECIPE, OneStage, net

CPU = torch.device("cpu")


class Scored(Stage):
    def __init__(self, restore) -> None:
        super().__init__()
        self.networks = {"net": net()}
        self.restore, self.batches = restore, []

    def restorer(self):
        self.networks["net"].eval()

        def restore(x, info):
            self.batches.append(len(x))
            assert not torch.is_grad_enabled()
            return self.restore(x, info)

        return restore


def samples(*shapes, sensed=False):
    draw = np.random.default_rng(4)
    for i, shape in enumerate(shapes):
        clean = draw.integers(0, 256, shape, np.uint8) if i % 2 else draw.random(shape, np.float32)
        degraded = None if sensed else draw.integers(0, 256, shape, np.uint8)
        yield Sample(f"im{i}", degraded, clean, "s")


def unit(image):
    return image.astype(np.float32) / np.float32(255) if image.dtype == np.uint8 else image


def test_the_score_is_that_of_the_clamped_float_output():
    known = list(samples((9, 8, 3), (9, 8, 3), (7, 7, 3)))
    stage = Scored(lambda x, info: 1.5 * x + 0.001 * info[0].draw("n", x.shape[1:]))
    score = validate(stage, OneStage(RECIPE), known, CPU, TrainSettings(seed=5))
    by_hand = []
    for s in known:
        noise = keyed(s.name, (3, *s.clean.shape[:2]))
        output = np.clip(np.float32(1.5) * unit(s.degraded) + np.float32(0.001) * noise.transpose(1, 2, 0), 0, 1)
        by_hand.append(-10 * np.log10(np.mean((output.astype(np.float64) - unit(s.clean).astype(np.float64)) ** 2)))
    assert score == pytest.approx(np.mean(by_hand), abs=1e-9)
    assert stage.batches == [1, 1, 1] and all(module.training for module in stage.networks["net"].modules())


def keyed(name, shape):
    from datasets.ops.noise import keyed_generator

    return keyed_generator(5, name, "n").standard_normal(shape, np.float32)


def test_an_exact_image_counts_as_100_db():
    known = list(samples((8, 8, 3), (8, 8, 3)))
    same = [Sample(s.name, s.clean, s.clean, s.scene) for s in known]
    assert validate(Scored(lambda x, info: x), OneStage(RECIPE), same, CPU, TrainSettings()) == 100.0


def test_a_sensing_method_measures_and_its_padding_is_cut():
    class Sensing(OneStage):
        @property
        def facts(self):
            return Facts(("compressive-sensing",), "paired", channels=(1,))

        def measure(self, clean):
            return nn.functional.pad(clean, (0, 3, 0, 2), value=7.0)

    known = list(samples((8, 9, 1), (6, 5, 1), sensed=True))
    assert validate(Scored(lambda x, info: x), Sensing(RECIPE), known, CPU, TrainSettings()) == 100.0


def test_an_image_without_a_clean_one_is_named():
    (known,) = samples((8, 8, 3))
    lone = [Sample("lone", known.degraded, None, "s")]
    with pytest.raises(UserError, match="needs clean images, and 'lone' has none"):
        validate(Scored(lambda x, info: x), OneStage(RECIPE), lone, CPU, TrainSettings())
