"""An unpaired training at scale 4: a stage of clean images alone, then one of both pools, scored on the way."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import datasets
from benchmark.training import TrainingData, TrainSettings, train
from methods.base import Facts, Method, Recipe, Stage, Stream
from methods.weights import read_card
from tests.helpers.two_stages import sha

RECIPE = Recipe("enlarging", "tiny", "tiny", train={"rate": 1e-3})
SETTINGS = TrainSettings(device="cpu", tensorboard=False)


def net() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 48, 3, padding=1), nn.PixelShuffle(4))


class Start(Stage):
    """Undoes an average over 4 x 4 pixels."""

    name, steps, losses = "start", 6, ("l1",)

    def __init__(self, recipe, artefacts) -> None:
        super().__init__()
        self.networks = {"restorer": net()}
        if artefacts:
            self.networks["restorer"].load_state_dict(artefacts["start/restorer"])
        self.streams = {"clear": Stream("clean", crop=64, batch=2)}

    def configure(self) -> None:
        self.optimisers = {"restorer": torch.optim.Adam(self.networks["restorer"].parameters(), 1e-3)}

    def step(self, batch, loop):
        clean = batch["clear"]["clean"]
        self.optimisers["restorer"].zero_grad()
        loss = (self.networks["restorer"](nn.functional.avg_pool2d(clean, 4)) - clean).abs().mean() + self.other(batch)
        loop.backward(loss)
        loop.update(self.optimisers["restorer"])
        return {"l1": loss.detach()}

    def other(self, batch):
        return 0

    def restorer(self):
        return lambda x, info: self.networks["restorer"](x)

    def artefacts(self):
        return {"restorer": self.networks["restorer"].state_dict()}


class Unpaired(Start):
    """The same, and what real images become keeps their brightness."""

    name, keeps_best, evaluate_every = "unpaired", True, 3

    def __init__(self, recipe, artefacts) -> None:
        super().__init__(recipe, artefacts)
        self.streams["real"] = Stream("degraded", crop=16, batch=3, augment="flips8")
        self.scores: list[float] = []

    def other(self, batch):
        real = batch["real"]["degraded"]
        assert real.shape == (3, 3, 16, 16) and batch["clear"]["clean"].shape == (2, 3, 64, 64)
        return (self.networks["restorer"](real).mean() - real.mean()).abs()

    def on_evaluation(self, score, loop) -> None:
        self.scores.append(score)

    def note(self) -> str:
        return f"scored {len(self.scores)} times"


class Enlarging(Method):
    name = "enlarging"
    recipes = {"tiny": {"tier": "tiny", "train": {"rate": 1e-3}}}  # type: ignore[assignment]

    def __init__(self, recipe) -> None:
        super().__init__(recipe)
        self.restorer = net()

    @property
    def facts(self):
        return Facts(("super-resolve",), "unpaired", scale=4)

    def roles(self):
        return {"restorer": self.restorer}

    def stages(self):
        yield lambda artefacts: Start(self.recipe, artefacts)
        yield lambda artefacts: Unpaired(self.recipe, artefacts)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    datasets.prepare("demo-sr", None, root)
    return root


def trained(data, out, held_out=None):
    dataset = datasets.open_dataset("demo-sr", data, split="train")
    return train(Enlarging(RECIPE), TrainingData(dataset, held_out), SETTINGS, out)["restorer"]


def test_the_whole_path_with_scores_of_enlarged_images(data, tmp_path):
    card = read_card(trained(data, tmp_path, datasets.open_dataset("demo-sr", data, split="validation", limit=2)))
    assert card.steps == 12 and card.note == "scored 2 times" and card.selected_by == "demo-sr validation"


def test_no_stage_reads_the_clean_partners_of_the_degraded_pool(data, tmp_path):
    before = sha(trained(data, tmp_path / "with"))
    rows = datasets.open_dataset("demo-sr", data, split="train").rows
    partners = {"brick", "coffee", "ihc", "motorcycle_left"}
    gone = [data / "demo-sr" / row.files["clean"] for row in rows if row.scene in partners]
    gone += [data / "demo-sr" / row.files["degraded"] for row in rows if row.scene not in partners]
    for path in gone:
        path.unlink()
    assert len(gone) == len(rows) == 7
    assert sha(trained(data, tmp_path / "without")) == before
