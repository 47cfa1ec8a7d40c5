"""The pictures behind the crops: degraded, clean, and what each row made of them, from runs that kept their outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmark.leaderboard.contenders import Contender
from benchmark.paper.boxes import Box, inside_of, largest_disagreement
from benchmark.paper.rows import ImageSet, row_name
from benchmark.planning.embedded import prepare_embedded
from benchmark.progress import Report
from benchmark.runs.outputs import ARRAYS, IMAGES, names
from datasets import open_dataset
from datasets.base import Dataset, Sample
from datasets.core.errors import UserError
from datasets.core.names import inside
from datasets.ops.arrays import read_npy
from datasets.ops.images import read_image
from datasets.ops.ranges import unit

_NEED = "run the methods again with --save-outputs, or with --save-images"


@dataclass(frozen=True)
class Shown:
    """One picture beside others: its title, (H, W, C) float in [0, 1], and its scores of scores.csv (None = none)."""

    title: str
    image: np.ndarray
    psnr: float | None = None
    ssim: float | None = None


@dataclass(frozen=True)
class Crop:
    """One box, and every version of its picture: degraded, each row's, clean."""

    box: Box
    convention: str
    shown: tuple[Shown, ...]


@dataclass(frozen=True)
class Gallery:
    """One set of images with the rows whose outputs are there.

    Attributes:
        images: the set. dataset: opened. rows: with outputs of every image, in the table's order; by their names.
    """

    images: ImageSet
    dataset: Dataset
    rows: dict[str, Contender] = field(default_factory=dict)


def gallery(images: ImageSet, data: Path, report: Report = None) -> Gallery:
    """The outputs that were kept of one set. Raises UserError where its images are not at hand, or are others."""
    cell = images.rows[0].first.cell
    prepare_embedded([cell.data.spec], data, report)
    dataset = open_dataset(
        cell.data.name,
        data,
        split=cell.data.split,
        options=cell.data.options,
        noise_seed=cell.inference.noise_seed,
        limit=cell.limit,
    )
    if cell.fingerprint and dataset.fingerprint != cell.fingerprint:
        raise UserError(
            f"{cell.data.name} below {data} has other images than the records were made from; name their folder by "
            "--data."
        )
    every, rows = names(dataset), {}
    for row in images.rows:
        folder = row.first.folder
        if row.first.cell.method == "input" or not folder:
            continue
        # what a cell may have kept of every image: floats, or else 8 bits
        kinds = ([Path(folder) / part / f"{name}{suffix}" for name in every] for part, suffix in (ARRAYS, IMAGES))
        if any(all(file.is_file() for file in files) for files in kinds):
            rows[row_name(row)] = row
    return Gallery(images, dataset, rows)


def crops(shown: Gallery, boxes: Sequence[Box], count: int, report: Report = None) -> list[Crop]:
    """The boxes asked for, or the `count` images on which the rows disagree most, a box in each.

    Raises:
        UserError: no outputs, an unknown image, a box beyond its image.
    """
    if not shown.rows:
        raise UserError(f"No row on {shown.images.title} has kept its outputs: {_NEED}.")
    places = {name: index for index, name in enumerate(names(shown.dataset))}
    for box in boxes:
        if box.name not in places:
            raise UserError(f"{shown.images.title} has no image {box.name!r}; the first is {next(iter(places))!r}.")
    chosen = list(boxes) or _disagreements(shown, count, report)
    return [_crop(shown, box, shown.dataset[places[box.name]]) for box in chosen]


def _disagreements(shown: Gallery, count: int, report: Report) -> list[Box]:
    if len(shown.rows) < 2:
        raise UserError(
            f"One row on {shown.images.title} has kept its outputs, which disagrees with none: {_NEED}, or name a box."
        )
    found: list[tuple[Box, float]] = []
    every, channels = names(shown.dataset), shown.dataset.facts.channels
    for done, name in enumerate(every, 1):
        found.append(largest_disagreement(name, [_output(row, name, channels) for row in shown.rows.values()]))
        if report:
            report("looking for the largest disagreement", done, len(every))
    found.sort(key=lambda pair: -pair[1])  # stable: of equal ones the first in the dataset's order
    return [box for box, _ in found[:count]]


def _crop(shown: Gallery, box: Box, sample: Sample) -> Crop:
    convention = shown.images.convention
    pictures = [
        _scored(title, _output(row, box.name, shown.dataset.facts.channels), row, box, convention)
        for title, row in shown.rows.items()
    ]
    if sample.clean is not None:
        pictures.append(Shown("Clean", unit(sample.clean)))
    inside_of(box, pictures[0].image.shape)
    if sample.degraded is not None:
        scale = shown.dataset.facts.scale  # a small input stands beside its outputs in large pixels
        large = unit(sample.degraded).repeat(scale, axis=0).repeat(scale, axis=1)
        row = next((row for row in shown.images.rows if row.first.cell.method == "input"), None)
        pictures.insert(0, _scored("Input", np.clip(large, 0, 1), row, box, convention))
    return Crop(box, convention, tuple(pictures))


def _scored(title: str, image: np.ndarray, row: Contender | None, box: Box, convention: str) -> Shown:
    score = row.scores[0].get(box.name) if row else None
    values = score.values if score else {}
    return Shown(title, image, values.get(f"psnr[{convention}]"), values.get(f"ssim[{convention}]"))


def _output(row: Contender, name: str, channels: int = 3) -> np.ndarray:
    """(H, W, C) float in [0, 1]: of the first seed."""
    folder = Path(row.first.folder)
    floats = inside(folder / ARRAYS[0], name, ARRAYS[1])
    if floats.is_file():
        return np.clip(read_npy(floats), 0, 1)
    return unit(read_image(inside(folder / IMAGES[0], name, IMAGES[1]), channels))
