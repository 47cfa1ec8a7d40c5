"""What a training is refused for before its first step, and weights that are of no use: sentences, no tracebacks."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import methods
from benchmark.training import TrainingData, train
from benchmark.training.loop import NotFiniteError
from benchmark.training.validation import restores
from datasets.core.errors import UserError
from methods.loading import build
from methods.recipes import recipe
from methods.weights import Card, save_weights
from tests.helpers.files_dataset import FilesDataset
from tests.helpers.two_stages import PLAIN, SETTINGS, OneStage, Refine

CROPS = ("crop", "start_crop", "restorer_crop")


class Grey(FilesDataset):
    """The toy set, one channel."""

    def read(self, index: int, role: str) -> np.ndarray:
        return super().read(index, role)[..., :1]


def method(name: str, chosen: str = "tiny", **train_settings):
    settings = {f"train.{key}": value for key, value in train_settings.items()}
    return build(methods.get(name), recipe(name, chosen, settings))


def refused(tmp_path, of, data) -> str:
    with pytest.raises(UserError) as raised:
        train(of, TrainingData(data), SETTINGS, tmp_path / "r")
    assert not list((tmp_path / "r").rglob("last.pt")) and not list((tmp_path / "r").rglob("*.safetensors"))
    return str(raised.value)


@pytest.mark.parametrize("name", ["dgunet", "scpgan", "mssr", "lir"])
def test_grey_images_for_a_colour_recipe(tmp_path, name):
    """Case 22."""
    sentence = refused(tmp_path, method(name), Grey(tmp_path / "images", [(64, 64)] * 4))
    assert "trains on images of 3 channels, but 'im0" in sentence and "is grey: choose a recipe" in sentence


@pytest.mark.parametrize(
    ("name", "setting", "crop", "words"),
    [
        ("dgunet", "crop", 50, "multiples of 8: give --set train.crop=56 (48 or 56 would do)"),
        ("dgunet", "crop", 4, "multiples of 8: give --set train.crop=8 (8 would do)"),
        ("scpgan", "crop", 30, "multiples of 4: give --set train.crop=32 (28 or 32 would do)"),
        ("mssr", "start_crop", 33, "multiples of 2: give --set train.start_crop=34 (32 or 34 would do)"),
    ],
)
def test_patches_that_a_network_cannot_halve(tmp_path, name, setting, crop, words):
    """Case 23."""
    sentence = refused(tmp_path, method(name, **{setting: crop}), FilesDataset(tmp_path / "images", [(64, 64)] * 4))
    assert f"patches of {crop}x{crop}, and its networks take {words}" in sentence


@pytest.mark.parametrize(
    ("name", "chosen", "side", "scale", "words"),
    [
        ("dgunet", "tiny", 43, 1, "patches of 48x48, but the image 'im00' is only 43x64; give --set train.crop=40,"),
        ("dgunet", "tiny", 7, 1, "leave such images out: no patches of theirs are large enough"),
        ("scpgan", "tiny", 30, 1, "give --set train.crop=28, or leave such images out"),
        ("mssr", "tiny", 31, 1, "give --set train.start_crop=30, or leave such images out"),
        (
            "mssr",
            "cpu-x4",
            21,
            4,
            "is only 84x256; give --set train.start_crop=21,",
        ),
        ("r2r", "awgn-cpu", 31, 1, "give --set train.crop=21, or leave such images out"),
    ],
)
def test_images_smaller_than_the_patches(tmp_path, name, chosen, side, scale, words):
    """Case 23: the advice names this method's own setting, with a value that works."""
    images = FilesDataset(tmp_path / "images", [(side, 64)] * 4, scale=scale)
    assert words in refused(tmp_path, method(name, chosen), images)


def test_the_advice_is_right(tmp_path):
    """What the sentences on case 23 advise makes a step."""
    images = FilesDataset(tmp_path / "images", [(64, 64)] * 3 + [(43, 64)])
    settings = SETTINGS.__class__(steps=1, device="cpu", tensorboard=False)
    made = train(method("dgunet", crop=40, batch=1), TrainingData(images), settings, tmp_path / "r")
    assert made["restorer"].is_file()


