"""Names and options -> cells, lazily."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import datasets
import methods
from benchmark import finding
from benchmark.cell import REFERENCES, Cell, Report
from benchmark.pairing import obstacle
from benchmark.references import reference, references_for
from benchmark.restoring import PRECISIONS
from datasets.ops.errors import UserError
from datasets.ops.names import unknown
from methods.loading import load_from
from methods.recipes import TABLES, override, recipes

if TYPE_CHECKING:
    from datasets.base import Dataset
    from methods.base import Method, Recipe

TRAIN = ("auto", "never", "always")


@dataclass(frozen=True)
class Selection:
    """What a person asks to run. Names are checked before anything runs.

    Attributes:
        methods: names, or ("all",). datasets: specs such as ``bsd68[sigma=25]``. split: None = each set's default.
        recipe: None = from the weights' card, or recognised, or the one that suits the dataset.
        weights: '' (find them), ``PATH`` (one method only), or ``r2r=A,lir=B``.
        seeds: of trainings: a row for each. noise_seed: of synthetic degradation and of draws.
        train: auto (find weights, else say how to make them), never (the same), always (train first).
        steps, minutes: for `always`. dry_run: plan only, so that `always` trains nothing.
        settings: dotted overrides; ``dataset.sigma`` is an option of the datasets, ``r2r.restore.draws`` is for one
            method, ``restore.draws`` for every method.
        references: whether the rows input, blur, nlm are added.
        device, deterministic: of trainings; cells take theirs from the Context.
    """

    methods: tuple[str, ...]
    datasets: tuple[str, ...]
    split: str | None = None
    recipe: str | None = None
    weights: str = ""
    seeds: tuple[int, ...] = (0,)
    noise_seed: int = 0
    train: str = "auto"
    steps: int | None = None
    minutes: float | None = None
    dry_run: bool = False
    limit: int | None = None
    ensemble: bool = False
    tile: int = 0
    precision: str = "fp32"
    tf32: bool = False
    grey_as_rgb: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)
    references: bool = True
    data: Path = Path("data")
    results: Path = Path("results")
    device: str = "auto"
    deterministic: bool = False

    @property
    def method_names(self) -> tuple[str, ...]:
        """The methods, ``all`` spelled out, reference rows left out: those are there anyway."""
        named = tuple(methods.names()) if "all" in self.methods else self.methods
        return tuple(dict.fromkeys(name for name in named if name not in REFERENCES))

    def for_method(self, name: str) -> dict[str, Any]:
        """Recipe settings that concern a method."""
        general = {key: value for key, value in self.settings.items() if key.split(".")[0] in TABLES}
        own = {key[len(name) + 1 :]: value for key, value in self.settings.items() if key.startswith(f"{name}.")}
        return {**general, **own}

    def for_datasets(self) -> dict[str, Any]:
        """Dataset options given as settings."""
        return {key[len("dataset.") :]: value for key, value in self.settings.items() if key.startswith("dataset.")}


def check(selection: Selection) -> None:
    """Raise UserError for whatever is wrong with a selection and can be known without opening an image."""
    for name in selection.method_names:
        methods.get(name)
    for spec in selection.datasets:
        name, _ = datasets.parse_spec(spec)
        splits = datasets.facts(name).splits
        if selection.split is not None and selection.split not in splits:
            raise unknown(f"split of dataset {name!r}", selection.split, splits)
    for kind, value, known in (("--train", selection.train, TRAIN), ("--precision", selection.precision, PRECISIONS)):
        if value not in known:
            raise unknown(f"value of {kind}", value, known)
    if selection.tile < 0 or (selection.limit is not None and selection.limit < 1) or not selection.seeds:
        raise UserError("--tile and --limit take positive numbers of pixels and images, and --seeds at least one seed.")
    _check_recipe(selection)
    _check_settings(selection)
    _check_weights(selection)


def _check_recipe(selection: Selection) -> None:
    known = {recipe for name in selection.method_names for recipe in recipes(methods.get(name))}
    if selection.recipe is not None and selection.recipe not in known:
        raise unknown("recipe", selection.recipe, known)


def _check_settings(selection: Selection) -> None:
    heads = ("dataset", *TABLES, *methods.names())
    for key in selection.settings:
        if key.split(".")[0] not in heads:
            raise unknown("setting", key, [f"{head}." for head in heads])


def _check_weights(selection: Selection) -> None:
    named = finding.explicit(selection.weights)
    if "" in named and len(selection.method_names) != 1:
        raise UserError("One --weights PATH is for one method; for several, name them: --weights r2r=A,lir=B.")
    for name in named:
        if name and name not in selection.method_names:
            raise unknown("method in --weights", name, selection.method_names)
    if named and selection.train == "always":
        raise UserError("--train always makes weights and --weights names them; give one of the two.")


def cells(selection: Selection, report: Report = None) -> Iterator[Cell]:
    """Cells of a selection, lazily, dataset by dataset, reference rows first.

    Args:
        report: progress of the trainings of ``--train always``.
    Raises:
        UserError: unknown names, before the first cell; a dataset that is not prepared or weights that do not fit,
            when its turn comes.
    """
    check(selection)
    return _cells(selection, report)


def _cells(selection: Selection, report: Report) -> Iterator[Cell]:
    for spec in selection.datasets:
        data = datasets.open_dataset(
            spec,
            selection.data,
            split=selection.split,
            options=selection.for_datasets(),
            noise_seed=selection.noise_seed,
            limit=selection.limit,
        )
        base = _base(selection, data)
        for name in references_for(data.facts) if selection.references else ():
            yield replace(base, method=name, method_version=reference(name).version)
        for name in selection.method_names:
            yield from _of_method(selection, data, base, name, report)


def _base(selection: Selection, data: Dataset) -> Cell:
    """What all cells of a dataset share; a reference row is that and its name."""
    return Cell(
        method="",
        recipe="",
        recipe_digest="",
        dataset=data.facts.name,
        split=data.split,
        fingerprint=data.fingerprint,
        options=tuple(sorted(data.options.items())),
        noise_seed=selection.noise_seed,
        limit=selection.limit,
    )


def _of_method(selection: Selection, data: Dataset, base: Cell, name: str, report: Report) -> Iterator[Cell]:
    cls = methods.get(name)
    manner = replace(
        base,
        method=name,
        method_version=cls.version,
        settings=tuple(sorted(selection.for_method(name).items())),
        ensemble=selection.ensemble,
        tile=selection.tile,
        precision=selection.precision,
        tf32=selection.tf32,
        grey_as_rgb=selection.grey_as_rgb and data.facts.channels == 1,
    )
    given = finding.explicit(selection.weights)
    path = given.get(name) or given.get("")
    if path:
        yield _loaded(selection, data, manner, path)
        return
    recipe, why = _recipe_for(cls, selection, data)
    if recipe is None:
        yield replace(manner, skip=why)
        return
    for seed in selection.seeds if finding.needs_weights(cls, recipe) else selection.seeds[:1]:
        yield _found(selection, data, replace(manner, seed=seed), cls, recipe, report)


def _recipe_for(cls: type[Method], selection: Selection, data: Dataset) -> tuple[Recipe | None, str]:
    """The recipe asked for, or the one that suits; or why there is none."""
    if selection.recipe is None:
        suits = finding.suggested(cls, data.facts, selection.grey_as_rgb)
        if suits:
            return _settled(cls, suits, selection, data), ""
        first = next(iter(recipes(cls).values()))
        return None, obstacle(finding.recipe_facts(cls, first), data.facts, selection.grey_as_rgb)
    if selection.recipe not in recipes(cls):
        return None, f"{cls.name} has no recipe {selection.recipe!r}"
    chosen = _settled(cls, recipes(cls)[selection.recipe], selection, data)
    why = obstacle(finding.recipe_facts(cls, chosen), data.facts, selection.grey_as_rgb)
    return (None, why) if why else (chosen, "")


def _settled(cls: type[Method], recipe: Recipe, selection: Selection, data: Dataset) -> Recipe:
    """The recipe for what the dataset's options say (sigma), and with the settings given, which win."""
    return override(recipe, {**finding.implied(recipe, data.options), **selection.for_method(cls.name)})


