"""From a request to a plan, in one pass: dataset -> recipe -> weights, or a training that makes them -> cell.

Facts of recipes and cards of weights are read and no image is opened. A network is built only where a file or a
person's code makes it, since nothing else knows its facts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import datasets
import methods
from benchmark.compatibility import obstacle
from benchmark.inference.baselines import baseline, baselines_for
from benchmark.inference.settings import InferenceSettings
from benchmark.planning import remote_weights
from benchmark.planning.plan import Plan, PlannedCell
from benchmark.planning.published_weights import PUBLISHED, fetch, published_for, remark
from benchmark.planning.recipe_choice import choose
from benchmark.planning.request import RunRequest
from benchmark.planning.weights_search import Wanted, find
from benchmark.records.cell import NO_WEIGHTS, UNSUITABLE, Cell, Origin, Reason
from benchmark.training.request import TrainingRequest
from datasets.base import Dataset
from datasets.core.errors import UserError
from datasets.options import ref_of
from methods.base import Method
from methods.code import code_digest
from methods.facts import Facts, Recipe
from methods.loading import identify
from methods.outside.source import Source, as_settings
from methods.recipes import Of
from methods.recipes import recipe as read_recipe


def plan(request: RunRequest) -> Plan:
    """The jobs of a request, dataset by dataset, baselines first.

    Raises:
        UserError: unknown names, before anything is opened; a dataset that is not prepared, weights that do not fit.
    """
    request.check()
    return [job for spec in request.datasets for job in _on_dataset(request, spec)]


def _on_dataset(request: RunRequest, spec: str) -> Iterator[PlannedCell]:
    data = datasets.open_dataset(
        spec,
        request.data,
        split=request.split,
        options=request.dataset_options,
        noise_seed=request.inference.noise_seed,
        limit=request.limit,
    )
    base = Cell(
        method="",
        data=ref_of(data),
        fingerprint=data.fingerprint,
        task=data.facts.task,
        degradation=data.degradation,
        limit=request.limit,
        inference=InferenceSettings(noise_seed=request.inference.noise_seed),
    )
    for name in baselines_for(data.facts) if request.baselines else ():
        bar = type(baseline(name))
        yield PlannedCell(replace(base, method=name, method_version=bar.version, code=code_digest(bar)))
    for name in request.method_names:
        yield from _of_method(request, data, base, name)


def _of_method(request: RunRequest, data: Dataset, base: Cell, name: str) -> Iterator[PlannedCell]:
    if source := request.sources.get(name):
        cell = replace(base, settings=request.settings_for(name), inference=request.inference.on(data.facts.channels))
        yield PlannedCell(from_source(cell, source, data, request.named_weights.get(name)))
        return
    cls = methods.get(name)
    cell = replace(
        base,
        method=name,
        method_version=cls.version,
        code=code_digest(cls),
        settings=request.settings_for(name),
        inference=request.inference.on(data.facts.channels),
    )
    if path := request.named_weights.get(name):
        yield PlannedCell(with_weights(cell, path, data, request.recipe))
        return
    if request.weights == PUBLISHED and (authors := published_for(name, data.facts, request.inference.grey_as_rgb)):
        recipe_name, place = authors
        ready = with_weights(cell, fetch(place, request.results), data, recipe_name)
        yield PlannedCell(replace(ready, note="; ".join(filter(None, [remark(place), ready.note]))))
        return
    if training := request.trainings.get(name):
        chosen = training.chosen
        waiting = replace(cell, recipe=chosen.name, recipe_digest=chosen.digest, seed=training.training.seed)
        yield PlannedCell(waiting, training, partial(with_weights, cell, data=data))
        return
    recipe, why = choose(name, request, data)
    if recipe is None:
        yield PlannedCell(replace(cell, blocked=Reason(UNSUITABLE, why)))
        return
    if not methods.describe(name, recipe).needs_weights:
        yield PlannedCell(replace(cell, recipe=recipe.name, recipe_digest=recipe.digest))
        return
    for seed in request.seeds or (0,):
        yield _job(request, data, replace(cell, seed=seed), recipe)


def _job(request: RunRequest, data: Dataset, cell: Cell, recipe: Recipe) -> PlannedCell:
    """The cell with the weights found, or with the training that makes them, or blocked with its command."""
    training = TrainingRequest.for_dataset(
        recipe,
        data.facts,
        data.options,
        replace(request.training, seed=cell.seed),
        request.data,
        request.results,
    )
    waiting = replace(cell, recipe=recipe.name, recipe_digest=recipe.digest)
    if request.train == "always":
        return PlannedCell(waiting, training, partial(with_weights, cell, data=data, recipe=request.recipe))
    wanted = Wanted(
        cell.method,
        request.recipe,
        cell.seed if request.seeds is not None else None,
        cell.settings,
        grey_as_rgb=request.inference.grey_as_rgb,
    )
    if path := find(wanted, data, request.results):
        return PlannedCell(with_weights(cell, path, data, request.recipe))
    # A failed record with the command; the table drops it once the method has run on these data.
    return PlannedCell(replace(waiting, blocked=Reason(NO_WEIGHTS, _missing(training, data, request.timed))))


def from_source(cell: Cell, source: Source, data: Dataset, weights: Path | None = None) -> Cell:
    """The cell run with a method that has no name here; `weights` are for code of a person's own.

    Raises UserError for a file that makes no network, or code that cannot be run.
    """
    cls = source.method()
    named = replace(
        cell,
        method=source.name,
        origin=Origin(source.text),
        method_version=cls.version,
        code=source.code(),
        settings=as_settings(cell.settings),
    )
    if file := source.file or weights:
        return with_weights(named, file, data, of=cls)
    recipe = read_recipe(cls, None, named.settings)
    facts = methods.describe(cls, recipe)
    why = obstacle(facts, data.facts, named.inference.grey_as_rgb)
    blocked = Reason(UNSUITABLE, why) if why else None
    return replace(
        named, recipe=recipe.name, recipe_digest=recipe.digest, origin=_told(named.origin, facts), blocked=blocked
    )


def _told(origin: Origin | None, facts: Facts) -> Origin | None:
    return origin and replace(origin, architecture=facts.architecture, licence=facts.licence)


def with_weights(
    cell: Cell, path: Path, data: Dataset, recipe: str | None = None, of: type[Method] | None = None
) -> Cell:
    """The cell run with a weights file; its recipe and seed are what the file's card says, or what it is known by.

    Of several recipes of a foreign file's architecture that which suits the dataset is taken.

    Args:
        of: the method's class, where its name alone does not tell it.
    Raises:
        UserError: a file that is damaged, of another method, or of no recipe.
    """

    method: Of = of or cell.method

    def obstacle_of(facts: Facts) -> str:
        return obstacle(facts, data.facts, cell.inference.grey_as_rgb)

    def suits(candidate: Recipe) -> bool:
        return not obstacle_of(methods.describe(method, candidate))

    identified = identify(method, recipe, path, cell.settings, suits)
    facts = identified.facts or methods.describe(method, identified.recipe)
    why = obstacle_of(facts)
    return replace(
        cell,
        recipe=identified.recipe.name,
        recipe_digest=identified.recipe.digest,
        weights=str(path),
        weights_sha256=identified.sha256,
        seed=identified.card.seed if identified.card else cell.seed,
        note="; ".join(filter(None, [identified.note, remote_weights.remark(path, identified.sha256)])),
        origin=_told(cell.origin, facts),
        blocked=Reason(UNSUITABLE, why) if why else None,
    )


def _missing(training: TrainingRequest, data: Dataset, timed: bool) -> str:
    """The sentence for weights that are not there: the exact command that makes them, and how long it takes."""
    minutes = "."
    if timed:
        with suppress(UserError):  # the training data are not prepared
            number = max(round(training.estimate().minutes), 1)
            minutes = f" (about {number} minute{'s' if number > 1 else ''} here)."
    what = f"{training.method} for {data.facts.name}"
    return f"No weights of {what} were found. Train them with: {training.command()}{minutes}"
