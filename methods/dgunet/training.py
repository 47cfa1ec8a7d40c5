"""DGUNet's training: one stage for RGB tasks, two for compressive sensing (single blocks, then across borders)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from datasets.core.registry import unknown
from methods.base import Artefacts, Loop, Recipe, SampleInfo, Stage, State, Stream, cpu_state_dict
from methods.dgunet.augmentation import jitter, rows_and_transposes, training_luma
from methods.dgunet.inference import recover, restore
from methods.dgunet.losses import charbonnier, edge, squared_error
from methods.dgunet.network import DGUNet, DGUNetPlus
from methods.dgunet.patches import preparation
from methods.dgunet.schedules import epoch_of, halved, warm_cosine
from methods.dgunet.sensing import SensingDGUNet

# What the official code does, and what was evidently meant, by the names of the streams' augmentations.
FLIPS = {"official": "flips9", "meant": "flips8"}


class Unrolled(Stage):
    """What all trainings of DGUNet share: one network, Adam, and the best evaluated weights beside the last.

    Args:
        net: trained in place.
    """

    keeps_best = True

    def __init__(self, recipe: Recipe, net: DGUNet | DGUNetPlus | SensingDGUNet) -> None:
        super().__init__()
        self.recipe, self.train, self.net = recipe, recipe.train, net
        if self.train["augmentation"] not in FLIPS:
            raise unknown("value of train.augmentation", self.train["augmentation"], FLIPS)
        self.networks = {"restorer": net}
        self.rescales, self.evaluate_every = self.train["rescales"], self.train["evaluate_every"]
        self.best_score, self.best = -math.inf, None

    best: State | None

    def configure(self) -> None:
        """Adam with PyTorch's defaults but for the weight decay."""
        settings = {"lr": self.train["rate"], "weight_decay": self.train["weight_decay"]}
        self.optimisers = {"restorer": torch.optim.Adam(self.net.parameters(), **settings)}

    def descend(self, loss: Tensor, rate: float, loop: Loop) -> None:
        """One step of Adam. Weights that no output depends on have no gradient and stay as they are."""
        optimiser = self.optimisers["restorer"]
        for group in optimiser.param_groups:
            group["lr"] = rate
        optimiser.zero_grad(set_to_none=True)
        loop.backward(loss)
        loop.update(optimiser)

    def artefacts(self) -> Artefacts:
        """``restorer``: the best evaluated weights, or the last where nothing was evaluated; ``last``: the last."""
        last = self._weights()
        return {"restorer": last if self.best is None else self.best, "last": last}

    def _weights(self) -> State:
        return cpu_state_dict(self.net)

    @property
    def epochs(self) -> int:
        """Of the schedule."""
        return int(self.train["epochs"])

    def on_evaluation(self, score: float, loop: Loop) -> None:
        """Keep the weights of the highest score, of the epochs that the recipe selects from."""
        epoch = epoch_of(loop.step, loop.steps, self.epochs)
        chosen = epoch > self.train["select_after"] or epoch in self.train["select_epochs"]
        if chosen and score > self.best_score:
            self.best_score, self.best = score, self._weights()

    def extra_state(self) -> dict[str, Any]:
        """The best weights so far."""
        return {"best_score": self.best_score, "best": self.best}

    def load_extra_state(self, state: dict[str, Any]) -> None:
        """Take back what extra_state gave."""
        self.best_score, self.best = state["best_score"], state["best"]


