"""One training, given by names and values: how to run it, what it costs, and which weights are its own.

`train`, `run --train always` and `reproduce` all make a TrainingRequest; nothing else builds a training.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import datasets
import methods
from benchmark.paths import OWN
from benchmark.progress import Report
from benchmark.training.data import TrainingData
from benchmark.training.estimate import Estimate, Pace, estimate, pace
from benchmark.training.settings import TrainSettings
from benchmark.training.trainer import train
from datasets.base import DatasetFacts
from datasets.core.errors import UserError
from datasets.core.files import canonical
from datasets.options import ref_of, spelled
from datasets.sources import MADE_FROM
from methods.base import Method, Recipe
from methods.loading import build
from methods.recipes import deviations, own_steps
from methods.recipes import recipe as read_recipe
from methods.weights import Card

# Timing a training takes seconds, and a plan asks for each seed and dataset: once per process is enough.
_ESTIMATES: dict[str, Estimate] = {}


@dataclass(frozen=True)
class TrainingRequest:
    """A training of one method with one seed, in plain values; nothing is opened or built before it is needed.

    Attributes:
        method, recipe: names; recipe None = the method's first. settings: dotted overrides of the recipe.
        dataset, split: what to train on: a spec such as ``bsd400[sigma=50]``, None = the recipe's first choice; None =
            the split that is meant for training.
        validation: ``spec`` or ``spec:split``, scored along the way; '' = nothing.
        training: seed, budget, device and arithmetic. data, results: root folders.
    """

    method: str
    recipe: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    dataset: str | None = None
    split: str | None = None
    validation: str = ""
    training: TrainSettings = field(default_factory=TrainSettings)
    data: Path = Path("data")
    results: Path = OWN

    @classmethod
    def for_dataset(
        cls,
        recipe: Recipe,
        facts: DatasetFacts,
        options: Mapping[str, Any],
        training: TrainSettings,
        data: Path = Path("data"),
        results: Path = OWN,
    ) -> TrainingRequest:
        """The training under a recipe, its settings included, that is meant for restoring a dataset.

        On the dataset itself, with its options, where it has a split for training; else on the recipe's first choice.
        """
        itself = facts.train_split or not recipe.data
        spec = spelled(facts, options) if itself else recipe.data[0]
        settings = {key: value for key, (_, value) in deviations(recipe).items()}
        return cls(recipe.method, recipe.name, settings, spec, training=training, data=data, results=results)

    @property
    def chosen(self) -> Recipe:
        """The recipe, with the settings. Raises UserError for unknown names (the nearest is suggested)."""
        return read_recipe(methods.get(self.method), self.recipe, self.settings)

    @property
    def source(self) -> tuple[str, str]:
        """Spec and split of the training data. Raises UserError where neither request nor recipe names them."""
        spec = self.dataset or next(iter(self.chosen.data), None)
        if spec is None:
            raise UserError(f"The recipe {self.chosen.name!r} of {self.method} names no dataset: give --dataset NAME.")
        name = datasets.parse_spec(spec)[0]
        split = self.split or datasets.facts(name).train_split
        if split is None:
            raise UserError(f"The dataset {name!r} has no split for training; give --split, or another --dataset.")
        return spec, split

    def check(self) -> None:
        """Raise UserError for unknown names and settings, before anything is opened, prepared or built."""
        for found in (self.chosen, self.source):  # each raises
            assert found
        if self.validation:
            datasets.parse_spec(self.validation.partition(":")[0])

    def build(self) -> Method:
        """The method with initial weights. Raises UserError as `chosen` does."""
        return build(methods.get(self.method), self.chosen)

    def open(self) -> TrainingData:
        """The data. Raises UserError where they are not prepared (the sentence has the command)."""
        spec, split = self.source
        validation = None
        if self.validation:
            place, _, part = self.validation.partition(":")
            validation = datasets.open_dataset(place, self.data, split=part or None)
        return TrainingData(datasets.open_dataset(spec, self.data, split=split), validation=validation)

    def run(self, report: Report = None) -> dict[str, Path]:
        """Train, go on, or recognise what is finished: role -> weights file. Raises as `trainer.train`."""
        return train(self.build(), self.open(), self.training, self.results, report)

    def command(self) -> str:
        """The command line that runs it; options that have their default are left out."""
        how = self.training
        given: list[tuple[str, Any]] = [("methods", self.method), ("recipe", self.recipe), ("dataset", self.dataset)]
        given += [("split", self.split), ("validate", self.validation)]
        given += [("set", f"{key}={json.dumps(value)}") for key, value in self.settings.items()]
        given += [("steps", how.steps), ("minutes", how.minutes), ("seeds", how.seed)]
        given += [("data", self.data), ("results", self.results)]  # always: the first has its default from outside
        given += [("device", how.device if how.device != "auto" else None)]
        given += [("precision", how.precision if how.precision != "fp32" else None)]
        given += [("channels-last", how.channels_last if how.channels_last != "auto" else None)]
        words = ["python", "-m", "benchmark", "train"]
        words += [word for key, value in given if value for word in (f"--{key}", str(value))]
        flags = [f.name for f in fields(how) if f.default is False and getattr(how, f.name)]
        words += [f"--{name}" for name in flags]
        return shlex.join(words)

    def estimate(self) -> Estimate:
        """How long it takes here, timed once per method, recipe, data and device. Raises UserError as `open`."""
        how, recipe = self.training, self.chosen
        budget = (how.steps, how.minutes, how.device, how.arithmetic, how.channels_last, how.deterministic)
        key = canonical([self.method, recipe.digest, *self.source, *budget, str(self.data), str(self.results)])
        if key not in _ESTIMATES:
            data = self.open()  # first: data that are not prepared end it before a network is built
            _ESTIMATES[key] = estimate(self.build(), data, how, self.results)
        return _ESTIMATES[key]

    def pace(self) -> Pace | None:
        """How fast it goes on this machine, where it has begun; None where its log does not tell. Raises as `open`."""
        return pace(self.build(), self.open(), self.training, self.results)

    def made(self, card: Card) -> bool:
        """Whether weights with this card are those of this training: recipe and settings, code, data, steps, seed.

        Precision and device do not matter, nor the steps of a budget in minutes. Where the training data are not
        prepared here, or are made by rule (another processor rounds a few of their pixels differently), their name and
        options decide.
        """
        if (card.method, card.seed) != (self.method, self.training.seed):
            return False  # the cheap question first: a plan asks of every file that is there
        recipe, cls, steps = self.chosen, methods.get(self.method), self.training.steps
        return (
            card.recipe == recipe.name
            and card.code_version == cls.version
            # A card shows what was trained, which may lack a loss term whose file is not on this machine.
            and card.recipe_digest in (recipe.digest, cls.available(recipe)[0].digest)
            and card.selected_by in ("", self._judge())
            and (card.steps == steps if steps else bool(self.training.minutes) or card.steps >= own_steps(recipe))
            and self._on_its_data(card)
        )

    def _judge(self) -> str:
        """The validation data as a card names them that chose its weights."""
        spec, _, split = self.validation.partition(":")
        if not spec:
            return ""
        facts = datasets.facts(datasets.parse_spec(spec)[0])
        return f"{facts.name} {split or facts.default_split}"

    def _on_its_data(self, card: Card) -> bool:
        try:
            data = self.open()
        except UserError:  # not prepared
            spec, split = self.source
            return [(ref.name, ref.split) for ref in card.train_data] == [(datasets.parse_spec(spec)[0], split)]
        if card.train_fingerprint == data.fingerprint(self.build()):
            return True
        ref = ref_of(data.dataset)
        by_rule = data.dataset.facts.embedded or ref.name in MADE_FROM
        return by_rule and list(card.train_data) == [ref]

    def step_pixels(self) -> int:
        """Pixels of the patches of one step of the first stage, in its largest stream: batch x crop x crop."""
        stage = next(iter(self.build().stages()))({})
        return max(stream.batch * stream.crop**2 for stream in stage.streams.values())
