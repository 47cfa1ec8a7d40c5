"""Restored images on disk: PNGs of the samples' depth to look at, float32 arrays to score again."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmark.inference.restorer import Restored
from benchmark.records.files import ResultsError, read_record, writing
from benchmark.records.record import DONE, Record
from datasets.base import Dataset, Sample
from datasets.core.errors import UserError
from datasets.core.files import Hashing, replacing, sha256_file
from datasets.core.names import inside
from datasets.core.sealed import DamagedError, read_sealed, write_sealed
from datasets.ops.arrays import read_npy
from datasets.ops.images import write_png
from datasets.ops.ranges import levels

IMAGES, ARRAYS = ("images", ".png"), ("outputs", ".npy")  # folder and suffix
CHECKSUMS = "checksums.json"  # of the arrays, beside them
_REMEDY = "run its cell again with --force"
_SPARE = 1 << 20  # bytes that the record itself may need


class Outputs:
    """The images of one cell, under ``<folder>/images`` (PNG) and ``<folder>/outputs`` (float32 .npy).

    Args:
        folder: of the cell. images, arrays: which to write.
    """

    def __init__(self, folder: Path, images: bool, arrays: bool) -> None:
        self.images = folder / "images" if images else None
        self.arrays = folder / "outputs" if arrays else None
        self._hashes: dict[str, str] = {}

    def save(self, restored: Restored) -> None:
        """Write one image in the forms asked for.

        Raises:
            ResultsError: a full disk. UserError: a name that would lead out of the cell's folder.
        """
        name, output = restored.sample.name, restored.output
        if self.images:
            with writing(self.images):
                write_png(inside(self.images, name, ".png"), levels(output, _kind(restored.sample)))
        if self.arrays:
            path = inside(self.arrays, name, ".npy")
            with writing(self.arrays), replacing(path, durable=False) as part:
                with part.open("wb") as stream:
                    hashing = Hashing(stream)
                    np.save(hashing, output)
                self._hashes[name] = hashing.digest

    def finish(self) -> None:
        """After the last image: keep the arrays' checksums beside them. Raises ResultsError for a full disk."""
        if self.arrays:
            with writing(self.arrays):
                write_sealed(self.arrays / CHECKSUMS, self._hashes)

    def check_room(self, dataset: Dataset, scale: int) -> None:
        """Raise ResultsError now, not after hours, where the disk has no room for what will be written."""
        folder = next((f.parent for f in (self.images, self.arrays) if f), None)
        if folder is None or not len(dataset):
            return
        first = dataset[0]
        pixels = (first.degraded if first.degraded is not None else first.clean).size * scale * scale  # type: ignore[union-attr]
        need = _SPARE + len(dataset) * pixels * (
            4 * bool(self.arrays) + np.dtype(_kind(first)).itemsize * bool(self.images)
        )
        free = shutil.disk_usage(folder).free
        if free < need:
            raise ResultsError(
                f"The outputs need about {need / 1e6:.0f} MB, but {folder} has {free / 1e6:.0f} MB left; make room "
                "there, name another folder by --results DIR, or leave --save-outputs out."
            )


def _kind(sample: Sample) -> type[np.unsignedinteger]:
    """The type of a sample's PNG: 16 bits where its files have more than 8."""
    return np.uint16 if sample.meta.get("depth", 8) > 8 else np.uint8


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


def finished(folder: Path) -> Record:
    """The record of a finished run. Raises UserError for a folder that has none."""
    record = read_record(folder)
    if record is None or record.status != DONE:
        raise UserError(f"{folder} holds no finished record: expected results/runs/<cell id> of `run --save-outputs`.")
    return record


def require_saved(folder: Path, dataset: Dataset) -> None:
    """Raise UserError where a run left no outputs."""
    if not saved(folder, dataset):
        raise UserError(f"The outputs of {folder.name} were not kept: run it again with --save-outputs --force.")


def check_saved(folder: Path, dataset: Dataset) -> None:
    """Raise UserError where a folder is not that of a finished run on this dataset, with the outputs that it left."""
    record = finished(folder)
    if record.cell.fingerprint != dataset.fingerprint:
        raise UserError(
            f"Expected the outputs of a run on the split {dataset.split!r} of {dataset.facts.name}, but {record.id} "
            f"restored {record.cell.data.label}, or other images of that name."
        )
    require_saved(folder, dataset)
    for name, given in (_checksums(folder) or {}).items():
        _checked(folder, name, given)


def read_saved(folder: Path, dataset: Dataset) -> Iterator[Restored]:
    """The saved outputs with their samples, in the dataset's order. Raises DamagedError for a damaged file.

    Those of earlier versions have no checksums and are taken as they are.
    """
    hashes = _checksums(folder)
    for sample in dataset:
        path = _checked(folder, sample.name, None if hashes is None else hashes.get(sample.name, ""))
        try:
            output = read_npy(path)
        except (OSError, ValueError) as error:
            raise DamagedError(path, str(error).rstrip("."), _REMEDY) from error
        yield Restored(sample, output)


def _checksums(folder: Path) -> dict[str, str] | None:
    try:
        hashes, _ = read_sealed(folder / "outputs" / CHECKSUMS, _REMEDY)
    except FileNotFoundError:
        return None
    return dict(hashes)


def _checked(folder: Path, name: str, given: str | None) -> Path:
    """The file of an output. Raises DamagedError where its bytes are not those that were written; None: not known."""
    path = inside(folder / "outputs", name, ".npy")
    try:
        if given is not None and given != sha256_file(path):
            raise DamagedError(path, "its checksum is another", _REMEDY)
    except OSError as error:
        raise DamagedError(path, str(error), _REMEDY) from error
    return path
