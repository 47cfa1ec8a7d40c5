"""The contract between a method and whoever runs it: Method, Stage, Stream, Recipe and the loop that a stage sees.

A method folder knows no other method's folder, no dataset and no harness. It says what data it needs (streams) and
computes; reading, devices, precision, processes, checkpoints and scoring are the caller's.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor, nn

from datasets.core.errors import UserError
from datasets.streams import Arrays, Preparation, SampleInfo, Stream
from methods.checkpoints import State
from methods.facts import Description, Facts, Recipe
from methods.matching import Artefacts, Match, recognise_by_shape

__all__ = [
    "Arrays", "Artefacts", "Degrades", "Description", "Draws", "Facts", "Loop", "Match", "Method", "Preparation",
    "Recipe", "SampleInfo", "Stage", "StageFactory", "State", "Stream", "cpu_state_dict",
]  # fmt: skip


def cpu_state_dict(network: nn.Module, prefix: str = "") -> State:
    """Copies of a network's tensors on the CPU, keys prefixed: what `Stage.artefacts` hands on."""
    return {f"{prefix}{key}": value.detach().cpu().clone() for key, value in network.state_dict().items()}


class Draws(Protocol):
    """Random numbers for one purpose at one step: the same whatever the number of processes, and after a resume.

    Shapes are local: the first dimension is this rank's share of the batch; the numbers are drawn for the global
    global batch and sliced. They lie on the loop's device, but a single number, of shape (), on the CPU.
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

    def mean(self, value: Tensor, stream: str = "") -> Tensor:
        """A mean over this rank's samples of a stream ('' = the first) -> the mean over the global batch.

        For losses that are no mean themselves. The gradient is made for `update`, which averages over the ranks.
        """

    def generator(self, name: str, stream: str = "") -> Draws:
        """Random draws keyed by (seed, stage, step, name), for the samples of a stream; '' = the stage's first."""


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
        weighs_streams: whether terms of other streams than the first go through ``loop.mean``, so that several ranks
            can share streams whose last batches differ in size.
        losses: names of the loss terms that ``step`` returns, known beforehand (the log's columns).
    """

    name: str = "train"
    steps: int = 0
    rescales: bool = True
    evaluate_every: int = 0
    keeps_best: bool = False
    weighs_streams: bool = False
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
        """What the evaluation scores: a function like Method.restore, on the stage's current networks in eval mode.

        Default: the network called ``restorer``, as it is; override it where Method.restore does more (padding, colour
        order). Raises UserError where no network has that name.
        """
        network = self._restorer_network("restorer").eval()
        return lambda x, info: network(x)

    def artefacts(self) -> Artefacts:
        """What the stage leaves, last or best as it chooses: role -> state dict (CPU), such as {"restorer": ...}.

        Default: the network called ``restorer`` as it is now. Raises UserError where no network has that name.
        """
        return {"restorer": cpu_state_dict(self._restorer_network("artefacts"))}

    def _restorer_network(self, asked_by: str) -> nn.Module:
        if "restorer" not in self.networks:
            raise UserError(
                f"The stage {self.name!r} has no network called 'restorer', but {', '.join(self.networks) or 'none'}: "
                f"give one that name, or override {type(self).__name__}.{asked_by}."
            )
        return self.networks["restorer"]

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


class _PaperFile:
    """The attribute `Method.paper` where a class sets none: read from paper.bib when it is asked for."""

    def __get__(self, instance: object, cls: type[Method]) -> str:
        if cls.described_by:
            return cls.described_by.paper
        path = Path(inspect.getfile(cls)).with_name("paper.bib")
        return path.read_text(encoding="utf-8").strip() if path.is_file() else ""


class Method(nn.Module):
    """A restoration method under one recipe. Subclass, give the class attributes, implement a few small functions.

    Class attributes:
        name: registry name. version: raised when the code changes a pixel. title: for tables.
        paper: BibTeX (default: paper.bib beside the module).
        recipes: path of recipes.toml (default: beside the module), or the same content as a mapping.
        described_by: of a built-in method; name, title, version, paper and facts then come from there.

    The networks that restoring needs are created in __init__ from ``recipe.network`` as sub-modules, the one to store
    as ``self.restorer``. To implement: `restore`, `stages` for one that can be trained, and `describe` or `facts`.
    """

    name: ClassVar[str]
    title: ClassVar[str] = ""
    version: ClassVar[str] = "1"
    paper: ClassVar[str] = _PaperFile()  # type: ignore[assignment]  # reads as text
    described_by: ClassVar[Description | None] = None

    def __init_subclass__(cls, **options: Any) -> None:
        """Take name, title and version from a description that the class itself gives."""
        super().__init_subclass__(**options)
        if description := vars(cls).get("described_by"):
            cls.name, cls.title, cls.version = description.name, description.title, description.version

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self.recipe = recipe

    @cached_property
    def facts(self) -> Facts:
        """Facts under this recipe: what `describe` says."""
        return type(self).describe(self.recipe)

    @classmethod
    def describe(cls, recipe: Recipe) -> Facts:
        """Facts under a recipe, computed from its numbers: no network is built.

        Override this, or the property `facts`: then the default builds the method without weights (on torch's meta
        device) and asks it.
        """
        if cls.facts is not Method.facts:
            return _facts_of_built(cls, recipe)
        if cls.described_by:
            return cls.described_by.describe(recipe)
        raise NotImplementedError(f"{cls.__name__} overrides neither describe() nor facts.")

    def restore(self, x: Tensor, info: Sequence[SampleInfo] | None = None) -> Tensor:
        """Restore a batch. Call under torch.no_grad() and eval(); benchmark.inference.restorer does.

        Args:
            x: (N, C, H, W) float, RGB or grey, degraded, nominally in [0, 1]; not changed in place.
            info: one SampleInfo per image, or None.
        Returns:
            (N, C, H * scale, W * scale), unclamped unless the method defines a clamp.
        """
        raise NotImplementedError

    def measure(self, clean: Tensor) -> Tensor:
        """What a method that senses (``facts.measures``) makes of a clean image, in place of a degraded one.

        Args:
            clean: (N, 1, H, W) in [0, 1].
        Returns:
            the initial estimate in image space that restore() starts from. It may be larger at the bottom and on the
            right (padded to whole blocks); the caller crops what is restored.
        Raises:
            UserError: the method restores degraded images and measures nothing.
        """
        raise UserError(
            f"{self.name} under the recipe {self.recipe.name!r} restores degraded images and measures no clean ones; "
            "take a dataset with degraded images, or a recipe for compressive sensing."
        )

    def roles(self) -> Mapping[str, nn.Module]:
        """Role -> network, of the networks that restoring needs. Default: ``restorer`` is ``self.restorer``."""
        return {"restorer": self.get_submodule("restorer")}

    def role_names(self) -> tuple[str, ...]:
        """Every role that weights may have: those of `roles`, then those that the method makes only when asked for."""
        return tuple(self.roles())

    def network_of(self, role: str) -> nn.Module:
        """The network of a role. One that restoring does not need may be made at the first call."""
        return self.roles()[role]

    def stages(self) -> Iterator[StageFactory]:
        """Factories of the training's stages in order; each gets the artefacts so far, keyed ``stage/role``."""
        raise NotImplementedError

    @classmethod
    def available(cls, recipe: Recipe) -> tuple[Recipe, str]:
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
        return recognise_by_shape(cls, state)

    @classmethod
    def from_file(cls, recipe: Recipe, path: Path, read: Callable[[], State]) -> Method:
        """The method whose network a file itself makes, filled with its tensors. Overriding it says that this is so.

        Its facts are those of the object, known once the file has been read; `recognise` is then not asked.

        Args:
            recipe: with the settings that were given. path: of the file, for messages and for formats of its own.
            read: reads the file's tensors without running anything of it; wrappers and prefixes are removed.
        Raises:
            UserError: the file is of no network that the class can make.
        """
        raise NotImplementedError(f"{cls.__name__} makes its networks by recipes, not by files.")

    @classmethod
    def is_made_by_files(cls) -> bool:
        """Whether the class overrides `from_file`."""
        return cls.from_file.__func__ is not Method.from_file.__func__  # type: ignore[attr-defined]


_BUILT: dict[tuple[type[Method], str, str, str], Facts] = {}


def _facts_of_built(cls: type[Method], recipe: Recipe) -> Facts:
    """Facts of a class that only tells them of an object; each recipe is built once per process."""
    key = cls, recipe.name, recipe.tier, recipe.digest
    if key not in _BUILT:
        with torch.random.fork_rng(devices=[]):
            try:
                with torch.device("meta"):
                    method = cls(recipe)
            except (RuntimeError, NotImplementedError):  # a constructor that needs the values of its tensors
                method = cls(recipe)
        _BUILT[key] = replace(
            method.facts,
            measures=method.facts.measures or cls.measure is not Method.measure,
            needs_weights=method.facts.needs_weights and any(True for _ in method.parameters()),
        )
    return _BUILT[key]


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
