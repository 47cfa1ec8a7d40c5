"""The identity of a training: all that decides its weights, its folder, and the files that it leaves."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.records.claims import CLAIM
from benchmark.training.data import TrainingData
from benchmark.training.settings import TrainSettings
from datasets.core.codec import decode
from datasets.core.errors import UserError
from datasets.core.files import digest, sha256_file
from datasets.core.sealed import read_sealed, set_aside, write_sealed
from methods.base import Method
from methods.loading import build
from methods.recipes import recipes, settings_of
from methods.weights import card_path, checked_card


@dataclass(frozen=True)
class TrainingIdentity:
    """One training of one method, before it begins.

    Attributes:
        values: all that decides about the final weights, as plain values; a checkpoint of another one is refused.
        results: results folder. name: of the weights, ``<recipe>-<data>-s<seed>``, followed by part of the values'
            hash where anything else differs from the recipe as it is published.
    """

    method: str
    values: Mapping[str, Any]
    results: Path
    name: str

    @classmethod
    def of(cls, method: Method, data: TrainingData, settings: TrainSettings, results: Path) -> TrainingIdentity:
        """The training of `method`, as `available` gave it, on `data`."""
        recipe = method.recipe
        values = {
            "method": method.name,
            "version": method.version,
            "recipe": recipe.digest,
            "data": data.fingerprint(method),
            "validation": data.validation.fingerprint if data.validation is not None else "",
            "seed": settings.seed,
            "steps": settings.steps,
            "minutes": settings.minutes,
            "arithmetic": settings.arithmetic,
        }
        if settings.channels_last != "auto":  # which is what trainings before this option have, and the name keeps
            values["channels_last"] = settings.channels_last
        plain = settings.steps is None and settings.minutes is None and settings.arithmetic == "fp32"
        # The whole of a dataset under its default options: then its name says all.
        defaults = {key: default for key, (default, _) in data.dataset.facts.options.items()}
        plain &= not data.dataset.partial and all(defaults.get(k) == v for k, v in data.dataset.options.items())
        plain = plain and data.validation is None and not _has_changes(method)
        name = f"{recipe.name}-{data.name}-s{settings.seed}"
        return cls(method.name, values, results, name if plain else f"{name}-{digest(values)[:8]}")

    @property
    def folder(self) -> Path:
        """Checkpoints and logs."""
        return self.results / "training" / f"{self.method}-{digest(self.values)[:12]}"

    @property
    def last(self) -> Path:
        """The checkpoint that a training goes on from."""
        return self.folder / "last.pt"

    @property
    def best(self) -> Path:
        """The checkpoint of the best score so far."""
        return self.folder / "best.pt"

    def weights(self, role: str) -> Path:
        """The file of one role's final weights."""
        name = self.name if role == "restorer" else f"{self.name}-{role}"
        return self.results / "weights" / self.method / f"{name}.safetensors"

    def finished(self) -> dict[str, Path] | None:
        """The weights of a training that is finished and whose files are unchanged, else None.

        Files that have changed since are set aside, each with a warning.
        """
        done = self.folder / "done.json"
        try:
            hashes = _left(done)
        except UserError as error:
            set_aside(done, error)
            return None
        paths = {role: self.weights(role) for role in hashes}
        whole = [_unchanged(path, hashes[role]) for role, path in paths.items()]
        return paths if paths and all(whole) else None

    def finish(self, hashes: Mapping[str, str]) -> None:
        """Note that the training is finished: role -> sha256 of its weights."""
        write_sealed(self.folder / "done.json", {"identity": dict(self.values), "weights": dict(hashes)})

    def clear(self) -> None:
        """Forget what was trained so far, logs included; the weights stay until new ones replace them."""
        if self.folder.is_dir():
            for path in self.folder.iterdir():
                if path.name not in ("lock", CLAIM):  # this process holds them
                    shutil.rmtree(path) if path.is_dir() else path.unlink()


def available(method: Method) -> tuple[Method, str]:
    """The method under the recipe that can be trained here, and a sentence on what had to be left out; '' = nothing.

    A loss term may need a file that this machine does not have. Where nothing is left out, the method itself comes
    back; else one with initial weights (see `Method.available`).
    """
    # Asked before the identity is made, so that identity, digest and card are those of what is really trained.
    recipe, left_out = type(method).available(method.recipe)
    return (method if recipe == method.recipe else build(type(method), recipe)), left_out


def trained_here(results: Path) -> frozenset[str]:
    """SHA-256 of the weights that the trainings of a results folder have left.

    In a checkout, weights trained here and shipped ones lie in one folder; these hashes tell them apart.
    """
    folders = (Path(results) / "training").glob("*")
    return frozenset(sha256 for folder in folders for sha256 in weights_left(folder))


def weights_left(folder: Path) -> tuple[str, ...]:
    """SHA-256 of the weights that the training in a folder has left; () where it is not finished, or is damaged."""
    try:
        return tuple(_left(folder / "done.json").values())
    except UserError:  # whoever gives its `train` again is told
        return ()


def _left(done: Path) -> dict[str, str]:
    """Role -> sha256 of a finished training; {} where it is not finished. Raises UserError for a damaged file."""
    try:
        value, _ = read_sealed(done, "give its `train` again")
        left = decode(Mapping[str, str], value.get("weights"), "weights")
    except FileNotFoundError:
        return {}
    return dict(left)


def _unchanged(path: Path, sha256: str) -> bool:
    """Whether weights and card are there as they were written; what is not is set aside."""
    if not path.is_file():
        return False
    if sha256_file(path) != sha256:
        set_aside(path, f"{path} has changed since it was written.")
        return False
    try:
        return checked_card(path, sha256) is not None
    except UserError as error:
        set_aside(card_path(path), error)
        return False


def _has_changes(method: Method) -> bool:
    """Whether the recipe is not the published one of its name, as for one that is made in code."""
    try:
        known = recipes(type(method)).get(method.recipe.name)
    except (UserError, OSError):  # a class without a file of recipes
        return True
    return known is None or settings_of(known) != settings_of(method.recipe)
