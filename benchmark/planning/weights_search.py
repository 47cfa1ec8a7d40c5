"""Which weights a method runs with where none are named: trained before, or shipped."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import datasets
import methods
from benchmark.compatibility import obstacle
from benchmark.paths import shipped
from benchmark.records.training_source import has_other_options, same_options, trained_on
from benchmark.training.identity import trained_here
from datasets.base import Dataset
from datasets.core.dataset_ref import DatasetRef
from datasets.core.errors import UserError
from datasets.core.sealed import DamagedWarning
from datasets.options import ref_of
from methods.recipes import TIERS, recipes
from methods.recipes import recipe as read_recipe
from methods.weights import Card, checked_card, read_card


@dataclass(frozen=True)
class Candidate:
    """A weights file that could be used, with its card; `own`: trained here, as opposed to shipped."""

    path: Path
    card: Card
    own: bool


@dataclass(frozen=True)
class Wanted:
    """What weights have to be.

    Attributes:
        method, recipe, seed: None = any. settings: of the training, as dotted names.
        role: of the network. grey_as_rgb: whether a method for colour may do grey images.
    """

    method: str
    recipe: str | None = None
    seed: int | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    role: str = "restorer"
    grey_as_rgb: bool = False


def candidates(method: str, results: Path, role: str = "restorer") -> Iterator[Candidate]:
    """Weights of a method's role with a card, those under ``results/weights`` first, then the shipped ones.

    In a checkout these are one folder: there its own weights are those that a training under `results` has finished.
    A card that cannot be read is passed over with a warning.
    """
    ours, theirs = Path(results) / "weights", shipped("weights")
    trained = trained_here(Path(results)) if ours.resolve() == theirs.resolve() else None
    seen: set[Path] = set()
    for root in (ours, theirs):
        for path in sorted((root / method).glob("**/*.safetensors")):
            if path.resolve() in seen:
                continue
            seen.add(path.resolve())
            try:
                card = read_card(path)
            except UserError as error:
                warnings.warn(f"{error} It is passed over.", DamagedWarning, stacklevel=2)
                continue
            if card and card.method == method and card.role == role:
                own = root is ours if trained is None else card.sha256 in trained
                yield Candidate(path, card, own)


def unchanged(found: Iterable[Candidate]) -> Iterator[Candidate]:
    """Those whose file is as it was when its card was written; others are passed over with a warning."""
    for candidate in found:
        try:
            checked_card(candidate.path)
        except UserError as error:
            warnings.warn(f"{error} It is passed over.", DamagedWarning, stacklevel=2)
        else:
            yield candidate


def find(wanted: Wanted, data: Dataset, results: Path) -> Path | None:
    """The best weights for a dataset, None where none fit.

    They must be what is wanted, fit the dataset's task, channels and scale, and its options as far as the training knew
    them (sigma). Among them: trained on the same dataset first (under the same options before others), then on one
    that stands for its degradation (`phone` for real noise), then those of :func:`_merit`.
    """
    ref = ref_of(data)

    def rank(candidate: Candidate) -> tuple[Any, ...]:
        made = candidate.card.train_data
        same = not trained_on(made, ref.name), not same_options(made, ref)
        return *same, not _stands_for(made, data.degradation), *_merit(candidate, ref)

    fitting = [c for c in candidates(wanted.method, results, wanted.role) if _fits(c.card, wanted, data)]
    best = next(unchanged(sorted(fitting, key=rank)), None)
    return best.path if best else None


def for_pictures(wanted: Wanted, results: Path) -> Path:
    """The best weights for a person's own pictures: RGB ones first, then those for real noise, then by :func:`_merit`.

    Raises UserError where none are there.
    """
    known = recipes(wanted.method)
    every = candidates(wanted.method, results, wanted.role)
    fitting = [c for c in every if c.card.recipe in known and wanted.recipe in (None, c.card.recipe)]

    def rank(candidate: Candidate) -> tuple[Any, ...]:
        colour = 3 in methods.describe(wanted.method, known[candidate.card.recipe]).channels
        return not colour, not _stands_for(candidate.card.train_data, "real"), *_merit(candidate)

    best = next(unchanged(sorted(fitting, key=rank)), None)
    if best is None:
        what = (
            f"weights of {wanted.method}" if wanted.role == "restorer" else f"{wanted.role} weights of {wanted.method}"
        )
        raise UserError(
            f"No {what}{f' ({wanted.recipe})' if wanted.recipe else ''} are shipped or trained here: name a file with "
            f"--weights, or train some with: python -m benchmark train --methods {wanted.method}"
        )
    return best.path


def _stands_for(made: Iterable[DatasetRef], degradation: str) -> bool:
    """Whether any of the training data was made to train for such images."""
    known = datasets.names()
    return any(ref.name in known and datasets.facts(ref.name).stands_for == degradation for ref in made)


def _fits(card: Card, wanted: Wanted, data: Dataset) -> bool:
    if card.recipe not in recipes(card.method) or wanted.recipe not in (None, card.recipe):
        return False
    if wanted.seed not in (None, card.seed):
        return False
    # What only matters when restoring can be changed on any weights.
    asked = {key: value for key, value in wanted.settings.items() if not key.startswith("restore.")}
    needed = {f"train.{key}": value for key, value in data.options.items()} | asked
    if any(card.recipe_settings.get(key, value) != value for key, value in needed.items()):
        return False
    facts = methods.describe(card.method, read_recipe(card.method, card.recipe))
    return not obstacle(facts, data.facts, wanted.grey_as_rgb)


def _merit(candidate: Candidate, tested: DatasetRef | None = None) -> tuple[Any, ...]:
    """A sort key of weights; the smallest is the best.

    In this order: no training options (a sigma) that the dataset does not have; the recipe's own network, since another
    one is not of its tier; trained here, for whoever trained them means to use them; the tier (paper, budget, cpu,
    tiny); trained for longer.
    """
    card = candidate.card
    read = read_recipe(card.method, card.recipe)
    special = has_other_options(card.train_data, tested)
    other = any(card.recipe_settings.get(f"network.{key}", value) != value for key, value in read.network.items())
    return special, other, not candidate.own, TIERS.index(read.tier), -card.steps, str(candidate.path)
