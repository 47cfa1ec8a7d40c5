"""The recipe for RealSR: the settings of the authors' other two, and a note that theirs for this set are unknown."""

import numpy as np
import torch

import datasets
from benchmark.training.data import TrainingData, pools
from datasets.ops.images import write_png
from methods.base import Stage
from methods.mssr.adapter import MSSR
from methods.mssr.collaborative import Collaboration
from methods.recipes import recipe, settings_of


def test_it_has_the_other_recipes_settings_and_says_what_is_unknown():
    found, other = recipe(MSSR, "realsr-paper"), recipe(MSSR, "aim2019-paper")
    own = settings_of(found)
    assert own.pop("train.unknown") and own == settings_of(other)
    assert found.train["perceptual_weight"] == 0.01
    with torch.device("meta"):
        facts = MSSR(found).facts
    assert "unknown" in facts.note and facts.variant == "" and facts.scale == 4


def test_both_pools_come_from_realsr_s_training_pairs(tmp_path):
    """Degraded pictures of some scenes, clean ones of the others, cut at the recipe's sizes."""
    rng = np.random.default_rng(0)
    for number in range(4):
        for kind, side in (("lr", 40), ("hr", 160)):
            picture = rng.integers(0, 256, (side, side, 3), np.uint8)
            write_png(tmp_path / "source" / "train" / "x4" / kind / f"Canon_{number:03d}.png", picture)
    datasets.prepare("realsr", tmp_path / "source", tmp_path / "data")
    opened = datasets.open_dataset("realsr", tmp_path / "data", split="train")
    asked = Collaboration.__new__(Collaboration)
    Stage.__init__(asked)
    asked.train, asked.scale = recipe(MSSR, "realsr-paper").train, 4
    asked.streams = asked._streams()
    found = pools(asked, TrainingData(opened), tmp_path / "cache", 0, torch.device("cpu"))
    assert found["degraded"].batch(0)["degraded"].shape == (1, 3, 32, 32)
    assert found["clean"].batch(0)["clean"].shape == (1, 3, 128, 128)
