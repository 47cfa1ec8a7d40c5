"""Restored images on disk: 8-bit PNGs to look at, float32 arrays to score again."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmark.records import ResultsError, writing
from benchmark.restoring import Restored
from datasets.base import Dataset
from datasets.ops.errors import UserError
from datasets.ops.files import replacing
from datasets.ops.images import write_png

IMAGES, ARRAYS = ("images", ".png"), ("outputs", ".npy")  # folder and suffix
_SPARE = 1 << 20  # bytes that the record itself may need


class Outputs:
    """The images of one cell, under ``<folder>/images`` (PNG) and ``<folder>/outputs`` (float32 .npy).

    Args:
        folder: of the cell. images, arrays: which to write.
    """

    def __init__(self, folder: Path, images: bool, arrays: bool) -> None:
        self.images = folder / "images" if images else None
        self.arrays = folder / "outputs" if arrays else None

    def save(self, restored: Restored) -> None:
        """Write one image in the forms asked for. Raises ResultsError for a full disk."""
        name, output = restored.sample.name, restored.output
        if self.images:
            with writing(self.images):
                write_png(self.images / f"{name}.png", np.rint(np.clip(output, 0, 1) * 255).astype(np.uint8))
        if self.arrays:
            path = self.arrays / f"{name}.npy"
            with writing(self.arrays), replacing(path, durable=False) as part, part.open("wb") as stream:
                np.save(stream, output)

    def check_room(self, dataset: Dataset, scale: int) -> None:
        """Raise ResultsError now, not after hours, where the disk has no room for what will be written."""
        folder = next((f.parent for f in (self.images, self.arrays) if f), None)
        if folder is None or not len(dataset):
            return
        first = dataset[0]
        pixels = (first.degraded if first.degraded is not None else first.clean).size * scale * scale  # type: ignore[union-attr]
        need = _SPARE + len(dataset) * pixels * (4 * bool(self.arrays) + bool(self.images))
        free = shutil.disk_usage(folder).free
        if free < need:
            raise ResultsError(
                f"The outputs need about {need / 1e6:.0f} MB, but {folder} has {free / 1e6:.0f} MB left; make room "
                "there, name another folder by --results DIR, or leave --save-outputs out."
            )


def saved(folder: Path, dataset: Dataset, kind: tuple[str, str] = ARRAYS) -> bool:
    """Whether the outputs of every image of a dataset lie in a cell's folder: ARRAYS (float) or IMAGES (8 bits)."""
    return all((folder / kind[0] / f"{name}{kind[1]}").is_file() for name in names(dataset))


def discard(folder: Path) -> None:
    """Forget what an earlier run of a cell left, its record first: killed after that, the cell is not done.

    A run that is forced may follow a change of the code; none of the old outputs may stand beside its figures.
    """
    with writing(folder):
        (folder / "record.json").unlink(missing_ok=True)
        for kept in (IMAGES, ARRAYS):
            shutil.rmtree(folder / kept[0], ignore_errors=True)


def names(dataset: Dataset) -> list[str]:
    """Names of the samples, without reading images where the dataset has rows."""
    rows = getattr(dataset, "rows", None)
    return [row.name for row in rows] if rows else [sample.name for sample in dataset]


def read_saved(folder: Path, dataset: Dataset) -> Iterator[Restored]:
    """The saved outputs with their samples, in the dataset's order. Raises UserError for a damaged file."""
    for sample in dataset:
        path = folder / "outputs" / f"{sample.name}.npy"
        try:
            output = np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise UserError(f"The saved output {path} cannot be read ({error}); run again with --force.") from error
        yield Restored(sample, output)
