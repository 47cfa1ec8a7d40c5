"""R2R's training: one stage, one network, one loss; the recipe says where the recorrupted pairs come from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from datasets.core.errors import UserError
from datasets.core.registry import unknown
from methods.base import Artefacts, Loop, Recipe, SampleInfo, Stage, Stream, cpu_state_dict
from methods.r2r.inference import bgr, restore
from methods.r2r.losses import half_squared_error
from methods.r2r.network import DnCNN, initialise
from methods.r2r.preparation import preparation
from methods.r2r.recorruption import recorrupt

SOURCES = {"gaussian": "clean", "raw": "raw", "srgb": "degraded"}
TARGETS = ("recorrupted", "clean")


class Recorrupted(Stage):
    """Train f(y1) against y2 with Adam; the weights of the last step are kept, as the authors do.

    Args:
        recipe: its ``train`` table holds ``noise`` (``gaussian``: a frozen noisy set, recorrupted afresh at each
            step; ``raw``: frozen pairs rendered from the mosaic; ``srgb``: frozen noise of the estimated level),
            ``target`` (``recorrupted``, or ``clean`` for the supervised reference) and the numbers.

    Initial weights come from torch's default generator, which the caller seeds.
    """

    name = "train"
    losses = ("loss",)

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self.recipe, self.train = recipe, recipe.train
        _check(recipe)
        self.net = DnCNN(**recipe.network)
        initialise(self.net)
        self.networks = {"restorer": self.net}
        self.streams = {"train": stream(self.train)}
        self.steps, self.rescales = self.train["steps"], self.train["rescales"]
        self.evaluate_every = self.train["evaluate_every"]

    def configure(self) -> None:
        """Adam with PyTorch's defaults."""
        self.optimisers = {"restorer": torch.optim.Adam(self.net.parameters(), lr=self.train["rate"])}

    def step(self, batch: dict[str, dict[str, Tensor]], loop: Loop) -> dict[str, Tensor]:
        """One step on one batch of pairs; see the base class."""
        optimiser = self.optimisers["restorer"]
        for group in optimiser.param_groups:
            group["lr"] = rate(self.train, loop.step, loop.steps)
        noisy, target = self.pair({name: bgr(member) for name, member in batch["train"].items()}, loop)
        optimiser.zero_grad(set_to_none=True)
        loss = half_squared_error(self.net.train()(noisy), target)
        loop.backward(loss)
        loop.update(optimiser)
        return {"loss": loss.detach()}

    def pair(self, members: dict[str, Tensor], loop: Loop) -> tuple[Tensor, Tensor]:
        """Input and target, BGR, from what the stream supplies. The Gaussian recorruption is drawn afresh each step."""
        if self.train["target"] == "clean":
            return members["degraded"], members["clean"]
        if "target" in members:
            return members["input"], members["target"]
        y = members["degraded"]
        noise = members.get("noise")
        if noise is None:
            noise = self.train["sigma"] / 255 * loop.generator("recorruption").normal(*y.shape).to(y)
        return recorrupt(y, noise, self.train["alpha"])

    def restorer(self) -> Callable[[Tensor, Sequence[SampleInfo] | None], Tensor]:
        """The current network's restore, in eval mode."""
        net, settings = self.net.eval(), self.recipe.restore
        return lambda x, info: restore(net, x, info, settings)

    def artefacts(self) -> Artefacts:
        """The network as it is now: the authors keep the last weights and select none."""
        return {"restorer": cpu_state_dict(self.net)}


def rate(train: Any, step: int, steps: int) -> float:
    """Learning rate at a step: ``rate`` times ``decay`` for each of ``milestones`` (fractions of `steps`) passed."""
    return train["rate"] * train["decay"] ** sum(step >= round(part * steps) for part in train["milestones"])


def stream(train: Any) -> Stream:
    """The supply of patches. A supervised target on real images takes the pairs as they are."""
    paired = train["target"] == "clean" and train["noise"] != "gaussian"
    return Stream(
        source="paired" if paired else SOURCES[train["noise"]],
        crop=train["crop"],
        batch=train["batch"],
        sampling=train["sampling"],
        stride=train["stride"],
        order=train["order"],
        augment=train["augment"],
        preparation=None if paired else preparation(train),
    )


def _check(recipe: Recipe) -> None:
    for key, known in (("noise", tuple(SOURCES)), ("target", TARGETS)):
        if recipe.train[key] not in known:
            raise unknown(f"value of train.{key}", recipe.train[key], known)
    if recipe.train["noise"] == "gaussian" and recipe.train["sigma"] <= 0:
        raise UserError(f"R2R trains with a noise level above 0; got train.sigma = {recipe.train['sigma']}.")
