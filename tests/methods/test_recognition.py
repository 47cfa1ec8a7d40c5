"""Foreign weights that several recipes could mean, or that settings of the network make fit."""

from __future__ import annotations

import pytest
import torch

import methods
from benchmark.planning.planner import with_weights
from benchmark.records.cell import UNSUITABLE, Cell
from datasets.core.dataset_ref import DatasetRef
from datasets.core.errors import UserError
from datasets.gopro import GoPro
from datasets.sidd import SIDD
from methods import METHODS
from methods.base import Method
from methods.loading import FITTING, identify, load_from
from methods.recipes import recipe as read_recipe


@pytest.fixture(scope="module")
def deblurring(tmp_path_factory):
    """A checkpoint as DGUNet's authors wrote theirs; the deblurring recipe has the denoiser's architecture."""
    path = tmp_path_factory.mktemp("theirs") / "GOPRO.pth"
    state = methods.load("dgunet", "deblur-tiny").roles()["restorer"].state_dict()
    torch.save({"epoch": 3, "state_dict": {f"module.{key}": value for key, value in state.items()}}, path)
    return path


class Opened:
    """As much of an opened dataset as a plan looks at."""

    def __init__(self, facts) -> None:
        self.facts = facts


@pytest.mark.parametrize(
    ("facts", "task", "words"),
    [(GoPro.facts, "deblur", FITTING), (SIDD.facts, "denoise", FITTING)],
)
def test_the_recipe_that_suits_the_dataset_is_taken(deblurring, facts, task, words):
    """Case 8."""
    cell = Cell("dgunet", DatasetRef(facts.name, {}, facts.default_split))
    found = with_weights(cell, deblurring, Opened(facts))
    assert found.blocked is None and words in found.note
    assert methods.describe("dgunet", read_recipe("dgunet", found.recipe)).tasks == (task,)


def test_a_recipe_that_is_named_wins(deblurring):
    cell = Cell("dgunet", DatasetRef("gopro", {}, "test"))
    found = with_weights(cell, deblurring, Opened(GoPro.facts), "tiny")
    assert (found.recipe, found.blocked.code) == ("tiny", UNSUITABLE) and "first of" not in found.note


def test_without_a_dataset_the_first_is_taken_and_said(deblurring):
    found = identify("dgunet", None, deblurring)
    assert found.recipe.train["task"] == "denoise" and "first of several recipes" in found.note


def test_a_question_stays_one_where_several_suit(tmp_path):
    path = tmp_path / "dncnn.pth"
    torch.save(methods.load("r2r", "awgn-paper").restorer.state_dict(), path)
    with pytest.raises(UserError, match="name one with --recipe"):
        identify("r2r", None, path, suits=lambda recipe: True)


@pytest.mark.parametrize("recipe", ["tiny", None])
def test_settings_of_the_network_with_a_foreign_file(tmp_path, recipe):
    """Case 29: mssr with network.blocks=6."""
    smaller = {"network.blocks": 3, "network.width": 8, "network.growth": 4}
    net = methods.load("mssr", "tiny", settings=smaller).restorer.a
    path = tmp_path / "esrgan.pth"
    torch.save({"params_ema": net.state_dict()}, path)
    with pytest.raises(UserError, match="fits no recipe"):
        load_from("mssr", recipe, path)
    loaded = load_from("mssr", recipe, path, smaller)
    assert loaded.method.recipe.network["blocks"] == 3 and "wrapped in params_ema" in loaded.note
    x = torch.rand(1, 3, 16, 16)
    with torch.no_grad():
        torch.testing.assert_close(loaded.method.restorer.a(x), net.eval()(x))


def test_settings_that_make_it_fit_no_better(tmp_path):
    net = methods.load("mssr", "tiny").restorer.a
    torch.save(net.state_dict(), tmp_path / "a.pth")
    with pytest.raises(UserError, match="fits no recipe of mssr; nearest is tiny"):
        load_from("mssr", "tiny", tmp_path / "a.pth", {"network.blocks": 7})
    with pytest.raises(UserError, match="Unknown setting.*network.blocs"):
        load_from("mssr", "tiny", tmp_path / "a.pth", {"network.blocs": 7})


class Halves(Method):
    name = "halves"
    recipes = {"plain": {"tier": "tiny", "network": {"parts": 2}}}

    def __init__(self, recipe) -> None:
        super().__init__(recipe)
        self.restorer = torch.nn.Conv2d(3, 12 // recipe.network["parts"], 1)


def test_networks_that_cannot_be_made(monkeypatch):
    """Case 21: a setting out of range."""
    sentence = "halves's recipe plain makes no network with network.parts = 0: integer"
    with METHODS.added({"halves": Halves}):
        with pytest.raises(UserError, match=sentence):
            methods.load("halves", settings={"network.parts": 0})
        monkeypatch.setattr(Halves, "recipes", {"plain": {"tier": "tiny", "network": {"parts": 0}}})
        with pytest.raises(ZeroDivisionError):  # the recipe's own fault is no sentence for who runs it
            methods.load("halves")
