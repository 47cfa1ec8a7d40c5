"""A loss term whose file is absent: said once, in the card, in the identity; and a resumed training is the same one."""

from __future__ import annotations

import warnings
from dataclasses import replace

import pytest

from benchmark.training import TrainingData, estimate, train
from methods.recipes import override
from methods.weights import read_card
from tests.helpers.two_stages import RECIPE, SETTINGS, OneStage, Refine, dataset, sha

SENTENCE = "Trained with train.perceptual = 0: its file is nowhere."
FULL = replace(RECIPE, train={**RECIPE.train, "perceptual": 0.5})
BARE = override(FULL, {"train.perceptual": 0})


class Lacking(OneStage):
    """A toy whose perceptual term needs a file, which `present` says is here or not."""

    present = False

    @classmethod
    def available(cls, recipe):
        missing = recipe.train["perceptual"] and not cls.present
        return (override(recipe, {"train.perceptual": 0}), SENTENCE) if missing else (recipe, "")


@pytest.fixture
def data(tmp_path):
    return TrainingData(dataset(tmp_path / "images"))


def run(tmp_path, data, method=None, settings=SETTINGS):
    return train(method or Lacking(FULL), data, settings, tmp_path / "results")["restorer"]


def test_what_is_lacking_is_said_once_and_stands_in_card_and_identity(tmp_path, data):
    with pytest.warns(UserWarning) as told:
        path = run(tmp_path, data)
    assert [str(w.message) for w in told if w.category is UserWarning] == [SENTENCE]
    card = read_card(path)
    assert card.note == SENTENCE and card.recipe_digest == BARE.digest != FULL.digest
    assert card.recipe_settings["train.perceptual"] == 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert run(tmp_path, data) == path  # finished: recognised, and nothing to say any more
        estimate(Lacking(FULL), data, SETTINGS, tmp_path / "results")


@pytest.mark.filterwarnings("ignore:Trained with")
def test_it_is_the_training_of_the_reduced_recipe(tmp_path, data):
    lacking, bare = run(tmp_path / "a", data), run(tmp_path / "b", data, Lacking(BARE))
    assert lacking.name == bare.name and sha(lacking) == sha(bare)


def test_with_the_file_the_recipe_stays_and_nothing_is_said(tmp_path, data, monkeypatch):
    monkeypatch.setattr(Lacking, "present", True)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        card = read_card(run(tmp_path, data))
    assert card.note == "" and card.recipe_digest == FULL.digest


@pytest.mark.filterwarnings("ignore:Trained with")
def test_an_interrupted_training_goes_on_as_the_same_one(tmp_path, data, monkeypatch):
    whole = sha(run(tmp_path / "whole", data))
    steps, real = [], Refine.step

    def interrupted(self, batch, loop):
        if len(steps) == 9:
            raise KeyboardInterrupt
        steps.append(loop.step)
        return real(self, batch, loop)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Refine, "step", interrupted)
        run(tmp_path, data)
    first = {p.name for p in (tmp_path / "results" / "training").iterdir()}
    monkeypatch.setattr(Refine, "step", lambda self, b, loop: (steps.append(loop.step), real(self, b, loop))[1])
    path = run(tmp_path, data)
    assert sha(path) == whole and read_card(path).note == SENTENCE
    assert {p.name for p in (tmp_path / "results" / "training").iterdir()} == first
    assert steps.count(0) == 1  # it did go on, from the checkpoint at 5
