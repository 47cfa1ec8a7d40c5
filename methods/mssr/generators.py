"""The training of one probabilistic degradation generator against a discriminator of wavelet details."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from methods.base import Artefacts, Loop, Recipe, SampleInfo, Stage, Stream, cpu_state_dict
from methods.mssr import losses, network, pairs, perceptual, schedules
from methods.mssr.averaging import follow, follower, unmoved
from methods.mssr.inference import restore
from methods.mssr.rrdb import RRDBNet
from methods.mssr.start import started


class GeneratorTraining(Stage):
    """Clean images become degraded ones of the unpaired pool's kind; each draw of noise gives another.

    Per iteration one step of Adam on the discriminator, then one on the generator, which is judged by the discriminator
    that has just learnt.

    Args:
        recipe: its train table. number: which of the generators, from 0. artefacts: of the start stage.

    Attributes:
        losses: the terms; ``real_score`` and ``fake_score`` are the discriminator's mean scores before its step,
            ``told_score`` that of synthesised images after it; ``deviation`` is the root mean square of what the
            generator adds to its colour target: at scale 1 the level of its noise.
    """

    weighs_streams = True
    losses = (
        "generator", "colour", "adversarial", "perceptual", "discriminator",
        "real_score", "fake_score", "told_score", "deviation",
    )  # fmt: skip

    def __init__(self, recipe: Recipe, number: int, artefacts: Artefacts) -> None:
        super().__init__()
        self.recipe, self.train, self.number = recipe, recipe.train, number
        self.name = f"generator-{number + 1}"
        self.scale: int = recipe.network["scale"]
        self.networks = {
            "generator": network.generator(self.train, self.train["generators"][number], self.scale),
            "discriminator": network.discriminator(self.train),
            "restorer": started(recipe, artefacts).requires_grad_(False),  # for the evaluation alone
        }
        if self.train["perceptual_weight"]:
            self.networks["perceptual"] = perceptual.lpips(self.train)
        if self.train["generator_average"]:
            self.networks["average"] = follower(self.networks["generator"])
        self.streams = self._streams()
        self.steps = self.train["generator_steps"][number]
        self.rescales = self.train["rescales"]

    def _streams(self) -> dict[str, Stream]:
        crop, batch = self.train["crop"], self.train["generator_batch"][self.number]
        clean = Stream("clean", crop * self.scale, batch, augment="flips8", batch_setting="train.generator_batch")
        whole = self.train["turn_whole"]
        degraded = Stream(
            source="degraded",
            crop=crop,
            batch=batch,
            augment="flip" if whole else "flips8",
            sampling="images",
            preparation=pairs.turned_whole() if whole else None,
            batch_setting="train.generator_batch",
        )
        return {"clean": clean, "degraded": degraded}

    def configure(self) -> None:
        """Adam for both; the generator's noise scales have a rate of their own."""
        rate, scales = self.train["generator_rate"][self.number], self.train["noise_rate"][self.number]
        named = list(self.networks["generator"].named_parameters())
        groups = [
            {"params": [p for name, p in named if "noises" not in name], "lr": rate, "initial": rate},
            {"params": [p for name, p in named if "noises" in name], "lr": scales, "initial": scales},
        ]
        rate = self.train["discriminator_rate"][self.number]
        scoring = [{"params": list(self.networks["discriminator"].parameters()), "lr": rate, "initial": rate}]
        betas = tuple(self.train["betas"])
        self.optimisers = {
            "generator": torch.optim.Adam(groups, betas=betas),
            "discriminator": torch.optim.Adam(scoring, betas=betas),
        }

    def step(self, batch: dict[str, dict[str, Tensor]], loop: Loop) -> dict[str, Tensor]:
        """One iteration; see the base class."""
        factor = schedules.staircase(loop.step, loop.steps, self.train["epochs"], self.train["decay_epoch"])
        for optimiser in self.optimisers.values():
            for group in optimiser.param_groups:
                group["lr"] = group["initial"] * factor
        clean, real = batch["clean"]["clean"], batch["degraded"]["degraded"]
        if self.train["turn_whole"]:
            real = pairs.upside_down(real, loop.generator("upside down", "degraded"))
        fake = self.networks["generator"].train()(clean, loop.generator("noise").normal).to(clean)
        terms = self._discriminator_step(real, fake.detach(), loop)
        terms |= self._generator_step(fake, pairs.downscaled(clean, self.scale), loop)
        return {name: value.detach() for name, value in terms.items()}

    def _discriminator_step(self, real: Tensor, fake: Tensor, loop: Loop) -> dict[str, Tensor]:
        discriminator, optimiser = self.networks["discriminator"].train(), self.optimisers["discriminator"]
        optimiser.zero_grad(set_to_none=True)
        real_scores, fake_scores = discriminator(real).to(real), discriminator(fake).to(real)
        loss = loop.mean(losses.judged_real(real_scores), "degraded") + losses.judged_fake(fake_scores)
        loop.backward(loss)
        loop.update(optimiser)
        return {"discriminator": loss, "real_score": real_scores.mean(), "fake_score": fake_scores.mean()}

    def _generator_step(self, fake: Tensor, target: Tensor, loop: Loop) -> dict[str, Tensor]:
        optimiser = self.optimisers["generator"]
        optimiser.zero_grad(set_to_none=True)
        with unmoved(self.networks["discriminator"]) as discriminator:
            scores = discriminator(fake).to(fake)
            terms = self._terms(fake, target, losses.judged_real(scores))
            loop.backward(terms["generator"])
        loop.update(optimiser)
        deviation = (fake - target).square().mean().sqrt()
        return {**terms, "told_score": scores.mean(), "deviation": deviation}

    def _terms(self, fake: Tensor, target: Tensor, adversarial: Tensor) -> dict[str, Tensor]:
        with torch.autocast(fake.device.type, enabled=False):
            colour = losses.colour(fake, target, self.train["colour_level"])
            distance = torch.zeros_like(colour)
            if "perceptual" in self.networks:
                distance = self.networks["perceptual"](fake, target).mean()
        weights = (self.train[f"{name}_weight"] for name in ("colour", "adversarial", "perceptual"))
        total = sum(w * term for w, term in zip(weights, (colour, adversarial, distance), strict=True))
        return {"generator": total, "colour": colour, "adversarial": adversarial, "perceptual": distance}

    def on_step(self, loop: Loop) -> None:
        """Let the average follow, where the recipe keeps one."""
        if "average" in self.networks:
            follow(self.networks["average"], self.networks["generator"], self.train["generator_average"])

    def restorer(self) -> Callable[[Tensor, Sequence[SampleInfo] | None], Tensor]:
        """The start network, since a generator restores nothing: the score is where the next training starts from."""
        net = cast(RRDBNet, self.networks["restorer"]).eval()
        return lambda x, info: restore(net, x)

    def artefacts(self) -> Artefacts:
        """The generator as it is now, or its average: the authors select none."""
        chosen: nn.Module = self.networks.get("average", self.networks["generator"])
        return {"generator": cpu_state_dict(chosen)}

    def note(self) -> str:
        """How strong the learnt noise is, the recipe's deviation included."""
        strengths = [
            float(value.abs().mean()) for key, value in self.artefacts()["generator"].items() if "noises" in key
        ]
        shown = ", ".join(f"{value:.3g}" for value in strengths)
        return f"{self.name}: mean |w| of its noise scales {shown}" if strengths else ""
