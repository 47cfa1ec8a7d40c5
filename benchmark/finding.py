"""Which weights a method runs with: named by the user, trained before, or shipped; and what to do without."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.cell import Report
from benchmark.pairing import obstacle
from benchmark.paths import shipped
from benchmark.records import NO_WEIGHTS
from datasets import facts, open_dataset, parse_spec
from datasets.base import Dataset, DatasetFacts
from datasets.ops.errors import UserError
from datasets.options import spelled
from methods.base import Facts, Method, Recipe
from methods.loading import build
from methods.recipes import deviations, recipes
from methods.recipes import recipe as read_recipe
from methods.registry import METHODS
from methods.weights import Card, read_card

if TYPE_CHECKING:
    from benchmark.grid import Selection
    from benchmark.training import TrainingData, TrainSettings

_TIERS = ("paper", "budget", "cpu", "tiny")
# What to train where nothing is said: what a GPU makes in minutes, before what takes a day.
_TRAINED_FIRST = ("budget", "cpu", "paper", "tiny")


@dataclass(frozen=True)
class Candidate:
    """A weights file that could be used: trained by this software, its card beside it."""

    path: Path
    card: Card
    own: bool  # trained here, as opposed to shipped


def explicit(weights: str) -> dict[str, Path]:
    """``"r2r=A,lir=B"`` -> method -> path; one ``PATH`` alone is kept under ''. Raises UserError for a missing file."""
    parts = [part for part in weights.split(",") if part]
    named = dict(_named(part) for part in parts)
    if len(named) < len(parts) or ("" in named and len(named) > 1):
        raise UserError(f"Expected --weights PATH for one method, or r2r=A,lir=B for several; got {weights!r}.")
    for path in named.values():
        if not Path(path).is_file():
            raise UserError(f"A weights file was expected at {path} (--weights), where there is none.")
    return {name: Path(path) for name, path in named.items()}


def _named(part: str) -> tuple[str, str]:
    name, equals, path = part.partition("=")
    return (name, path) if equals and "/" not in name else ("", part)


def candidates(method: str, results: Path, role: str = "restorer") -> Iterator[Candidate]:
    """Weights of a method's role with a card, those under ``results/weights`` first, then the shipped ones."""
    folders = {Path(results) / "weights": True, shipped("weights"): False}
    seen: set[Path] = set()
    for root, own in folders.items():
        for path in sorted((root / method).glob("**/*.safetensors")):
            card = None if path.resolve() in seen else read_card(path)
            seen.add(path.resolve())
            if card and card.method == method and card.role == role:
                yield Candidate(path, card, own)


def find(cls: type[Method], selection: Selection, data: Dataset, seed: int) -> Path | None:
    """The best weights for a method on a dataset, None where none fit.

    They must be of the recipe asked for (any, where none was), of the seed asked for (any, where that is the default,
    0 alone), trained under the settings asked for, fit the dataset's task, channels and scale, and its options as far
    as the training knew them (sigma). Among them: trained on the same dataset first (under the same options before
    others), then those of :func:`_merit`.
    """
    fitting = [c for c in candidates(cls.name, selection.results) if _fits(cls, c.card, selection, data, seed)]
    return min(fitting, key=lambda c: _rank(cls, c, data)).path if fitting else None


def for_pictures(cls: type[Method], recipe: str | None, results: Path, role: str = "restorer") -> Path:
    """The best weights for somebody's own pictures: RGB ones first, then those of :func:`_merit`.

    Raises UserError where none are there."""
    known = recipes(cls)
    every = candidates(cls.name, results, role)
    found = [c for c in every if c.card.recipe in known and recipe in (None, c.card.recipe)]
    if not found:
        what = f"weights of {cls.name}" if role == "restorer" else f"{role} weights of {cls.name}"
        raise UserError(
            f"No {what}{f' ({recipe})' if recipe else ''} are shipped or trained here: name a file with "
            f"--weights, or train some with: python -m benchmark train --methods {cls.name}"
        )

    def rank(candidate: Candidate) -> tuple[Any, ...]:
        grey = 3 not in recipe_facts(cls, known[candidate.card.recipe]).channels
        return grey, *_merit(cls, candidate)

    return min(found, key=rank).path


def _fits(cls: type[Method], card: Card, selection: Selection, data: Dataset, seed: int) -> bool:
    if card.recipe not in recipes(cls) or selection.recipe not in (None, card.recipe):
        return False
    if selection.seeds != (0,) and card.seed != seed:
        return False
    asked = {key: value for key, value in selection.for_method(cls.name).items() if not key.startswith("restore.")}
    wanted = {f"train.{key}": value for key, value in data.options.items()} | asked
    if any(card.recipe_settings.get(key, value) != value for key, value in wanted.items()):
        return False
    return not obstacle(recipe_facts(cls, read_recipe(cls, card.recipe)), data.facts, selection.grey_as_rgb)


def _rank(cls: type[Method], candidate: Candidate, data: Dataset) -> tuple[Any, ...]:
    card, spec = candidate.card, spelled(data.facts, data.options)
    return not trained_on(card, data.facts.name), not trained_under(card, spec), *_merit(cls, candidate, spec)


