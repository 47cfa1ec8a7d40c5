"""What `reproduce` is asked for, and what it consists of: the rows of a protocol, each with a seed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import datasets
from benchmark.paths import OWN
from benchmark.protocols import Entry, Protocol, Tier
from benchmark.training import TrainingRequest, TrainSettings
from datasets.base import Dataset
from datasets.core.errors import UserError
from datasets.core.registry import unknown
from methods.recipes import recipe
from methods.registry import METHODS


@dataclass(frozen=True)
class ReproduceRequest:
    """What `reproduce` is asked for.

    Attributes:
        protocol, tier: what. methods: only these; () = all of the tier. seeds: of trainings; () = the protocol's.
        train: whether missing weights are trained. data, results: root folders.
        settings: how trainings run (their steps and seeds are the protocol's); cells run on the same device, in fp32
            without TF32.
    """

    protocol: Protocol
    tier: str
    methods: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    train: bool = True
    data: Path = Path("data")
    results: Path = OWN
    settings: TrainSettings = field(default_factory=TrainSettings)

    @property
    def rows(self) -> Tier:
        """The tier. Raises UserError where the protocol has none of that name."""
        if self.tier not in self.protocol.tiers:
            raise unknown(f"tier of the protocol {self.protocol.name!r}", self.tier, self.protocol.tiers)
        return self.protocol.tiers[self.tier]

    @property
    def trains(self) -> bool:
        """Whether anything may be trained at all."""
        return self.train and not self.protocol.weights_of

    @property
    def sources(self) -> tuple[str, ...]:
        """What the rows asked for are trained on, each once; () where nothing is trained."""
        asked = [entry for entry in self.rows.entries if entry.method in (self.methods or (entry.method,))]
        places = [entry.train or self.protocol.train for entry in asked if self.trains]
        return tuple(dict.fromkeys(places))

    def training(self, entry: Entry, seed: int) -> TrainingRequest:
        """The training of a row with a seed, the same as `train` makes of the row's names and settings."""
        # A protocol names recipes and settings and nothing else, so that every row can be made by one command.
        spec, _, split = (entry.train or self.protocol.train).partition(":")
        settings = replace(self.settings, steps=entry.steps, seed=seed)
        return TrainingRequest(
            entry.method,
            entry.recipe,
            entry.settings,
            spec,
            split or None,
            training=settings,
            data=self.data,
            results=self.results,
        )


@dataclass(frozen=True)
class SeededRow:
    """One row of a protocol with one seed: one training at most, and its cells.

    Attributes:
        weights: the file, once there is one. reason: why the row cannot be done, a sentence; '' = it can.
        command: that makes the weights which are missing; '' = none are.
        recorded: there are no weights, but finished records on every test of the row, so that nothing is left to do.
    """

    entry: Entry
    seed: int
    weights: Path | None = None
    reason: str = ""
    command: str = ""
    recorded: bool = False


def check(request: ReproduceRequest) -> None:
    """Raise UserError for unknown names, and for data that are not prepared (the sentence has the command)."""
    check_names(request)
    for test in request.protocol.tests:
        opened(test, request.data)
    for source in request.sources:
        opened(source, request.data, training=True)


def check_names(request: ReproduceRequest) -> None:
    """Raise UserError for unknown names, of the protocol's datasets too; no data are needed."""
    known = {entry.method for entry in request.rows.entries}
    for name in request.methods:
        if name not in known:
            raise unknown(f"method of the protocol {request.protocol.name!r}, tier {request.tier}", name, known)
    for place in (*request.protocol.tests, request.protocol.train, *request.sources):
        datasets.parse_spec(place.partition(":")[0])


def opened(place: str, data: Path, training: bool = False) -> Dataset:
    """The dataset that a protocol names as ``spec`` or ``spec:split``; its default split, or that for training."""
    spec, _, split = place.partition(":")
    facts = datasets.facts(datasets.parse_spec(spec)[0])
    return datasets.open_dataset(spec, data, split=split or (facts.train_split if training else None))


def obstacle(entry: Entry) -> str:
    """Why a row can never be done with this version: no such method, recipe or setting; '' where it can."""
    if entry.method not in METHODS.names():
        return f"the method {entry.method!r} is not part of this version"
    try:
        recipe(METHODS.get(entry.method), entry.recipe, {**entry.settings, **entry.restore})
    except UserError as error:
        return str(error)
    return ""


def missing(request: ReproduceRequest, seeded: SeededRow) -> str:
    """The sentence for weights that are not there, with the command that makes them."""
    protocol = request.protocol.weights_of
    if protocol:
        command = f"python -m benchmark reproduce {protocol} --tier {request.tier} --methods {seeded.entry.method}"
        return f"no weights; train them with: {command} --seeds {seeded.seed}"
    return f"no weights; train them with: {seeded.command}"


def label(entry: Entry) -> str:
    """A row in a few words: method, recipe, and its label where it has one."""
    return " ".join(word for word in (entry.method, entry.recipe, f"({entry.label})" if entry.label else "") if word)
