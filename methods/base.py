"""The contract between a method and whoever runs it: Method, Stage, Stream, Recipe and the loop that a stage sees.

A method folder knows no other method's folder, no dataset and no harness. It says what data it needs (streams) and
computes; reading, devices, precision, processes, checkpoints and scoring are the caller's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor, nn

from methods.facts import Facts, Recipe, SampleInfo
from methods.streams import Arrays, Preparation, Stream

__all__ = [
    "Arrays", "Artefacts", "Degrades", "Draws", "Facts", "Loop", "Match", "Method", "Preparation", "Recipe",
    "SampleInfo", "Senses", "Stage", "StageFactory", "State", "Stream", "kept",
]  # fmt: skip

State = dict[str, Tensor]
Artefacts = dict[str, State]


def kept(network: nn.Module, prefix: str = "") -> State:
    """Copies of a network's tensors on the CPU, keys prefixed: what `Stage.artefacts` hands on."""
    return {f"{prefix}{key}": value.detach().cpu().clone() for key, value in network.state_dict().items()}


class Draws(Protocol):
    """Random numbers for one purpose at one step: the same whatever the number of processes, and after a resume.

    Shapes are local: the first dimension is this rank's share of the batch; the numbers are drawn for the global
    batch and sliced.
    """

    def normal(self, *shape: int) -> Tensor: ...
    def uniform(self, *shape: int) -> Tensor: ...
    def integers(self, low: int, high: int, *shape: int) -> Tensor: ...
    def permutation(self, n: int) -> Tensor: ...


class Loop(Protocol):
    """What a stage sees of the training loop (benchmark/training/loop.py)."""

    step: int  # 0-based number of the step being computed, within the stage
    steps: int  # how many steps this stage has in all
    epoch: int  # 0-based epoch of the stage's first stream
    seed: int
    device: torch.device

    def backward(self, loss: Tensor, *, retain_graph: bool = False) -> None:
        """Back-propagate under the run's precision. Raises when the loss is not finite."""

    def update(self, optimiser: torch.optim.Optimizer, clip: float | None = None) -> None:
        """Average the gradients over the ranks, clip their norm where asked, step. Does not zero them."""

    def generator(self, name: str) -> Draws:
        """Random draws keyed by (seed, stage, step, name)."""