def test_every_recipe_keeps_to_its_own_multiples():
    for name in ("dgunet", "lir", "scpgan", "mssr", "r2r"):
        for chosen in methods.recipes.recipes(name).values():
            facts = methods.describe(name, chosen)
            crops = [chosen.train[key] for key in CROPS if key in chosen.train]
            assert facts.measures or all(crop % facts.multiple == 0 for crop in crops), chosen.name


def test_a_first_step_that_fails_on_shapes_is_a_sentence(tmp_path, monkeypatch):
    def broken(self, batch, loop):
        return torch.zeros(1, 3, 9, 9) + batch["pairs"]["input"]

    monkeypatch.setattr(Refine, "step", broken)
    images = FilesDataset(tmp_path / "images", [(20, 20)] * 2)
    sentence = refused(tmp_path, OneStage(PLAIN), images)
    assert "The first step of the stage 'second' failed on the size of its patches (train.crop = 8)" in sentence
    monkeypatch.setattr(Refine, "step", lambda self, batch, loop: {}["mse"])
    with pytest.raises(KeyError):  # a fault of the code stays one
        train(OneStage(PLAIN), TrainingData(images), SETTINGS, tmp_path / "s")


def test_weights_that_are_finite_and_restore_nothing_are_not_written(tmp_path, monkeypatch):
    """Case 7: --set train.rate=1e30 left weights of 3e29."""
    step = Refine.step

    def absurd(self, batch, loop):
        losses = step(self, batch, loop)
        if loop.step == loop.steps - 1:
            with torch.no_grad():
                for parameter in self.networks["restorer"].parameters():
                    parameter.fill_(3e29)
        return losses

    monkeypatch.setattr(Refine, "step", absurd)
    data = TrainingData(FilesDataset(tmp_path / "images", [(20, 20)] * 2))
    with pytest.raises(NotFiniteError, match="'second' leaves restore the training's own first batch to values"):
        train(Restoring(PLAIN), data, SETTINGS, tmp_path / "r")
    assert not list((tmp_path / "r").rglob("*.safetensors"))


class Restoring(OneStage):
    def restore(self, x, info=None):
        return self.restorer(x)


def test_the_issues_own_example(tmp_path):
    data = TrainingData(FilesDataset(tmp_path / "images", [(64, 64)] * 4))
    settings = SETTINGS.__class__(steps=1, device="cpu", tensorboard=False)
    with pytest.raises(NotFiniteError):
        train(method("dgunet", rate=1e30, batch=1), data, settings, tmp_path / "r")
    assert not list((tmp_path / "r").rglob("*.safetensors"))


def test_trying_weights_leaves_the_method_as_it_was():
    of = Restoring(PLAIN).eval()
    before = {key: value.clone() for key, value in of.restorer.state_dict().items()}
    batch = {"input": torch.rand(3, 3, 8, 8)}
    assert not restores(of, {key: torch.full_like(value, 3e38) for key, value in before.items()}, batch)
    assert restores(of, before, batch)
    assert restores(of, {}, batch)  # not of this method: not for this check to say
    assert restores(
        of, {key: torch.full_like(value, 3e38) for key, value in before.items()}, {"raw": batch["input"][:, :1]}
    )
    assert all(torch.equal(value, before[key]) for key, value in of.restorer.state_dict().items())


@pytest.mark.parametrize(("value", "half"), [(float("nan"), False), (float("inf"), True), (1e6, True)])
def test_weights_that_are_not_finite_are_never_stored(tmp_path, value, half):
    state = {"a": torch.ones(2), "b": torch.tensor([1.0, value])}
    with pytest.raises(UserError, match="not finite.*'b'; nothing is written"):
        save_weights(tmp_path / "w.safetensors", state, Card("r2r", "tiny"), half=half)
    assert not list(tmp_path.iterdir())
