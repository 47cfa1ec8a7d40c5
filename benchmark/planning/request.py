"""What a person asks to run: names and options, checked before anything is opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import datasets
import methods
from benchmark.inference.settings import InferenceSettings
from benchmark.paths import OWN
from benchmark.planning.named_values import HELP, named_paths
from benchmark.planning.published_weights import PUBLISHED
from benchmark.planning.sources import check, split
from benchmark.records.cell import BASELINES
from benchmark.training.request import TrainingRequest
from benchmark.training.settings import TrainSettings
from datasets.core.errors import UserError
from datasets.core.registry import unknown
from datasets.options import typed
from methods.outside.source import Source
from methods.recipes import TABLES, override, recipes

TRAIN = ("auto", "never", "always")


@dataclass(frozen=True)
class RunRequest:
    """What a person asks to run.

    Attributes:
        methods: names, ("all",), or files under names of their own: ``nafnet=NAFNet.pth``.
        datasets: specs such as ``bsd68[sigma=25]``. split: None = each set's default.
        recipe: None = from the weights' card, or recognised, or the one that suits the dataset.
        weights: '' (find them), ``PATH`` (one method only), ``r2r=A,lir=B`` (see `named_values`), or ``published``: the
            authors' own, where they published files that suit a dataset.
        trainings: method -> the training whose weights it runs with, in place of a search (protocols).
        seeds: of trainings, a row for each; None = not given: 0, or the seed of the best weights.
        train: auto (find weights, else say how to make them), never (the same), always (train first).
        inference: how methods are applied. training: how they are trained, for `always` (its seed is not looked at).
        limit: only the first so many images of each set.
        settings: dotted overrides; ``dataset.sigma`` is an option of the datasets, ``r2r.restore.draws`` is for one
            method, ``restore.draws`` for every method.
        baselines: whether the rows input, blur, nlm are added. allow_code: archives that hold code may run it.
        timed: whether a few steps of missing trainings are timed, to say how long they take. data, results: root
            folders.
    """

    methods: tuple[str, ...]
    datasets: tuple[str, ...]
    split: str | None = None
    recipe: str | None = None
    weights: str = ""
    trainings: Mapping[str, TrainingRequest] = field(default_factory=dict)
    seeds: tuple[int, ...] | None = None
    train: str = "auto"
    inference: InferenceSettings = field(default_factory=InferenceSettings)
    training: TrainSettings = field(default_factory=TrainSettings)
    limit: int | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    baselines: bool = True
    allow_code: bool = False
    timed: bool = True
    data: Path = Path("data")
    results: Path = OWN

    @property
    def method_names(self) -> tuple[str, ...]:
        """The methods, ``all`` spelled out, baselines left out: those are there anyway."""
        named, _ = split(self.methods)
        every = (one for name in named for one in (methods.names() if name == "all" else (name,)))
        return tuple(dict.fromkeys(name for name in every if name not in BASELINES))

    @property
    def sources(self) -> dict[str, Source]:
        """Name -> source of the methods that come from files. Raises UserError as `split` does."""
        return split(self.methods)[1]

    def settings_for(self, method: str) -> dict[str, Any]:
        """Recipe settings that concern a method."""
        general = {key: value for key, value in self.settings.items() if key.split(".")[0] in TABLES}
        own = {key[len(method) + 1 :]: value for key, value in self.settings.items() if key.startswith(f"{method}.")}
        return {**general, **own}

    @property
    def dataset_options(self) -> dict[str, Any]:
        """Dataset options given as settings."""
        return {key[len("dataset.") :]: value for key, value in self.settings.items() if key.startswith("dataset.")}

    @property
    def named_weights(self) -> dict[str, Path]:
        """Method -> file of ``--weights``; a file alone is the one method's. Raises UserError for a missing file."""
        if self.weights == PUBLISHED:
            return {}
        pairs = named_paths(self.weights)
        paths = dict(pairs)
        if len(paths) < len(pairs) or ("" in paths and len(paths) > 1):
            raise UserError(
                f"Expected --weights PATH for one method, or r2r=A,lir=B for several; got {self.weights!r} ({HELP})."
            )
        for path in paths.values():
            if not path.is_file():
                raise UserError(f"A weights file was expected at {path} (--weights), where there is none.")
        if "" in paths and len(self.method_names) != 1:
            raise UserError("One --weights PATH is for one method; for several, name them: --weights r2r=A,lir=B.")
        return {name or self.method_names[0]: path for name, path in paths.items()}

    def _check_settings(self, method: str) -> None:
        """Raise UserError where no recipe of the method that may be chosen takes its settings."""
        known, settings = recipes(method), self.settings_for(method)
        errors = []
        for recipe in [known[self.recipe]] if self.recipe in known else known.values():
            try:
                override(recipe, settings)
            except UserError as error:
                errors.append(error)
            else:
                return
        if errors:
            raise errors[0]

    def check(self) -> None:
        """Raise UserError for whatever is wrong and can be known without opening an image."""
        sources = self.sources
        for name in self.method_names:
            if source := sources.get(name):
                check(source, self.allow_code, self.named_weights.get(name))
            else:
                methods.get(name)
        for spec in self.datasets:
            name, _ = datasets.parse_spec(spec)
            splits = datasets.facts(name).splits
            typed(datasets.facts(name), self.dataset_options)
            if self.split is not None and self.split not in splits:
                raise unknown(f"split of dataset {name!r}", self.split, splits)
        if self.train not in TRAIN:
            raise unknown("value of --train", self.train, TRAIN)
        if (self.limit is not None and self.limit < 1) or self.seeds == ():
            raise UserError("--limit takes a positive number of images, and --seeds at least one seed.")
        known = {recipe for name in self.method_names if name not in sources for recipe in recipes(name)}
        if self.recipe is not None and self.recipe not in known:
            raise unknown("recipe", self.recipe, known)
        heads = ("dataset", *TABLES, *methods.names(), *sources)
        for key in self.settings:
            if key.split(".")[0] not in heads:
                raise unknown("setting", key, [f"{head}." for head in heads])
        for name in self.method_names:
            if name not in sources:
                self._check_settings(name)
        for name in self.named_weights:
            if name not in self.method_names:
                raise unknown("method in --weights", name, self.method_names)
        if self.weights and self.train == "always":
            raise UserError("--train always makes weights and --weights names them; give one of the two.")