class Restoring(Unrolled):
    """RGB pairs: Charbonnier's loss on every stage's image, clamped for denoising; plus that of edges for the others.

    Args:
        recipe: its ``train`` table has ``clamp``, ``edge`` (weight of the edge term, 0 = no such term), ``jitter`` (of
            the saturation), ``mixup`` and ``mixup_epoch``, ``patches`` and ``patch``, and the numbers.
    """

    name = "train"

    def __init__(self, recipe: Recipe, net: DGUNet | DGUNetPlus) -> None:
        super().__init__(recipe, net)
        self.net: DGUNet | DGUNetPlus
        self.steps = self.train["steps"]
        self.losses = ("loss", "charbonnier", *(("edge",) if self.train["edge"] else ()))
        self.streams = {"train": stream(self.train)}

    def step(self, batch: dict[str, dict[str, Tensor]], loop: Loop) -> dict[str, Tensor]:
        """One step on one batch of pairs; see the base class. `edge` is returned without its weight."""
        degraded, clean = batch["train"]["degraded"], batch["train"]["clean"]
        if self.train["jitter"]:
            draws = loop.generator("jitter").uniform(len(clean), 2).to(clean)
            degraded, clean = jitter((degraded, clean), draws, self.train["jitter"])
        images = self.net.train()(degraded)
        terms = {"charbonnier": charbonnier(images, clean, clamp=self.train["clamp"])}
        loss = terms["charbonnier"]
        if self.train["edge"]:
            terms["edge"] = edge(images, clean)
            loss = loss + self.train["edge"] * terms["edge"]
        self.descend(loss, warm_cosine(self.train, epoch_of(loop.step, loop.steps, self.train["epochs"])), loop)
        return {name: value.detach() for name, value in {"loss": loss, **terms}.items()}

    def restorer(self) -> Callable[[Tensor, Sequence[SampleInfo] | None], Tensor]:
        """The current network's restore, in eval mode."""
        net = self.net.eval()
        return lambda x, info: restore(net, x)


class Sensing(Unrolled):
    """Clean grey patches: the squared error of every stage's clamped image. One of the two steps of the training.

    Args:
        recipe: keys of its ``train`` table that begin with ``deblock_`` are of the second step.
        net: the method's own, since validation images are measured by the method. start: weights to begin with.
        deblock: the second step, on patches of several blocks.
    """

    losses = ("loss", "squared_error")

    def __init__(self, recipe: Recipe, net: SensingDGUNet, start: State, deblock: bool) -> None:
        super().__init__(recipe, net)
        self.net: SensingDGUNet
        net.load_state_dict(start)
        self.name = "deblock" if deblock else "blocks"
        self.numbers = {key: self.train[f"deblock_{key}" if deblock else key] for key in _STEPWISE}
        self.steps = self.numbers["steps"]
        self.streams = {"train": sensing_stream(self.train, deblock)}

    def step(self, batch: dict[str, dict[str, Tensor]], loop: Loop) -> dict[str, Tensor]:
        """One step on one batch of clean patches; see the base class."""
        clean = training_luma(batch["train"]["clean"])
        if self.train["augmentation"] == "official":
            clean = rows_and_transposes(clean, loop.generator("flips").uniform(len(clean), 2).to(clean))
        error = squared_error(self.net.train()(clean), clean, last_only=self.train["last_only"])
        epoch = epoch_of(loop.step, loop.steps, self.numbers["epochs"])
        self.descend(error, halved(self.train["rate"], self.numbers["milestones"], epoch), loop)
        return {"loss": error.detach(), "squared_error": error.detach()}

    @property
    def epochs(self) -> int:
        """Of this step's schedule."""
        return int(self.numbers["epochs"])

    def restorer(self) -> Callable[[Tensor, Sequence[SampleInfo] | None], Tensor]:
        """The current network's recovery from an initial estimate, in eval mode."""
        net, patch = self.net.eval(), self.recipe.restore["patch"]
        return lambda x, info: recover(net, x, patch, info)


_STEPWISE = ("crop", "steps", "epochs", "milestones")


def stream(train: Mapping[str, Any]) -> Stream:
    """The supply of RGB pairs. Partners of the mix-up are chosen there."""
    return Stream(
        source="paired",
        crop=train["crop"],
        batch=train["batch"],
        sampling="images",
        augment=FLIPS[train["augmentation"]],
        mixup=(train["mixup"], train["mixup_epoch"]) if train["mixup"] else None,
        preparation=preparation(train["patches"], train["patch"]),
    )


def sensing_stream(train: Mapping[str, Any], deblock: bool) -> Stream:
    """The supply of clean patches. The official flips are no rotations alone, and made in the step."""
    return Stream(
        source="measured",
        crop=train["deblock_crop" if deblock else "crop"],
        batch=train["batch"],
        sampling="images",
        augment="none" if train["augmentation"] == "official" else FLIPS["meant"],
        setting="train.deblock_crop" if deblock else "train.crop",
    )
