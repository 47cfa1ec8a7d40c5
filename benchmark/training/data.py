"""What a training reads: opened datasets, and from them the batches of each stream of a stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from benchmark.cell import Report
from datasets.base import Dataset
from datasets.ops.errors import UserError
from datasets.ops.files import digest
from datasets.options import spelled
from datasets.pool import Image, Pool, Supply, open_store, readable
from methods.base import Method, Preparation, SampleInfo, Stage, Stream

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
    def splits(self) -> str:
        """Datasets with their splits, as a card names them: ``polyu-scenes-train``, ``demo[sigma=50]-train``."""
        named = (d for d in (self.dataset, self.clean) if d is not None)
        return "+".join(f"{spelled(d.facts, d.options)}-{d.split}" for d in named)

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
        [row.name, row.scene if supervised else "", dict(row.meta), [readable(dataset, i, role) for role in roles]]
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
    report: Report = None,
) -> dict[str, Pool]:
    """The batches of every stream of a stage, prepared where they are not yet.

    Args:
        unpaired: the method's supervision, whatever this one stage reads: a stage of clean images alone must not see
            the partners of the degraded ones that another stage reads.
    Raises:
        UserError: the data lack what a stream reads, or the degraded and the clean images of an unpaired training
            would show the same scenes.
    """
    if not stage.streams:
        raise UserError(f"The stage {stage.name!r} names no streams, so there is nothing to train it on.")
    rows = _rows_by_source(stage, data, unpaired)
    found = {}
    for name, stream in stage.streams.items():
        dataset, indices = (
            rows[stream.source] if stream.source in rows else (data.dataset, range(len(data.dataset.rows)))
        )
        supply = _supply(stream, seed)
        store = open_store(supply, dataset, indices, cache, seed=seed, report=report)
        found[name] = Pool(supply, store, (seed, stage.name, name), device, rank, world)
    return found


def _rows_by_source(stage: Stage, data: TrainingData, unpaired: bool) -> dict[str, Rows]:
    """The rows of sources that may not be all of the dataset: those of an unpaired stage or method."""
    sources = {stream.source for stream in stage.streams.values()}
    if not unpaired and not {"degraded", "clean"} <= sources:
        if data.clean is not None:
            raise UserError(f"The stage {stage.name!r} is not unpaired, so it takes no second dataset of clean images.")
        return {}
    if data.clean is None:
        return _halves(data.dataset)
    _check_disjoint(data.dataset, data.clean)
    return {
        "degraded": (data.dataset, range(len(data.dataset.rows))),
        "clean": (data.clean, range(len(data.clean.rows))),
    }


def _halves(dataset: Dataset) -> dict[str, Rows]:
    """Degraded images of one half of the scenes, clean ones of the other; which half is fixed by the scenes' names.

    A dataset whose rows never have both (pools of degraded and of clean images) gives all it has of each.
    """
    apart = _apart(dataset)
    if apart is not None:
        return apart
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


def _apart(dataset: Dataset) -> dict[str, Rows] | None:
    own = {role: [i for i, row in enumerate(dataset.rows) if role in row.files] for role in ("degraded", "clean")}
    if set(own["degraded"]) & set(own["clean"]) or not all(own.values()):
        return None
    scenes = {role: {dataset.rows[i].scene for i in indices} for role, indices in own.items()}
    common = scenes["degraded"] & scenes["clean"]
    if common:
        raise UserError(
            f"The degraded and the clean images of an unpaired training must not show the same scenes, but both pools "
            f"have {min(common)!r}; take it out of one, or tell scenes apart with folder[scene=SEPARATOR]."
        )
    return {role: (dataset, indices) for role, indices in own.items()}


def _check_disjoint(degraded: Dataset, clean: Dataset) -> None:
    files = {row.sha256.get("clean") for row in degraded.rows} - {None}
    same_set = degraded.facts.name == clean.facts.name
    scenes = {row.scene for row in degraded.rows} if same_set else set()
    for row in clean.rows:
        if row.scene in scenes or row.sha256.get("clean") in files:
            raise UserError(
                f"The degraded and the clean images of an unpaired training must not show the same scenes, but "
                f"{row.name!r} (scene {row.scene!r}) is in both; choose splits without common scenes."
            )


def _supply(stream: Stream, seed: int) -> Supply:
    fields = {name: getattr(stream, name) for name in Stream.__dataclass_fields__ if name != "preparation"}
    made = stream.preparation
    return Supply(**fields, key=made.key if made else None, make=_maker(made, seed) if made else None)


def _maker(preparation: Preparation, seed: int) -> Any:
    def make(arrays: Any, image: Image, rng: Any) -> Any:
        return preparation.make(arrays, SampleInfo(image.name, image.noise_level, seed, image.meta), rng)

    return make
