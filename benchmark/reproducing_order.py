"""What `reproduce` is asked for, and the jobs that this comes to: rows of a protocol with seeds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import datasets
from benchmark.protocols import Entry, Protocol, Tier
from benchmark.reproducing_training import TrainOptions
from datasets.base import Dataset
from datasets.ops.errors import UserError
from datasets.ops.names import unknown
from methods.recipes import recipe
from methods.registry import METHODS


@dataclass(frozen=True)
class Order:
    """What `reproduce` is asked for.

    Attributes:
        protocol, tier: what. methods: only these; () = all of the tier. seeds: of trainings; () = the protocol's.
        train: whether missing weights are trained. data, results: root folders. device: of trainings and cells.
        precision, tf32, deterministic: of trainings; cells run in fp32 without TF32.
    """

    protocol: Protocol
    tier: str
    methods: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    train: bool = True
    data: Path = Path("data")
    results: Path = Path("results")
    device: str = "auto"
    precision: str = "fp32"
    tf32: bool = False
    deterministic: bool = False

    @property
    def rows(self) -> Tier:
        """The tier. Raises UserError where the protocol has none of that name."""
        if self.tier not in self.protocol.tiers:
            raise unknown(f"tier of the protocol {self.protocol.name!r}", self.tier, self.protocol.tiers)
        return self.protocol.tiers[self.tier]

    @property
    def trains(self) -> bool:
        """Whether this order may train at all."""
        return self.train and not self.protocol.weights_of

    def options(self, entry: Entry) -> TrainOptions:
        """How the entry is trained."""
        return TrainOptions(
            entry,
            self.protocol.train,
            self.data,
            self.results,
            self.device,
            self.precision,
            self.tf32,
            self.deterministic,
        )


@dataclass(frozen=True)
class Job:
    """One row with one seed.

    Attributes:
        weights: the file, once there is one. reason: why the job cannot be done, a sentence; '' = it can.
        command: that makes the weights which are missing; '' = none are. failed: whether its training failed.
        recorded: there are no weights, but finished records on every test of the row, so that nothing is left to do.
    """

    entry: Entry
    seed: int
    weights: Path | None = None
    reason: str = ""
    command: str = ""
    failed: bool = False
    recorded: bool = False


def check(order: Order) -> None:
    """Raise UserError for unknown names, and for data that are not prepared (the sentence has the command)."""
    known = {entry.method for entry in order.rows.entries}
    for name in order.methods:
        if name not in known:
            raise unknown(f"method of the protocol {order.protocol.name!r}, tier {order.tier}", name, known)
    for test in order.protocol.tests:
        opened(test, order.data)
    if order.trains:
        opened(order.protocol.train, order.data, training=True)


def opened(place: str, data: Path, training: bool = False) -> Dataset:
    """The dataset that a protocol names as ``spec`` or ``spec:split``; its default split, or that for training."""
    spec, _, split = place.partition(":")
    facts = datasets.facts(datasets.parse_spec(spec)[0])
    return datasets.open_dataset(spec, data, split=split or (facts.train_split if training else None))


def obstacle(entry: Entry) -> str:
    """Why a row cannot be done on this machine, whatever is trained: no such method, recipe or setting."""
    if entry.method not in METHODS.names():
        return f"the method {entry.method!r} is not part of this version"
    try:
        recipe(METHODS.get(entry.method), entry.recipe, {**entry.settings, **entry.restore})
    except UserError as error:
        return str(error)
    return ""


def missing(order: Order, job: Job) -> str:
    """The sentence for weights that are not there, with the command that makes them."""
    protocol = order.protocol.weights_of
    if protocol:
        command = f"python -m benchmark reproduce {protocol} --tier {order.tier} --methods {job.entry.method}"
        return f"no weights; train them with: {command} --seeds {job.seed}"
    return f"no weights; train them with: {job.command}"


def title(job: Job) -> str:
    """A job in a few words."""
    return f"{label(job.entry)}, seed {job.seed}"


def label(entry: Entry) -> str:
    """A row in a few words: method, recipe and what tells it from others."""
    return " ".join(word for word in (entry.method, entry.recipe, f"({entry.label})" if entry.label else "") if word)
