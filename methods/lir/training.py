"""LIR's training: one stage of five generators' parts and three discriminators, in the order of the official code."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from datasets.core.errors import UserError
from methods import features
from methods.base import Artefacts, Loop, Recipe, SampleInfo, Stage, Stream, cpu_state_dict
from methods.lir.discriminators import ImageDiscriminator, LatentDiscriminator
from methods.lir.inference import restore
from methods.lir.iteration import (
    Terms,
    Translator,
    contents,
    discriminator_terms,
    generator_terms,
    latent_terms,
    views,
)
from methods.lir.network import USED, Restorer, colours, generator, widths
from methods.lir.semantic import Semantic

# Optimiser -> the networks that it moves.
OWNED = {"generator": ("gen_a", "gen_b"), "judge": ("dis_a", "dis_b"), "latent": ("dis_content",)}


class Translation(Stage):
    """Degraded and clean images, unpaired, translated into each other; the weights of the last step are kept.

    In each iteration D_R learns ``latent_steps`` times, then all three discriminators, then the generators. The code
    leaves the generators' gradient in D_R and lets its optimiser take a step with it, which moves D_R against itself:
    ``step_latent_dis_on_gen_loss``.

    Args:
        recipe: recipes.toml explains the keys of its ``train`` table. features: frozen, for semantic consistency; None
            where its weight is 0.

    Initial weights come from torch's default generator, which the caller seeds.
    """

    name = "train"
    losses = (
        *("generator", "adversarial_a", "adversarial_b", "latent", "self_a", "self_b", "cycle_a", "cycle_b"),
        *("kl_a", "kl_b", "kl_noise", "cycle_kl_a", "cycle_kl_b", "cycle_kl_noise"),
        *("background", "semantic_a", "semantic_b", "discriminators", "judge_a", "judge_b", "judge_latent"),
    )

    def __init__(self, recipe: Recipe, features: nn.Module | None) -> None:
        super().__init__()
        self.recipe, self.train = recipe, recipe.train
        self.steps, self.rescales = self.train["steps"], self.train["rescales"]
        self.evaluate_every = self.train["evaluate_every"]
        self.gen_a, self.gen_b = (generator(recipe.network, USED[side]) for side in "ab")
        size = tuple(self.train[f"judge_{key}"] for key in ("dim", "layers", "scales", "high_pass"))
        self.discriminators = {side: ImageDiscriminator(*size) for side in "ab"}
        self.latent = LatentDiscriminator(widths(recipe.network)[0])
        self.semantic = Semantic(features, self.train["vgg_input"]) if features else None
        self.networks = {
            **{"gen_a": self.gen_a, "gen_b": self.gen_b},
            **{f"dis_{side}": net for side, net in self.discriminators.items()},
            **{"dis_content": self.latent, **({"vgg": features} if features else {})},
        }
        self.counting = recipe.network["norm"] == "batch"
        self.streams = streams(self.train)

    def configure(self) -> None:
        """Three Adams: both generators, both discriminators of images, the one of latents."""
        for name, owned in OWNED.items():
            self.optimisers[name] = torch.optim.Adam(
                [p for network in owned for p in self.networks[network].parameters()],
                lr=self.train[f"{name}_rate"],
                betas=tuple(self.train["betas"]),
                weight_decay=self.train["weight_decay"],
            )

    def step(self, batch: dict[str, dict[str, Tensor]], loop: Loop) -> dict[str, Tensor]:
        """One whole iteration; see the class and the base class."""
        a, b = (colours(batch[source][source]) for source in ("degraded", "clean"))
        self._set_rates(loop)
        for net in (self.gen_a, self.gen_b):
            net.train()
        latents = self._contents(a, b)
        for _ in range(self.train["latent_steps"]):
            self._latent_step(*latents, loop)
            # batch norms take note of every forward of the official code; without them nothing has changed
            latents = self._contents(a, b) if self.counting else latents
        terms = self._discriminator_step(a, b, latents, loop)
        terms |= self._generator_step(a, b, loop)
        return {name: value.detach() for name, value in terms.items()}

    @torch.no_grad()
    def _contents(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        return contents(self.gen_a, self.gen_b, a, b)

    def _latent_step(self, z_a: Tensor, z_b: Tensor, loop: Loop) -> None:
        self._zero("latent")
        loop.backward(latent_terms(self.latent, z_a, z_b))
        loop.update(self.optimisers["latent"], clip=self.train["clip"])

    def _discriminator_step(self, a: Tensor, b: Tensor, latents: tuple[Tensor, Tensor], loop: Loop) -> Terms:
        """All three discriminators: one sum, but two optimisers, and only D_R's gradient is clipped."""
        with torch.no_grad():
            pair = self._translator(loop, "judge")
            z_a, z_b = latents
            fakes = {"a": pair.spoil(z_b, self.gen_a["styc"](a)), "b": pair.clear(z_a)}
        self._zero("judge", "latent")
        terms = discriminator_terms(self.discriminators, {"a": a, "b": b}, fakes)
        terms["judge_latent"] = latent_terms(self.latent, z_a, z_b)
        total = torch.stack(list(terms.values())).sum()
        loop.backward(total)
        loop.update(self.optimisers["judge"])
        loop.update(self.optimisers["latent"], clip=self.train["clip"])
        return {"discriminators": total, **terms}

    def _generator_step(self, a: Tensor, b: Tensor, loop: Loop) -> Terms:
        self._zero("generator", "latent")
        self._set_discriminators_trained(False)
        seen = views(self._translator(loop, "generator"), a, b)
        terms = generator_terms(seen, self.discriminators, self.latent, self.semantic, self.train)
        loop.backward(terms["generator"])
        self._set_discriminators_trained(True)
        loop.update(self.optimisers["generator"])
        if self.train["step_latent_dis_on_gen_loss"]:
            loop.update(self.optimisers["latent"])
        return terms

    def _translator(self, loop: Loop, purpose: str) -> Translator:
        return Translator(self.gen_a, self.gen_b, self.train["latent_noise"], loop.generator(purpose))

    def _zero(self, *optimisers: str) -> None:
        for name in optimisers:
            self.optimisers[name].zero_grad(set_to_none=True)

    def _set_discriminators_trained(self, trained: bool) -> None:
        """Whether the discriminators collect gradients: the generators' loss leaves one in D_R alone, if in any."""
        for discriminator in self.discriminators.values():
            discriminator.requires_grad_(trained)
        self.latent.requires_grad_(trained or self.train["step_latent_dis_on_gen_loss"])

    def _set_rates(self, loop: Loop) -> None:
        factor = rate_factor(self.train, loop.step, loop.steps)
        for name, optimiser in self.optimisers.items():
            for group in optimiser.param_groups:
                group["lr"] = self.train[f"{name}_rate"] * factor

    def _restorer(self) -> Restorer:
        network = self.recipe.network
        return Restorer(self.gen_a["enc"], self.gen_b["dec_cont"], network["halvings"], network["grey"])

    def restorer(self) -> Callable[[Tensor, Sequence[SampleInfo] | None], Tensor]:
        """The current restorer, without noise on its latent."""
        net = self._restorer().eval()
        return lambda x, info: restore(net, x)

    def artefacts(self) -> Artefacts:
        """The restorer as it is now: the authors keep the last weights and select none."""
        return {"restorer": cpu_state_dict(self._restorer())}


