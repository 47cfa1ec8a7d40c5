"""What a stream of training batches is made of, and the store that its images are kept in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from datasets.base import Dataset
from datasets.ops.errors import UserError
from datasets.ops.files import digest
from datasets.ops.noise import keyed_generator
from datasets.pool.store import Entry, Store

# Which files of a row a source reads. `measured` streams take clean images; the method senses them itself.
ROLES = {
    "paired": ("degraded", "clean"),
    "degraded": ("degraded",),
    "clean": ("clean",),
    "raw": ("raw",),
    "measured": ("clean",),
}

# Augmentation -> the modes of datasets.ops.flips, one of which is drawn uniformly per patch.
AUGMENTS: dict[str, tuple[int, ...]] = {
    "none": (0,),
    "flip": (0, 5),
    "flips8": (0, 1, 2, 3, 4, 5, 6, 7),
    "scpgan": (0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7),  # untouched half of the time, else one of seven
    "dgunet9": (0, 1, 5, 2, 4, 6, 7, 3, 0),  # nine values are drawn in the official code; 0 and 8 do nothing
}

CACHE_VERSION = 1


@dataclass(frozen=True)
class Image:
    """What a preparation may know of the image that it is given."""

    name: str
    noise_level: float | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)


Make = Callable[[dict[str, np.ndarray], Image, np.random.Generator], list[dict[str, np.ndarray]]]


@dataclass(frozen=True)
class Supply:
    """A stream of training batches, described. The fields are those of ``methods.base.Stream``.

    Attributes:
        sampling: ``random``, ``grid``, ``grid-flush`` (a grid whose last row and column are moved to end at the
            border), or ``images``.
        key, make: of the preparation; make None = the files as they are.
    """

    source: str
    crop: int
    batch: int
    scale: int = 1
    augment: str = "none"
    sampling: str = "random"
    stride: int = 0
    order: str = "shuffle-each-epoch"
    drop_last: bool = False
    mixup: tuple[float, int] | None = None
    key: Any = None
    make: Make | None = None

    def __post_init__(self) -> None:
        for kind, value, known in (
            ("source", self.source, ROLES),
            ("augmentation", self.augment, AUGMENTS),
            ("sampling", self.sampling, ("random", "grid", "grid-flush", "images")),
            ("order", self.order, ("shuffle-each-epoch", "shuffle-once")),
        ):
            if value not in known:
                raise UserError(f"A stream's {kind} is one of {', '.join(known)}, not {value!r}.")
        if self.batch < 1 or self.crop < 0 or (self.sampling.startswith("grid") and min(self.stride, self.crop) < 1):
            raise UserError(
                f"A stream needs a batch of 1 or more, and a grid a crop and a stride; "
                f"came batch {self.batch}, crop {self.crop}, stride {self.stride}."
            )
        if self.mosaic and (self.augment != "none" or self.crop % 2):
            raise UserError(
                "Patches of raw mosaics have an even side and augment 'none': flips change the colour cell."
            )

    @property
    def mosaic(self) -> bool:
        """Whether patches are cut from mosaics, so that positions must be even to keep the colour cell."""
        return self.source == "raw" and self.make is None


def readable(dataset: Dataset, index: int, role: str) -> Any:
    """What identifies the content of one role of one row: its hash, or how it is made; None where there is none."""
    row = dataset.rows[index]
    if role in row.sha256:
        return row.sha256[role]
    if role == "degraded" and dataset.facts.synthetic:
        return ["made", row.sha256.get("clean"), dataset.degradation, dict(dataset.options), dataset.noise_seed]
    return None


def open_store(
    supply: Supply,
    dataset: Dataset,
    indices: Sequence[int],
    cache: Path,
    *,
    seed: int,
    report: Callable[[str, int, int], None] | None = None,
) -> Store:
    """Open the images of a supply, preparing them first where the cache does not have them.

    The cache's key is a digest of the roles that are read and nothing else: clean files that a training on degraded
    images never reads may change or vanish.

    Args:
        indices: rows of the dataset that belong to the supply. cache: folder of all stores.
        seed: of the preparation's draws, which are keyed by (seed, image name).
    Raises:
        UserError: a row lacks a role that the supply reads, or a file is missing or damaged.
    """
    roles = ROLES[supply.source]
    contents = [(dataset.rows[i].name, [readable(dataset, i, role) for role in roles]) for i in indices]
    for name, hashes in contents:
        if None in hashes:
            _refuse(dataset, supply.source, name, roles[hashes.index(None)])
    prepared = [supply.key, seed] if supply.make else None
    key = digest([CACHE_VERSION, roles, contents, prepared, _infos(dataset, indices) if supply.make else None])
    sources = [(dataset.rows[i].name, partial(_entries, supply, dataset, i, roles, seed)) for i in indices]
    return Store.make(cache / key[:32], sources, report)


def _refuse(dataset: Dataset, source: str, name: str, role: str) -> None:
    raise UserError(
        f"The training reads {role!r} images (stream source {source!r}), but {name!r} of the dataset "
        f"{dataset.facts.name!r} has none; choose a dataset or a split that has them with --dataset and --split."
    )


def _info(dataset: Dataset, index: int) -> Image:
    row = dataset.rows[index]
    level = getattr(dataset, "noise_level", None)
    return Image(row.name, level(row) if level else None, dict(row.meta))


def _infos(dataset: Dataset, indices: Sequence[int]) -> list[Any]:
    infos = [_info(dataset, i) for i in indices]
    return [[info.noise_level, dict(info.meta)] for info in infos]


def _read(dataset: Dataset, index: int, role: str) -> np.ndarray:
    if role in dataset.rows[index].files:
        return dataset.read(index, role)
    made = dataset[index].degraded
    if made is None:
        raise UserError(f"The dataset {dataset.facts.name!r} makes no degraded image of {dataset.rows[index].name!r}.")
    return made


def _entries(supply: Supply, dataset: Dataset, index: int, roles: Sequence[str], seed: int) -> list[Entry]:
    arrays = {role: _read(dataset, index, role) for role in roles}
    if supply.make is None:
        return [arrays]
    info = _info(dataset, index)
    return supply.make(arrays, info, keyed_generator(seed, info.name))
