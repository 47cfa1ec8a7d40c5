"""The first stage, PGabNet, and what the later ones share with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from methods.base import Artefacts, Loop, Recipe, SampleInfo, Stage, State, Stream
from methods.scpgan import network
from methods.scpgan.inference import restore
from methods.scpgan.iteration import Look, Views, discriminator_terms, generator_terms, restorer_terms, views
from methods.scpgan.proxy import no_reference
from methods.scpgan.rounds import Rounds, snapshot
from methods.scpgan.varying import varied

CHOSEN = ("restorer", "generator", "discriminator")  # what the best state consists of
# The recipes call the authors' augmentation by the method's name; a stream calls it by what it does.
AUGMENTS = {"scpgan": "flips8-half"}


class PGabNet(Stage):
    """The first stage: generator, restorer and discriminator; every degraded image is its own prompt.

    Args:
        recipe: recipes.toml explains the keys of its ``train`` table. index: place among ``train.stages``.
        artefacts: what the stage before it left.

    Initial weights come from torch's default generator, which the caller seeds.
    """

    name = "pgabnet"
    losses: tuple[str, ...] = (
        *("generator", "adversarial", "background", "self_background"),
        *("restorer", "l1", "log_ssim"),
        *("discriminator", "judged_real", "judged_fake"),
    )

    def __init__(self, recipe: Recipe, index: int, artefacts: Artefacts) -> None:
        super().__init__()
        self.recipe, self.train = recipe, recipe.train
        self.steps, self.rescales = self.train["steps"][index], self.train["rescales"]
        self.evaluate_every = self.train["evaluate_every"]
        self.keeps_best = self.train["score"] == "validation"  # the card then names the validation data
        self.rounds = Rounds(self.train, self.steps)
        self.probe: list[Tensor] = []  # degraded images for the score without reference
        self.networks = {
            "restorer": network.restorer(recipe.network, self.train["restorer_identity"]),
            "generator": network.generator(self.train),
            "discriminator": network.discriminator(self.train),
        }
        if index:
            self._go_on(self.train["stages"][index - 1], artefacts)
        self.streams = streams(self.train, probing=self._probing())

    def _go_on(self, before: str, artefacts: Artefacts) -> None:
        """Start from the state that the stage before left: the best one where there was a score."""
        for name in CHOSEN:
            self.networks[name].load_state_dict(artefacts[f"{before}/{name}"])
        left = artefacts.get(f"{before}/selection", {})
        self.probe = list(left["probe"].split(1)) if "probe" in left else []
        if "score" in left:
            self.rounds.score(float(left["score"]), 0, self._chosen())

    def _chosen(self) -> dict[str, nn.Module]:
        return {name: self.networks[name] for name in CHOSEN}

    def _probing(self) -> bool:
        return self.train["score"] == "proxy" and len(self.probe) < self.train["proxy_images"]

    def configure(self) -> None:
        """Three Adams."""
        for name in CHOSEN:
            first, second = self.train["betas" if name == "restorer" else "gan_betas"]
            parameters, rate = self.networks[name].parameters(), self.train[f"{name}_rate"]
            self.optimisers[name] = torch.optim.Adam(parameters, lr=rate, betas=(first, second))

    def step(self, batch: dict[str, dict[str, Tensor]], loop: Loop) -> dict[str, Tensor]:
        """One iteration: generator and restorer together, then the discriminator; see the base class.

        The two first losses are summed and propagated once, which gives the same gradients as the authors' two passes.
        """
        self._set_rates(loop)
        if self._probing():
            self.probe.append(batch["probe"]["degraded"].cpu())
        discriminator, optimisers = self.networks["discriminator"], self.optimisers
        discriminator.requires_grad_(False)
        clean = varied(batch["clean"]["clean"], self.train, loop.generator("clean"))
        seen = self.views(batch["degraded"]["degraded"], clean, loop)
        terms = generator_terms(seen, discriminator, self.train) | restorer_terms(seen, loop.mean)
        _zero(optimisers["generator"], optimisers["restorer"])
        loop.backward(terms["generator"] + terms["restorer"])
        loop.update(optimisers["generator"])
        loop.update(optimisers["restorer"])
        discriminator.requires_grad_(True)
        terms |= discriminator_terms(seen, discriminator, self.train)
        _zero(optimisers["discriminator"])
        loop.backward(terms["discriminator"])
        loop.update(optimisers["discriminator"])
        return {name: value.detach() for name, value in terms.items()}

    def _set_rates(self, loop: Loop) -> None:
        passed = sum(loop.step >= round(part * loop.steps) for part in self.train["milestones"])
        for name, optimiser in self.optimisers.items():
            for group in optimiser.param_groups:
                group["lr"] = self.train[f"{name}_rate"] * self.train["decay"] ** passed

    def views(self, y: Tensor, x: Tensor, loop: Loop) -> Views:
        """What one iteration synthesises and restores of y and x, (N, 3, H, W)."""
        return views(self.networks, self.train, y, x, self.look(loop))

    def look(self, loop: Loop) -> Look | None:
        """How the fixed restorer sees an image in this step; there is none in this stage."""
        return None

    def restorer(self) -> Callable[[Tensor, Sequence[SampleInfo] | None], Tensor]:
        """The current restorer, as `inference.restore` runs it."""
        net, settings = self.networks["restorer"].eval(), self.recipe.restore
        return lambda x, info: restore(net, x, settings)  # type: ignore[arg-type]

    @torch.no_grad()
    def on_step(self, loop: Loop) -> None:
        """Score without reference, where the recipe says so."""
        if self.train["score"] == "proxy" and (loop.step + 1) % self.evaluate_every == 0:
            images = torch.cat(self.probe).to(loop.device)
            self.rounds.score(no_reference(images, self.restorer()(images, None)), loop.step + 1, self._chosen())

    def on_evaluation(self, score: float, loop: Loop) -> None:
        """Take the score on the validation data, where the recipe says so."""
        if self.train["score"] == "validation":
            self.rounds.score(score, loop.step + 1, self._chosen())

    def artefacts(self) -> Artefacts:
        """The best state where there was a score, else the last one, for the weights and for the next stage.

        ``selection`` holds its score and the probe; ``history`` a row per replacement: its step, the step of the state
        that was taken, that state's score, the last score before it (NaN: nothing was scored).
        """
        left: Artefacts = {**(self.rounds.best["networks"] if self.rounds.best else snapshot(self._chosen()))}
        left["history"] = self.rounds.table()
        selection: State = (
            {"score": torch.tensor(self.rounds.best["score"], dtype=torch.float64)} if self.rounds.best else {}
        )
        if self.probe:
            selection["probe"] = torch.cat(self.probe)
        return {**left, "selection": selection} if selection else left

    def note(self) -> str:
        """What chose the state that is kept, and the replacements, in words."""
        return f"{self.name}: {self.rounds.note()}"

    def extra_state(self) -> dict[str, Any]:
        """The best state, the scores, the history, the probe."""
        return {"rounds": self.rounds.state(), "probe": list(self.probe)}

    def load_extra_state(self, state: dict[str, Any]) -> None:
        """See the base class."""
        self.rounds.load(state["rounds"])
        self.probe = list(state["probe"])


def streams(train: Mapping[str, Any], probing: bool) -> dict[str, Stream]:
    """Degraded and clean patches, drawn apart; and while the proxy has too few images, one of them at each step."""
    augment = AUGMENTS.get(train["augment"], train["augment"])
    numbers = {"crop": train["crop"], "batch": train["batch"], "augment": augment}
    numbers |= {"tile": train["tile"], "stride": train["tile_stride"]} if train["tile"] else {}
    drawn = {source: Stream(source=source, **numbers) for source in ("degraded", "clean")}
    # one image is not shared out among processes, so all of them score the same ones
    probe = Stream(source="degraded", crop=train["crop"], batch=1)
    return {**drawn, "probe": probe} if probing else drawn


def _zero(*optimisers: torch.optim.Optimizer) -> None:
    for optimiser in optimisers:
        optimiser.zero_grad(set_to_none=True)
