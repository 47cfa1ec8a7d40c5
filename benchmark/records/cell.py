"""One cell: one method on one split, as plain values; and why a cell may have no figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmark.inference.settings import InferenceSettings
from datasets.core.dataset_ref import DatasetRef
from datasets.core.files import digest

BASELINES = ("input", "blur", "nlm")

# Reasons have codes, so that no program has to match their text. UNSUITABLE and IMPOSSIBLE are skipped; others failed.
UNSUITABLE, IMPOSSIBLE = "unsuitable", "impossible"  # by the facts alone; found when an image was looked at
NO_WEIGHTS, NOT_TRAINED = "no-weights", "not-trained"  # none are there; their training failed
BUSY, MEMORY, WRONG, CRASHED = "busy", "memory", "user-error", "exception"
DIED, TIMEOUT = "worker-died", "timeout"  # the process that ran the cell; it gave no sign of progress for too long
SKIPPING = (UNSUITABLE, IMPOSSIBLE)


@dataclass(frozen=True)
class Reason:
    """Why a cell has no figures.

    Attributes:
        code: one of the constants of this module, for programs. text: a sentence, for people.
        traceback: file in the cell's folder that holds the traceback; '' = there is none.
    """

    code: str
    text: str
    traceback: str = ""

    @property
    def skips(self) -> bool:
        """Whether the cell counts as skipped, since nothing could make it run, and not as failed."""
        return self.code in SKIPPING


@dataclass(frozen=True)
class Origin:
    """Where a network comes from that is no method of the benchmark.

    Attributes:
        source: what makes it (`methods.outside.source.Source.text`); '' = a module that was at hand.
        architecture: its name. licence: the terms of the architecture's code, '' = not known.
    """

    source: str = ""
    architecture: str = ""
    licence: str = ""


@dataclass(frozen=True)
class Cell:
    """One method on one split: everything that can change a pixel of the outcome, in plain values.

    It lies in this room, below planning and runs, since both make it and a record is of it.

    Attributes:
        method, recipe: names; a baseline (``input``, ``blur``, ``nlm``) has the recipe ''.
        data: dataset, options, split. fingerprint: Dataset.fingerprint of the images that are opened.
        task, degradation: of the data, as tables name them. limit: only the first so many images.
        recipe_digest: Recipe.digest, settings included. settings: dotted overrides of the recipe.
        seed: of the training. weights_sha256: hash of the file's bytes. inference: how it is applied.
        origin: of a network that has no name here; None = the method's name tells.
        method_version: Method.version. code: digest of the method's code ('' = its source is not at hand).
        weights: path of the file ('' = none). blocked: why the cell cannot run. note: a remark for the
            record (how the weights were recognised). These three and `origin`, whose content has hashes of its own,
            are not part of the id.
    """

    method: str
    data: DatasetRef
    fingerprint: str = ""
    task: str = ""
    degradation: str = ""
    limit: int | None = None
    recipe: str = ""
    recipe_digest: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    weights_sha256: str = ""
    inference: InferenceSettings = field(default_factory=InferenceSettings)
    method_version: str = "1"
    code: str = ""
    weights: str = ""
    origin: Origin | None = None
    blocked: Reason | None = None
    note: str = ""

    @property
    def id(self) -> str:
        """Name of the cell's folder: method, dataset and 12 hex digits over everything that can change a pixel."""
        # `fingerprint` covers the rows that are opened: a split prepared later beside them changes no id. Device, batch
        # size and `--deterministic` are not in it, nor a convention's code: they move the last bits, or nothing that
        # was restored. Of the inference settings only those that differ from the defaults: a new option keeps old ids.
        values = asdict(self) | {"inference": self.inference.changed}
        for name in ("weights", "origin", "blocked", "note", "task"):
            del values[name]
        return f"{self.method}-{self.data.name}-{digest(values)[:12]}"

    def __hash__(self) -> int:
        return hash(self.id)

    @property
    def is_baseline(self) -> bool:
        """Whether this is one of the rows that are always there: input, blur, nlm."""
        return self.method in BASELINES
