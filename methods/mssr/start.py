"""Where the restorers start from: a supervised training on clean images alone, or a file that the user names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import torch
from torch import Tensor

from methods.base import Artefacts, Loop, Recipe, SampleInfo, Stage, Stream, cpu_state_dict
from methods.mssr import losses, network, pairs, schedules
from methods.mssr.averaging import follow, follower
from methods.mssr.checkpoints import named_start
from methods.mssr.inference import restore
from methods.mssr.rrdb import RRDBNet


class Start(Stage):
    """One restorer on pairs made of clean images: bicubic reduction, or at scale 1 blind Gaussian noise; L1.

    The authors start from a published network of this kind (ESRGAN's PSNR-oriented one), whose training this follows:
    Adam, cosine rates with restarts, an average of the weights.
    """

    name = "start"
    losses = ("loss",)

    def __init__(self, recipe: Recipe, artefacts: Artefacts) -> None:
        super().__init__()
        self.recipe, self.train, self.scale = recipe, recipe.train, recipe.network["scale"]
        self.networks = {"restorer": network.single(recipe.network)}
        if self.train["start_average"]:
            self.networks["average"] = follower(self.networks["restorer"])
        crop, batch = self.train["start_crop"], self.train["start_batch"]
        self.streams = {
            "clean": Stream(
                source="clean",
                crop=crop * self.scale,
                batch=batch,
                augment="flips8",
                setting="train.start_crop",
                batch_setting="train.start_batch",
            )
        }
        self.steps, self.rescales = self.train["start_steps"], self.train["rescales"]
        self.evaluate_every = self.train["evaluate_every"]

    def configure(self) -> None:
        """Adam."""
        betas = tuple(self.train["start_betas"])
        self.optimisers = {
            "restorer": torch.optim.Adam(self.networks["restorer"].parameters(), self.train["start_rate"], betas)
        }

    def step(self, batch: dict[str, dict[str, Tensor]], loop: Loop) -> dict[str, Tensor]:
        """One step of Adam; see the base class."""
        optimiser, clean = self.optimisers["restorer"], batch["clean"]["clean"]
        if self.train["recolour"]:
            clean = pairs.recoloured(clean, loop.generator("colours"))
        for group in optimiser.param_groups:
            group["lr"] = self._rate(loop)
        optimiser.zero_grad(set_to_none=True)
        restored = self.networks["restorer"].train()(self.degraded(clean, loop)).to(clean)
        loss = losses.l1(restored, clean)
        loop.backward(loss)
        loop.update(optimiser)
        return {"loss": loss.detach()}

    def _rate(self, loop: Loop) -> float:
        rates = self.train["start_restarts"], self.train["start_rate"], self.train["start_floor"]
        return schedules.restarted_cosine(loop.step, loop.steps, *rates)

    def degraded(self, clean: Tensor, loop: Loop) -> Tensor:
        """The input that is made of clean images: smaller, or noisy."""
        if self.scale > 1:
            return pairs.downscaled(clean, self.scale)
        return pairs.noisy(clean, self.train["start_sigma"], loop.generator("noise"))

    def on_step(self, loop: Loop) -> None:
        """Let the average follow, where the recipe keeps one."""
        if "average" in self.networks:
            follow(self.networks["average"], self.networks["restorer"], self.train["start_average"])

    def restorer(self) -> Callable[[Tensor, Sequence[SampleInfo] | None], Tensor]:
        """The network that the stage would leave now."""
        net = cast(RRDBNet, self.networks.get("average", self.networks["restorer"])).eval()
        return lambda x, info: restore(net, x)

    def artefacts(self) -> Artefacts:
        """The network, or its average."""
        return {"single": cpu_state_dict(self.networks.get("average", self.networks["restorer"]))}


def started(recipe: Recipe, artefacts: Artefacts) -> RRDBNet:
    """A restorer as the start stage left it, or as the file that ``train.start_weights`` names has it."""
    net, named = network.single(recipe.network), recipe.train["start_weights"]
    net.load_state_dict(named_start(recipe, named) if named else artefacts["start/single"])
    return net
