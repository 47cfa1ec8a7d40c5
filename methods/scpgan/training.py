"""The stages of SCPGabNet and RSCP2GAN: PGabNet, self-collaboration (SC), and its re-boosted form (Reb-SC)."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from datasets.core.errors import UserError
from datasets.core.fault_points import fault_point
from datasets.core.registry import unknown
from datasets.ops.flips import flip, unflip
from methods.base import Artefacts, Loop, Recipe, State
from methods.scpgan import network
from methods.scpgan.iteration import Look
from methods.scpgan.pgabnet import PGabNet
from methods.scpgan.rounds import check, snapshot

TASKS = ("denoise", "derain", "desnow")


class SelfCollaboration(PGabNet):
    """SC: an older restorer, kept fixed, says what the degradation of an image is, and is itself one more target.

    Before a step at which a round ends, the fixed restorer takes the best restorer so far, the networks that train take
    what ``train.restart_*`` says, and their optimisers start afresh: what the authors do by hand.
    """

    name = "sc"
    losses = (*PGabNet.losses, "self_l1", "self_log_ssim", "cross_l1", "cross_log_ssim")

    def __init__(self, recipe: Recipe, index: int, artefacts: Artefacts) -> None:
        super().__init__(recipe, index, artefacts)
        self.networks["fixed"] = copy.deepcopy(self.networks["restorer"]).requires_grad_(False)

    def step(self, batch: dict[str, dict[str, Tensor]], loop: Loop) -> dict[str, Tensor]:
        """A replacement where a round has ended, then an iteration."""
        self._check_scored(loop)
        if self.rounds.due(loop.step, loop.steps):
            self._replace(loop)
        return super().step(batch, loop)

    def _check_scored(self, loop: Loop) -> None:
        waiting = self.train["replace"] == "plateau" and not any(step for step, _ in self.rounds.scores)
        if waiting and loop.step >= self.evaluate_every:
            raise UserError(
                f"The rule train.replace = 'plateau' waits for scores, but none came in {loop.step} steps; train with "
                "validation data (--validate DATASET:SPLIT) or with --set train.score=proxy."
            )

    def _replace(self, loop: Loop) -> None:
        best = self.rounds.best["networks"] if self.rounds.best else snapshot(self._chosen())
        self.networks["fixed"].load_state_dict(best["restorer"])
        fault_point("train.replacement")
        if self.train["restart_restorer"] == "best":
            self.networks["restorer"].load_state_dict(best["restorer"])
        if self.train["restart_gan"] != "keep":
            fresh = self.train["restart_gan"] == "fresh"
            source = self._fresh_gan(loop) if fresh else best
            for name in ("generator", "discriminator"):
                self.networks[name].load_state_dict(source[name])
        if self.train["fresh_optimisers"]:
            self.configure()
        self.rounds.replaced(loop.step)

    def _fresh_gan(self, loop: Loop) -> dict[str, State]:
        """New initial weights of generator and discriminator, the same on all processes."""
        seed = int(loop.generator("restart").integers(0, 2**31 - 1))
        with torch.random.fork_rng(devices=[]):
            torch.random.default_generator.manual_seed(seed)
            made = {"generator": network.generator(self.train), "discriminator": network.discriminator(self.train)}
        return snapshot(made)

    def look(self, loop: Loop) -> Look:
        """The fixed restorer. In SCPGabNet's code its output stays in the graph, so L_D reaches the generator by t2."""
        modes = self._modes(loop)

        def see(image: Tensor) -> Tensor:
            with torch.set_grad_enabled(self.train["fixed_in_graph"]):
                return ensemble(self.networks["fixed"], image, modes)

        return see

    def _modes(self, loop: Loop) -> list[int]:
        """Of the passes of the fixed restorer, see datasets.ops.flips: one, as it is."""
        return [0]


class Reboosting(SelfCollaboration):
    """Reb-SC: the fixed restorer's output is a mean over passes, each randomly flipped and turned."""

    name = "rebsc"

    def _modes(self, loop: Loop) -> list[int]:
        draws = loop.generator("modes")
        return torch.stack([draws.integers(0, 8) for _ in range(self.train["passes"])]).tolist()


STAGES: dict[str, type[PGabNet]] = {stage.name: stage for stage in (PGabNet, SelfCollaboration, Reboosting)}


def ensemble(net: nn.Module, image: Tensor, modes: Sequence[int]) -> Tensor:
    """Mean over passes in which square images, (N, C, S, S), are flipped by a mode each, and back."""
    seen = net(torch.cat([flip(image, mode) for mode in modes])).chunk(len(modes))
    return torch.stack([unflip(part, mode) for part, mode in zip(seen, modes, strict=True)]).mean(0)


def check_train(train: Mapping[str, Any]) -> None:
    """Raise UserError for settings that no training has."""
    check(train)
    for key, allowed in (("adversarial", (1, 4)), ("fakes", (1, 4)), ("gan", ("lsgan", "vanilla"))):
        if train[key] not in allowed:
            raise UserError(f"train.{key} is one of {', '.join(map(str, allowed))}, not {train[key]!r}.")
    _check_numbers(train)
    if train["task"] not in TASKS:
        raise unknown("value of train.task", train["task"], TASKS)
    for name in train["stages"]:
        if name not in STAGES:
            raise unknown("stage in train.stages", name, STAGES)
    places = [list(STAGES).index(name) for name in train["stages"]]
    if places[:1] != [0] or places != sorted(set(places)) or len(train["steps"]) != len(places):
        raise UserError(
            f"train.stages begins with 'pgabnet' and keeps the order {', '.join(STAGES)}, with as many numbers in "
            f"train.steps; got {train['stages']} and {train['steps']}."
        )


def _check_numbers(train: Mapping[str, Any]) -> None:
    for key in ("recolour", "restorer_identity", "generator_hands_on"):
        if not 0 <= train[key] <= 1:
            raise UserError(f"train.{key} is a share, 0 to 1, not {train[key]!r}.")
    if train["contrast"] < 1:
        raise UserError(f"train.contrast is a largest factor of 1 or more, not {train['contrast']!r}.")
    if train["generator_hands_on"] and train["generator_width"] < 6:
        raise UserError(
            "A generator that hands the prompt on (train.generator_hands_on) needs 6 features or more, two per colour; "
            f"train.generator_width is {train['generator_width']}. Give --set train.generator_hands_on=0."
        )
