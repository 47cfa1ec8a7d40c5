"""The images of a stream: which files of a dataset it reads, prepared where it asks for that, kept in a store."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from datasets.base import Dataset
from datasets.core.errors import UserError
from datasets.core.files import digest
from datasets.ops.noise import keyed_generator
from datasets.pool.store import Entry, Progress, Store
from datasets.streams import SampleInfo, Stream

CACHE_VERSION = 1


def content_of(dataset: Dataset, index: int, role: str) -> Any:
    """What identifies the content of one role of one row: its hash, or how it is made; None where there is none."""
    row = dataset.rows[index]
    if role in row.sha256:
        return row.sha256[role]
    if role == "degraded" and dataset.facts.synthetic:
        return ["made", row.sha256.get("clean"), dataset.degradation, dict(dataset.options), dataset.noise_seed]
    return None


def open_store(
    stream: Stream,
    dataset: Dataset,
    indices: Sequence[int],
    cache: Path,
    *,
    seed: int,
    report: Progress | None = None,
) -> Store:
    """Open the images of a stream, preparing them first where the cache does not have them.

    The cache's key is a digest of the roles that are read and nothing else: clean files that a training on degraded
    images never reads may change or vanish.

    Args:
        indices: rows of the dataset that belong to the stream. cache: folder of all stores.
        seed: of the preparation's draws, which are keyed by (seed, image name).
    Raises:
        UserError: a row lacks a role that the stream reads, or a file is missing or damaged.
    """
    made = stream.preparation
    contents = [(dataset.rows[i].name, [content_of(dataset, i, role) for role in stream.roles]) for i in indices]
    for name, hashes in contents:
        if None in hashes:
            raise UserError(
                f"The training reads {stream.roles[hashes.index(None)]!r} images (stream source {stream.source!r}), "
                f"but {name!r} of the dataset {dataset.facts.name!r} has none; choose a dataset or a split that has "
                "them with --dataset and --split."
            )
    # A preparation may look at what is known of the images, so that belongs to its key; plain files are their own key.
    infos = [_info(dataset, i, seed) for i in indices] if made else []
    known = [[info.noise_level, dict(info.meta)] for info in infos] if made else None
    key = digest([CACHE_VERSION, stream.roles, contents, [made.key, seed] if made else None, known])
    sources = [(dataset.rows[i].name, partial(_entries, stream, dataset, i, seed)) for i in indices]
    return Store.make(cache / key[:32], sources, report)


def _info(dataset: Dataset, index: int, seed: int) -> SampleInfo:
    row = dataset.rows[index]
    level = getattr(dataset, "noise_level", None)
    return SampleInfo(row.name, level(row) if level else None, seed, dict(row.meta))


def _entries(stream: Stream, dataset: Dataset, index: int, seed: int) -> list[Entry]:
    arrays = {role: _read(dataset, index, role) for role in stream.roles}
    if stream.preparation is None:
        return [arrays]
    info = _info(dataset, index, seed)
    return stream.preparation.make(arrays, info, keyed_generator(seed, info.name))


def _read(dataset: Dataset, index: int, role: str) -> np.ndarray:
    if role in dataset.rows[index].files:
        return dataset.read(index, role)
    made = dataset[index].degraded
    if made is None:
        raise UserError(f"The dataset {dataset.facts.name!r} makes no degraded image of {dataset.rows[index].name!r}.")
    return made