def translation(recipe: Recipe, artefacts: Artefacts) -> Translation:
    """The stage, with VGG-19 where semantic consistency has a weight. Raises UserError where its file is absent."""
    train = recipe.train
    if not train["semantic"]:
        return Translation(recipe, None)
    path = features.find("vgg19", train["vgg_file"])
    if path is None:
        raise UserError(f"{features.absent('vgg19')} Without it, train with --set train.semantic=0.")
    return Translation(recipe, features.read_vgg19(path, train["vgg_layer"]))


def rate_factor(train: Mapping[str, Any], step: int, steps: int) -> float:
    """What all rates are multiplied by: ``decay`` for each ``milestones`` (fractions of `steps`) passed, and a straight
    line to 0 over the last part ``cooling`` (0 = none).
    """
    factor = train["decay"] ** sum(step >= round(part * steps) for part in train["milestones"])
    cooling = train["cooling"] * steps
    return factor * min(1.0, (steps - step) / cooling) if cooling else factor


def streams(train: Mapping[str, Any]) -> dict[str, Stream]:
    """Patches of degraded and of clean images, drawn apart."""
    numbers = {key: train[key] for key in ("crop", "batch", "augment", "sampling")}
    passes = train["sampling"] == "images"
    return {source: Stream(source=source, **numbers, drop_last=passes) for source in ("degraded", "clean")}
