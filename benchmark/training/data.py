"""What a training reads: opened datasets, and from them the batches of each stream of a stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from benchmark.progress import Report
from benchmark.training.contract import check_crop, check_images, check_sizes
from datasets.base import Dataset
from datasets.core.dataset_ref import DatasetRef
from datasets.core.errors import UserError
from datasets.core.files import digest
from datasets.options import ref_of
from datasets.pool import Pool, content_of, open_store, room
from methods.base import Facts, Method, Stage

Rows = tuple[Dataset, Sequence[int]]


@dataclass(frozen=True)
class TrainingData:
    """Opened datasets of one training.

    Attributes:
        dataset: what is trained on. validation: scored along the way; None = the last step is what counts.
        clean: where the clean images of an unpaired training come from; None = other scenes of `dataset`.
        cache: folder of the prepared pools; None = ``training/pools`` in the results folder.
    """

    dataset: Dataset
    validation: Dataset | None = None
    clean: Dataset | None = None
    cache: Path | None = None

    @property
    def name(self) -> str:
        """Dataset for file names and cards, with the split where it is not the one meant for training."""
        return _title(self.dataset) + (f"+{_title(self.clean)}" if self.clean else "")

    @property
    def refs(self) -> tuple[DatasetRef, ...]:
        """The sets with their options and splits, as a card names them."""
        return tuple(ref_of(dataset) for dataset in (self.dataset, self.clean) if dataset is not None)

    def fingerprint(self, method: Method) -> str:
        """Hash of what the method reads of the data: of a method trained on degraded images, no clean file."""
        supervised = method.facts.supervision != "degraded"
        return digest([_content(d, supervised) for d in (self.dataset, self.clean) if d is not None])


def _title(dataset: Dataset) -> str:
    facts = dataset.facts
    split = "" if dataset.split in (facts.train_split, facts.name) else f"-{dataset.split}"
    return facts.name + split


def _content(dataset: Dataset, supervised: bool) -> list[Any]:
    roles = ["degraded", "raw"] + (["clean", "raw_clean"] if supervised or dataset.facts.synthetic else [])
    options = dict(dataset.options), dataset.noise_seed
    rows = [
        [row.name, row.scene if supervised else "", dict(row.meta), [content_of(dataset, i, role) for role in roles]]
        for i, row in enumerate(dataset.rows)
    ]
    return [dataset.facts.name, options, rows]


def pools(
    stage: Stage,
    data: TrainingData,
    cache: Path,
    seed: int,
    device: torch.device,
    *,
    rank: int = 0,
    world: int = 1,
    unpaired: bool = False,
    facts: Facts | None = None,
    report: Report = None,
) -> dict[str, Pool]:
    """The batches of every stream of a stage, prepared where they are not yet.

    Args:
        unpaired: whether the method is. It is the method's property and not a stage's: a stage of clean images alone
            must not see the partners of the degraded ones that another stage reads.
        facts: of the method, by which patches and images are checked before anything is prepared; None = not checked.
    Raises:
        UserError: patches or images that the method's networks cannot take; the data lack what a stream reads, or the
            degraded and the clean images of an unpaired training would show the same scenes.
    """
    if not stage.streams:
        raise UserError(f"The stage {stage.name!r} names no streams, so there is nothing to train it on.")
    everything = data.dataset, range(len(data.dataset.rows))
    rows = _rows_by_source(stage, data, unpaired)
    made, left = {}, room(device)  # one budget for all pools
    for name, stream in stage.streams.items():
        dataset, indices = rows.get(stream.source, everything)
        if facts:
            check_crop(stage.name, stream, facts)
            check_images(stage.name, stream, dataset, indices, facts)
        store = open_store(stream, dataset, indices, cache, seed=seed, report=report)
        if facts:
            check_sizes(stage.name, stream, store, facts)
        resident = store.nbytes <= left
        left -= store.nbytes if resident else 0
        made[name] = Pool(stream, store, (seed, stage.name, name), device, rank, world, resident)
    return made


def _rows_by_source(stage: Stage, data: TrainingData, unpaired: bool) -> dict[str, Rows]:
    """The rows of sources that may not be all of the dataset: those of an unpaired stage or method."""
    sources = {stream.source for stream in stage.streams.values()}
    if not unpaired and not {"degraded", "clean"} <= sources:
        if data.clean is not None:
            raise UserError(f"The stage {stage.name!r} is not unpaired, so it takes no second dataset of clean images.")
        return {}
    if data.clean is None:
        return _halves(data.dataset)
    # By hash, and within one dataset by scene: an unpaired method must not see pairs.
    degraded = data.dataset
    files = {row.sha256.get("clean") for row in degraded.rows} - {None}
    scenes = {row.scene for row in degraded.rows} if degraded.facts.name == data.clean.facts.name else set()
    for row in data.clean.rows:
        if row.scene in scenes or row.sha256.get("clean") in files:
            raise UserError(
                f"The degraded and the clean images of an unpaired training must not show the same scenes, but "
                f"{row.name!r} (scene {row.scene!r}) is in both; choose splits without common scenes."
            )
    return {
        "degraded": (data.dataset, range(len(data.dataset.rows))),
        "clean": (data.clean, range(len(data.clean.rows))),
    }


def _halves(dataset: Dataset) -> dict[str, Rows]:
    """Degraded images of one half of the scenes, clean ones of the other; which half is fixed by the scenes' names.

    A dataset whose rows never have both (pools of degraded and of clean images) gives all it has of each.
    """
    own = {role: [i for i, row in enumerate(dataset.rows) if role in row.files] for role in ("degraded", "clean")}
    if all(own.values()) and not set(own["degraded"]) & set(own["clean"]):
        common = set.intersection(*({dataset.rows[i].scene for i in indices} for indices in own.values()))
        if common:
            raise UserError(
                f"The degraded and the clean images of an unpaired training must not show the same scenes, but both "
                f"pools have {min(common)!r}; take it out of one, or tell scenes apart with folder[scene=SEPARATOR]."
            )
        return {role: (dataset, indices) for role, indices in own.items()}
    scenes = sorted({row.scene for row in dataset.rows}, key=lambda scene: digest(["unpaired", scene]))
    if len(scenes) < 2:
        raise UserError(
            f"An unpaired training needs two scenes or more, so that degraded and clean images never show the same; "
            f"{dataset.facts.name!r} ({dataset.split}) has {len(scenes)}."
        )
    first = set(scenes[: (len(scenes) + 1) // 2])
    split: dict[bool, list[int]] = {True: [], False: []}
    for index, row in enumerate(dataset.rows):
        split[row.scene in first].append(index)
    return {"degraded": (dataset, split[True]), "clean": (dataset, split[False])}
