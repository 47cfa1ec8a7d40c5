"""A method of two stages for the training loop: two networks, two optimisers, two streams; then a prepared grid."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import torch
from torch import nn

from benchmark.training import TrainingData, TrainSettings, train
from methods.base import Facts, Method, Preparation, Recipe, Stage, Stream
from tests.helpers.files_dataset import FilesDataset

SIZES = [(20, 30), (25, 18), (24, 24), (16, 16), (18, 18), (17, 20)]


def net(norm: bool = True) -> nn.Module:
    middle = [nn.BatchNorm2d(4)] if norm else []
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), *middle, nn.ReLU(), nn.Dropout(0.1), nn.Conv2d(4, 3, 3, padding=1)
    )


class Adversaries(Stage):
    """Two networks that are updated in turn from unpaired streams; keeps an average of the first one."""

    name, steps, losses, evaluate_every = "first", 24, ("restore", "judge"), 8
    keeps_best = True

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self.networks = {"restorer": net(), "judge": net()}
        self.streams = {
            "noisy": Stream("degraded", 8, 4, augment="flips8"),
            "clear": Stream("clean", 8, 6, augment="flips9", mixup=(0.6, 2)),
        }
        self.average = {k: v.detach().clone() for k, v in self.networks["restorer"].state_dict().items()}
        self.best, self.scores = None, []

    def configure(self) -> None:
        self.optimisers = {n: torch.optim.Adam(m.parameters(), 1e-2) for n, m in self.networks.items()}

    def step(self, batch, loop):
        for group in (g for o in self.optimisers.values() for g in o.param_groups):
            group["lr"] = 1e-2 * (1 - loop.step / loop.steps)
        restorer, judge = self.networks["restorer"].train(), self.networks["judge"].train()
        y, x = batch["noisy"]["degraded"], batch["clear"]["clean"]
        noise = loop.generator("noise").normal(*y.shape)
        self.optimisers["judge"].zero_grad()
        against = judge(x).square().mean() + (judge(restorer(y).detach()) - 1).square().mean()
        loop.backward(against)
        loop.update(self.optimisers["judge"], clip=1.0)
        self.optimisers["restorer"].zero_grad()
        loss = (restorer(y + 0.1 * noise) - y).square().mean() + 0.01 * judge(restorer(y)).square().mean()
        loop.backward(loss)
        loop.update(self.optimisers["restorer"])
        return {"restore": loss.detach(), "judge": against.detach()}

    def on_step(self, loop) -> None:
        for key, value in self.networks["restorer"].state_dict().items():
            self.average[key] = (
                value.detach().clone() if value.dtype == torch.int64 else 0.9 * self.average[key] + 0.1 * value
            )

    def on_evaluation(self, score, loop) -> None:
        self.scores.append(score)
        if score >= max(self.scores):
            self.best = {k: v.detach().clone() for k, v in self.average.items()}

    def restorer(self):
        network = self.networks["restorer"].eval()
        return lambda x, info: x + 0.1 * network(x) + 0.001 * info[0].draw("n", x.shape[1:])

    def artefacts(self):
        return {"restorer": self.best or self.average, "judge": self.networks["judge"].state_dict()}

    def extra_state(self):
        return {"average": self.average, "best": self.best, "scores": self.scores}

    def load_extra_state(self, state) -> None:
        self.average, self.best, self.scores = state["average"], state["best"], state["scores"]


def recorrupted(arrays, info, rng):
    noisy = arrays["degraded"].astype(np.float32) / 255
    noise = np.float32(0.1) * rng.standard_normal(noisy.shape, np.float32)
    return [{"input": noisy + noise, "target": noisy - noise}]


class Refine(Stage):
    """Goes on from the first stage's restorer on frozen pairs; reads degraded files only."""

    name, steps, losses = "second", 16, ("mse",)

    def __init__(self, recipe: Recipe, artefacts) -> None:
        super().__init__()
        self.rate = recipe.train["rate"]
        self.networks = {"restorer": net(recipe.train["norm"])}
        if "first/restorer" in artefacts:
            self.networks["restorer"].load_state_dict(artefacts["first/restorer"])
        pairs = Preparation("recorrupted", recorrupted)
        self.streams = {"pairs": Stream("degraded", 8, 5, sampling="grid", stride=4, preparation=pairs)}

    def configure(self) -> None:
        self.optimisers = {"restorer": torch.optim.SGD(self.networks["restorer"].parameters(), self.rate, momentum=0.9)}

    def step(self, batch, loop):
        network = self.networks["restorer"]
        network.train(not isinstance(network[1], nn.ReLU))  # no dropout in the network without a norm
        noise = 0.01 * loop.generator("noise").normal(*batch["pairs"]["input"].shape)
        self.optimisers["restorer"].zero_grad()
        loss = (network(batch["pairs"]["input"] + noise) - batch["pairs"]["target"]).square().mean()
        loop.backward(loss)
        loop.update(self.optimisers["restorer"])
        return {"mse": loss.detach()}

    def restorer(self):
        return lambda x, info: self.networks["restorer"].eval()(x)

    def artefacts(self):
        return {"restorer": self.networks["restorer"].state_dict()}


class TwoStages(Method):
    name = "toy"
    recipes = {"tiny": {"tier": "tiny", "network": {}, "train": {"rate": 0.05, "norm": True}}}  # type: ignore[assignment]

    def __init__(self, recipe) -> None:
        super().__init__(recipe)
        self.restorer = net(recipe.train["norm"])

    @property
    def facts(self):
        return Facts(("denoise",), "unpaired")

    def roles(self):
        return {"restorer": self.restorer}

    def stages(self):
        yield lambda artefacts: Adversaries(self.recipe)
        yield lambda artefacts: Refine(self.recipe, artefacts)


class OneStage(TwoStages):
    """The second stage alone: needs degraded images only."""

    @property
    def facts(self):
        return Facts(("denoise",), "degraded")

    def stages(self):
        yield lambda artefacts: Refine(self.recipe, artefacts)


RECIPE = Recipe("toy", "tiny", "tiny", network={}, train={"rate": 0.05, "norm": True})
PLAIN = Recipe("toy", "tiny", "tiny", network={}, train={"rate": 0.05, "norm": False})
SETTINGS = TrainSettings(device="cpu", checkpoint_steps=5, tensorboard=False)


def dataset(root: Path, seed: int = 0) -> FilesDataset:
    return FilesDataset(root, SIZES, seed=seed)


def trained(results: Path, images: Path, cls=TwoStages, recipe=RECIPE, settings=SETTINGS, **more) -> dict[str, Path]:
    """One training of a toy on the images of a folder, which are made where they are missing."""
    known = FilesDataset(images, SIZES)
    held = FilesDataset(images.with_name("held"), SIZES[:2], seed=1)
    data = TrainingData(known, held if cls is TwoStages else None, **more)
    return train(cls(recipe), data, settings, results)


def sha(path: Path) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