def _found(selection: Selection, data: Dataset, cell: Cell, cls: type[Method], recipe: Recipe, report: Report) -> Cell:
    """The cell with the weights found or trained for it, or with the command that makes them."""
    if not finding.needs_weights(cls, recipe):
        return replace(cell, recipe=recipe.name, recipe_digest=recipe.digest)
    path = None
    if selection.train != "always":
        path = finding.find(cls, selection, data, cell.seed)
    elif not selection.dry_run:
        path = finding.train(recipe, selection, data, cell.seed, report)
    if path:
        return _loaded(selection, data, cell, path)
    why = finding.missing(recipe, selection, data, cell.seed)
    return replace(cell, recipe=recipe.name, recipe_digest=recipe.digest, missing=why)


def _loaded(selection: Selection, data: Dataset, cell: Cell, path: Path) -> Cell:
    found = load_from(cell.method, selection.recipe, path, dict(cell.settings))
    assert found.weights is not None  # a path was given
    recipe, card = found.method.recipe, found.weights.card
    return replace(
        cell,
        recipe=recipe.name,
        recipe_digest=recipe.digest,
        weights=str(path),
        weights_sha256=found.weights.sha256,
        seed=card.seed if card else cell.seed,
        note=found.note,
        skip=obstacle(found.method.facts, data.facts, selection.grey_as_rgb),
    )
