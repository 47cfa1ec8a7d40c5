"""A training that diverges ends with NotFiniteError, wherever it shows; a stage that cannot end well never begins."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from benchmark.training import TrainingData, train
from benchmark.training.loop import NotFiniteError
from datasets.core.errors import UserError
from methods.base import Stage, Stream
from methods.weights import read_card
from tests.helpers.files_dataset import FilesDataset
from tests.helpers.two_stages import PLAIN, SETTINGS, OneStage, Refine, dataset


class Bare(Stage):
    """One network under any name, and nothing overridden but the step."""

    name, steps, losses = "bare", 2, ("mse",)

    def __init__(self, network: str = "restorer") -> None:
        super().__init__()
        self.networks = {network: nn.Conv2d(3, 3, 3, padding=1)}
        self.streams = {"pairs": Stream("paired", 8, 2)}
        self.began = False

    def configure(self) -> None:
        parameters = [p for network in self.networks.values() for p in network.parameters()]
        self.optimisers = {"all": torch.optim.SGD(parameters, 0.1)}

    def step(self, batch, loop):
        self.began = True
        (network,) = self.networks.values()
        loss = (network(batch["pairs"]["degraded"]) - batch["pairs"]["clean"]).square().mean()
        loop.backward(loss)
        loop.update(self.optimisers["all"])
        return {"mse": loss.detach()}


class Holder(OneStage):
    """The method around a stage of the test's."""

    def __init__(self, stage) -> None:
        super().__init__(PLAIN)
        self.restorer, self._stage = nn.Conv2d(3, 3, 3, padding=1), (stage,)

    def stages(self):
        yield lambda artefacts: self._stage[0]


@pytest.fixture
def data(tmp_path):
    return TrainingData(dataset(tmp_path / "images"), FilesDataset(tmp_path / "held", [(20, 20)], seed=2))


def test_a_network_named_restorer_is_scored_and_left_without_another_word(tmp_path, data):
    stage = Bare()
    path = train(Holder(stage), data, SETTINGS, tmp_path / "r")["restorer"]
    assert path.is_file() and stage.networks["restorer"].training  # its mode is what it was


@pytest.mark.parametrize("validated", [True, False])
def test_a_stage_without_artefacts_is_refused_before_its_first_step(tmp_path, data, validated):
    stage = Bare("other")
    with pytest.raises(UserError, match=r"'bare' has no way to leave weights: give it artefacts\(\)"):
        train(Holder(stage), data if validated else replace(data, validation=None), SETTINGS, tmp_path / "r")
    assert not stage.began


def test_a_stage_without_restorer_is_refused_where_it_would_be_scored(tmp_path, data):
    class Leaving(Bare):
        def artefacts(self):
            return {"restorer": self.networks["other"].state_dict()}

    stage = Leaving("other")
    with pytest.raises(UserError, match=r"'bare' cannot be scored on validation data: give it restorer\(\)"):
        train(Holder(stage), data, SETTINGS, tmp_path / "r")
    assert not stage.began
    assert train(Holder(stage), replace(data, validation=None), SETTINGS, tmp_path / "r")["restorer"].is_file()


def test_code_that_fails_on_broken_weights_is_a_diverged_training(tmp_path, data, monkeypatch):
    def broken(self, batch, loop):
        with torch.no_grad():
            next(self.networks["restorer"].parameters()).fill_(float("nan"))
        raise ValueError("cannot convert float NaN to integer")

    monkeypatch.setattr(Bare, "step", broken)
    with pytest.raises(NotFiniteError, match="'bare' is not finite at step 1 of 2"):
        train(Holder(Bare()), data, SETTINGS, tmp_path / "r")
    monkeypatch.setattr(Bare, "step", lambda self, batch, loop: int("x"))
    with pytest.raises(ValueError, match="invalid literal"):
        train(Holder(Bare()), data, SETTINGS, tmp_path / "s")


def test_a_last_update_that_breaks_the_weights_leaves_none(tmp_path, data, monkeypatch):
    step = Refine.step

    def broken(self, batch, loop):
        losses = step(self, batch, loop)
        if loop.step == loop.steps - 1:
            with torch.no_grad():
                next(self.networks["restorer"].parameters()).fill_(float("inf"))
        return losses

    monkeypatch.setattr(Refine, "step", broken)
    with pytest.raises(NotFiniteError, match=r"'second/restorer' are not finite at the end.*last\.pt"):
        train(OneStage(PLAIN), replace(data, validation=None), SETTINGS, tmp_path / "r")
    assert not list((tmp_path / "r").rglob("*.safetensors"))
    with pytest.raises(NotFiniteError, match="validation image 'im00' is not finite"):
        train(OneStage(PLAIN), data, SETTINGS, tmp_path / "s")


def test_weights_of_a_loss_that_never_comes_back_say_so(tmp_path, data, monkeypatch):
    """Finite to the end, and of no use: told at once, and on the card."""
    step = Bare.step

    def drifting(self, batch, loop):
        losses = step(self, batch, loop)
        return {"mse": losses["mse"] * 0 + (0.1 if loop.step < 120 else 0.4)}

    monkeypatch.setattr(Bare, "step", drifting)
    stage = Bare()
    stage.steps = 200
    with pytest.warns(UserWarning, match=r"'bare' the loss ends 4.0 times as high as it was in steps 1 to 20"):
        path = train(Holder(stage), replace(data, validation=None), SETTINGS, tmp_path / "r")["restorer"]
    card = read_card(path)
    assert card is not None and "has diverged and not come back" in card.note
    monkeypatch.setattr(Bare, "step", lambda self, batch, loop: {**step(self, batch, loop), "mse": torch.tensor(0.1)})
    calm = Bare()
    calm.steps = 200
    path = train(Holder(calm), replace(data, validation=None), SETTINGS, tmp_path / "s")["restorer"]
    assert (card := read_card(path)) is not None and card.note == ""