class Stage:
    """One training of some networks. Owns all that must survive a restart; computes; does no I/O.

    Subclasses set the attributes in __init__ and implement ``step``. Networks are made on the CPU; while a factory
    runs, torch's global generator is keyed by (seed, stage), so default initialisations are reproducible. The loop
    moves the networks to the device and then calls ``configure()``.

    Attributes:
        name: of the stage, unique within the method, such as ``train``, ``generator-1``.
        networks: every network, discriminators and frozen ones included, by name.
        optimisers: made by ``configure``, by name.
        streams: batches that ``step`` needs, by name.
        steps: number of steps of the recipe; the caller may override it (``--steps``, ``--minutes``).
        rescales: whether schedules stretch with an overridden number of steps.
        evaluate_every: steps between evaluations on the validation data; 0 = only at the end.
        keeps_best: whether ``artefacts`` are the best snapshot's (then the card names the data that chose it).
        losses: names of the loss terms that ``step`` returns, known beforehand (the log's columns).
    """

    name: str = "train"
    steps: int = 0
    rescales: bool = True
    evaluate_every: int = 0
    keeps_best: bool = False
    losses: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.networks: dict[str, nn.Module] = {}
        self.optimisers: dict[str, torch.optim.Optimizer] = {}
        self.streams: dict[str, Stream] = {}

    def configure(self) -> None:
        """Make the optimisers. Called once, when the networks are on their device and before any state is loaded."""

    def step(self, batch: dict[str, dict[str, Tensor]], loop: Loop) -> dict[str, Tensor]:
        """One whole iteration in the order of the paper's code.

        Args:
            batch: stream name -> member -> (N, C, H, W) on the device, in [0, 1].
            loop: see Loop. Learning rates are set here, from loop.step and loop.steps (schedules are closed forms).
        Returns:
            loss name -> detached scalar; the names of ``losses``.
        """
        raise NotImplementedError

    def restorer(self) -> Callable[[Tensor, Sequence[SampleInfo] | None], Tensor]:
        """What the evaluation scores: a function like Method.restore, on the stage's current networks in eval mode."""
        raise NotImplementedError

    def artefacts(self) -> Artefacts:
        """What the stage leaves, last or best as it chooses: role -> state dict (CPU), such as {"restorer": ...}."""
        raise NotImplementedError

    def note(self) -> str:
        """A line for the weights' card on what happened along the way (SCPGAN's replacements); '' = nothing."""
        return ""

    def on_step(self, loop: Loop) -> None:
        """After each step (averages of weights, replacement by a fixed rule)."""

    def on_evaluation(self, score: float, loop: Loop) -> None:
        """After each evaluation: mean PSNR in dB on the validation data (best snapshots, SCPGAN's replacement)."""

    def extra_state(self) -> dict[str, Any]:
        """Anything else that must survive: best snapshot, replacement history. Tensors and plain values only."""
        return {}

    def load_extra_state(self, state: dict[str, Any]) -> None:
        """Take back what extra_state gave."""

    def state_dict(self) -> dict[str, Any]:
        """All of it: networks, optimisers, extra."""
        return {
            "networks": {name: net.state_dict() for name, net in self.networks.items()},
            "optimisers": {name: opt.state_dict() for name, opt in self.optimisers.items()},
            "extra": self.extra_state(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take back what state_dict gave (after ``configure``)."""
        for name, net in self.networks.items():
            net.load_state_dict(state["networks"][name])
        for name, optimiser in self.optimisers.items():
            optimiser.load_state_dict(state["optimisers"][name])
        self.load_extra_state(state["extra"])


StageFactory = Callable[[Artefacts], Stage]


@dataclass(frozen=True)
class Match:
    """One way to read a foreign checkpoint: which recipe it fits and the state dicts of the method's roles.

    `note` enters the record (``first of several recipes of this architecture``, ``keys of the supervised DnCNN``).
    `needs_recipe`: the same keys could mean different outputs, so the user must name the recipe.
    """

    recipe: str
    roles: Artefacts
    note: str = ""
    needs_recipe: bool = False


class Method(nn.Module):
    """A restoration method under one recipe. Subclass, give the class attributes, implement four small functions.

    Class attributes:
        name: registry name. version: raised when the code changes a pixel. paper: BibTeX. title: for tables.
        recipes: path of recipes.toml (default: beside the module).

    The networks that restoring needs are created in __init__ from ``recipe.network`` as sub-modules; roles names them.
    """

    name: ClassVar[str]
    title: ClassVar[str] = ""
    version: ClassVar[str] = "1"
    paper: ClassVar[str] = ""
    seed: int = 0  # of the training, set by it before `stages` is asked

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self.recipe = recipe

    @property
    def facts(self) -> Facts:
        """Facts under this recipe."""
        raise NotImplementedError

    def restore(self, x: Tensor, info: Sequence[SampleInfo] | None = None) -> Tensor:
        """Restore a batch. Call under torch.no_grad() and eval(); benchmark.restoring does.

        Args:
            x: (N, C, H, W) float, RGB or grey, degraded, nominally in [0, 1]; not changed in place.
            info: one SampleInfo per image, or None.
        Returns:
            (N, C, H * scale, W * scale), unclamped unless the method defines a clamp.
        """
        raise NotImplementedError

    def roles(self) -> Mapping[str, nn.Module]:
        """Role -> network, for weights: what ``load`` fills and the training returns. Restoring needs ``restorer``."""
        raise NotImplementedError

    def stages(self) -> Iterator[StageFactory]:
        """Factories of the training's stages in order; each gets the artefacts so far, keyed ``stage/role``."""
        raise NotImplementedError

    @classmethod
    def equipped(cls, recipe: Recipe) -> tuple[Recipe, str]:
        """The recipe as this machine can train it, and a sentence on what had to be left out; '' = nothing.

        A method with a loss term that needs a file (VGG-19 for perceptual features) which the user has neither named
        nor in torch's cache returns the recipe with that term's weight at 0, so that the recipe's digest shows it.
        The harness asks before every training; the same machine must give the same answer.
        """
        return recipe, ""

    @classmethod
    def recognise(cls, state: State) -> list[Match]:
        """Readings of a foreign checkpoint's tensors (prefix and wrappers already removed); [] = not this method's.

        The default tries each recipe's ``restorer`` for equal keys and shapes.
        """
        from methods.weights import recognise_by_shape

        return recognise_by_shape(cls, state)


class Senses(Protocol):
    """A method that measures the clean image itself (compressive sensing)."""

    def measure(self, clean: Tensor) -> Tensor:
        """(N, 1, H, W) clean -> the initial estimate in image space that restore() starts from.

        It may be larger at the bottom and on the right (padded to whole blocks); the caller crops what is restored.
        """


class Degrades(Protocol):
    """A method with generators that make degraded images of clean ones (weights of the role ``generator``)."""

    def degrade(self, x: Tensor, info: Sequence[SampleInfo], draw: int = 0) -> Tensor:
        """A sample of what clean images may look like degraded. Call under torch.no_grad() and eval().

        Args:
            x: (N, 3, H, W), clean, in [0, 1]. info: one per image: noise is keyed by (seed, name, draw).
            draw: number of the sample, from 0; equal numbers give equal samples.
        Returns:
            (N, 3, about H / scale, about W / scale), unclamped.
        """