def _merit(cls: type[Method], candidate: Candidate, spec: str = "") -> tuple[Any, ...]:
    """Smaller is better: trained under no options (a sigma) that the dataset `spec` does not have, with the recipe's
    network before another one (which is not of its tier), by tier (paper, budget, cpu, tiny), one's own, the longest
    trained."""
    card = candidate.card
    read = read_recipe(cls, card.recipe)
    special = _options(card.train_data) not in ("", _options(spec))
    other = any(card.recipe_settings.get(f"network.{key}", value) != value for key, value in read.network.items())
    return special, other, _TIERS.index(read.tier), not candidate.own, -card.steps, str(candidate.path)


def _options(spec: str) -> str:
    """``demo[sigma=50]-train`` -> ``sigma=50``; '' without options."""
    return "".join(re.findall(r"\[(.*?)\]", spec))


def trained_on(card: Card, dataset: str) -> bool:
    """Whether the card names a dataset (``polyu scenes-train``, ``bsd400[sigma=25]``) as its training data."""
    return re.match(rf"{re.escape(dataset)}(\W|$)", card.train_data) is not None


def trained_under(card: Card, spec: str) -> bool:
    """Whether the card names a dataset with just these options (`spec` as `datasets.options.spelled` writes it)."""
    return re.match(rf"{re.escape(spec)}([^\w\[]|$)", card.train_data) is not None


def recipe_facts(cls: type[Method], recipe: Recipe) -> Facts:
    """Facts of a method under a recipe (its networks are made for that, and dropped)."""
    return build(cls, recipe).facts


def needs_weights(cls: type[Method], recipe: Recipe) -> bool:
    """Whether restoring needs weights at all; a classical method has no networks."""
    return any(True for network in build(cls, recipe).roles().values() for _ in network.parameters())


def suggested(cls: type[Method], data: DatasetFacts, grey_as_rgb: bool = False) -> Recipe | None:
    """The recipe to train for a dataset: one that names it before others, in the order budget, cpu, paper, tiny."""
    fitting = [r for r in recipes(cls).values() if not obstacle(recipe_facts(cls, r), data, grey_as_rgb)]
    return min(fitting, key=lambda r: (data.name not in r.data, _TRAINED_FIRST.index(r.tier)), default=None)


def implied(recipe: Recipe, options: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of the training that a dataset's options ask for, by equal names and types, such as ``train.sigma``."""
    return {f"train.{key}": value for key, value in options.items() if type(recipe.train.get(key)) is type(value)}


def training_data(recipe: Recipe, data: Dataset) -> str:
    """What to train on for a dataset: itself, with its options, where it has a training split, else the recipe's
    first choice."""
    itself = data.facts.train_split or not recipe.data
    return spelled(data.facts, data.options) if itself else recipe.data[0]


def missing(recipe: Recipe, selection: Selection, data: Dataset, seed: int) -> str:
    """The sentence for weights that are not there: the exact command that makes them, and how long it takes."""
    words = ["python", "-m", "benchmark", "train", "--methods", recipe.method, "--recipe", recipe.name]
    words += ["--dataset", training_data(recipe, data)]
    for key, (_, value) in deviations(METHODS.get(recipe.method), recipe).items():
        words += ["--set", f"{key}={json.dumps(value)}"]
    words += ["--data", str(selection.data), "--results", str(selection.results)]
    words += ["--seeds", str(seed)] if seed else []
    about = _time(minutes_of(recipe, selection, data, seed))
    return f"{NO_WEIGHTS} {recipe.method} for {data.facts.name} were found. Train them with: {shlex.join(words)}{about}"


def _time(minutes: float | None) -> str:
    return "." if minutes is None else f" (about {max(minutes, 1):.0f} minutes here)."


def minutes_of(recipe: Recipe, selection: Selection, data: Dataset, seed: int) -> float | None:
    """Estimated minutes of a training on the selection's device; None where its data are not prepared."""
    from benchmark.training import estimate

    try:
        return estimate(*_training(recipe, selection, data, seed), selection.results).minutes
    except UserError:
        return None


def train(recipe: Recipe, selection: Selection, data: Dataset, seed: int, report: Report = None) -> Path:
    """Train (``--train always``), or take the weights of the same training where it is finished. Returns their path."""
    from benchmark.training import train

    return train(*_training(recipe, selection, data, seed), selection.results, report)["restorer"]


def _training(
    recipe: Recipe, selection: Selection, data: Dataset, seed: int
) -> tuple[Method, TrainingData, TrainSettings]:
    from benchmark.training import TrainingData, TrainSettings

    name = training_data(recipe, data)
    split = facts(parse_spec(name)[0]).train_split
    if split is None:
        raise UserError(f"The dataset {name!r} has no split for training; train by `benchmark train` on another one.")
    settings = TrainSettings(
        steps=selection.steps,
        minutes=selection.minutes,
        seed=seed,
        device=selection.device,
        precision=selection.precision,
        tf32=selection.tf32,
        deterministic=selection.deterministic,
    )
    dataset = open_dataset(name, selection.data, split=split)
    return build(METHODS.get(recipe.method), recipe), TrainingData(dataset), settings
