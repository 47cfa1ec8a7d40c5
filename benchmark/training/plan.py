"""What one training is: its identity, its folder, and the weights files that it will leave."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.training.data import TrainingData
from benchmark.training.settings import TrainSettings
from datasets.base import Dataset
from datasets.ops.errors import UserError
from datasets.ops.files import digest, sha256_file, write_json
from methods.base import Method
from methods.recipes import deviations


@dataclass(frozen=True)
class Plan:
    """One training of one method, before it begins.

    Attributes:
        identity: all that decides about the final weights, as plain values; a checkpoint of another one is refused.
        results: results folder. name: of the weights, ``<recipe>-<data>-s<seed>``, followed by part of the identity
            where anything else differs from the recipe as it is published.
    """

    method: str
    identity: Mapping[str, Any]
    results: Path
    name: str

    @classmethod
    def of(cls, method: Method, data: TrainingData, settings: TrainSettings, results: Path) -> Plan:
        """The plan of training `method` on `data`."""
        recipe = method.recipe
        identity = {
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
        plain = settings.steps is None and settings.minutes is None and settings.arithmetic == "fp32"
        plain = plain and data.validation is None and _ordinary(data.dataset) and not _changed(method)
        name = f"{recipe.name}-{data.name}-s{settings.seed}"
        return cls(method.name, identity, results, name if plain else f"{name}-{digest(identity)[:8]}")

    @property
    def folder(self) -> Path:
        """Checkpoints and logs."""
        return self.results / "training" / f"{self.method}-{digest(self.identity)[:12]}"

    @property
    def last(self) -> Path:
        """The checkpoint that a training goes on from."""
        return self.folder / "last.pt"

    def weights(self, role: str) -> Path:
        """The file of one role's final weights."""
        name = self.name if role == "restorer" else f"{self.name}-{role}"
        return self.results / "weights" / self.method / f"{name}.safetensors"

    def finished(self) -> dict[str, Path] | None:
        """The weights of a training that is finished and whose files are unchanged, else None."""
        done = self.folder / "done.json"
        if not done.is_file():
            return None
        roles = json.loads(done.read_text(encoding="utf-8"))["weights"]
        paths = {role: self.weights(role) for role in roles}
        whole = all(
            p.is_file() and p.with_suffix(".json").is_file() and sha256_file(p) == roles[r] for r, p in paths.items()
        )
        return paths if whole else None

    def finish(self, hashes: Mapping[str, str]) -> None:
        """Note that the training is finished: role -> sha256 of its weights."""
        write_json(self.folder / "done.json", {"identity": dict(self.identity), "weights": dict(hashes)})

    def clear(self) -> None:
        """Forget what was trained so far, logs included; the weights stay until new ones replace them."""
        if self.folder.is_dir():
            for path in self.folder.iterdir():
                if path.name != "lock":
                    shutil.rmtree(path) if path.is_dir() else path.unlink()


def _ordinary(dataset: Dataset) -> bool:
    """Whether it is the whole of a dataset under its default options, so that its name says all."""
    defaults = {name: default for name, (default, _) in dataset.facts.options.items()}
    return not dataset.partial and all(value == defaults.get(name) for name, value in dataset.options.items())


def _changed(method: Method) -> bool:
    try:
        return bool(deviations(type(method), method.recipe))
    except (UserError, KeyError, OSError):  # a recipe made in code: its name alone does not say what it is
        return True
