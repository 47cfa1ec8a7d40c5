"""Outputs of other programs: a folder of PNG or .npy files, MATLAB's blocks, SIDD's and DND's files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmark.scoring.output_check import check_output
from datasets.base import Dataset, Sample
from datasets.core.errors import UserError
from datasets.core.files import digest, sha256_file
from datasets.ops.arrays import read_npy
from datasets.submission_reading import open_blocks

RANGE = "give --range {white:g}, or save them with white at 1"
_FILES = (".npy", ".png", ".mat")  # of a folder, the first kind that it has


@dataclass(frozen=True)
class Foreign:
    """Outputs in the order of a dataset's samples.

    Attributes:
        read: index -> the image as it is stored. label: index -> what to call it.
        is_float: whether they are floats; 8-bit files cannot be scored under float conventions.
        white: of floats. sha256: over all of them. note: for the record.
    """

    read: Callable[[int], np.ndarray]
    label: Callable[[int], str]
    is_float: bool
    white: float
    sha256: str
    note: str

    def of(self, dataset: Dataset) -> Iterator[tuple[Sample, np.ndarray]]:
        """Each sample with its output, checked: (H, W, C) uint8, or float32 with white at 1.

        Raises:
            UserError: an output that is damaged, or that `benchmark.scoring.output_check` refuses; it is named.
        """
        for index, sample in enumerate(dataset):
            reference = sample.clean if sample.clean is not None else sample.degraded
            if reference is None:
                raise UserError(f"The sample {sample.name!r} has neither a degraded nor a clean image.")
            height, width = reference.shape[:2]
            scale = 1 if sample.clean is not None else dataset.facts.scale
            shape = height * scale, width * scale, reference.shape[2]
            yield sample, self._checked(index, reference, shape)

    def _checked(self, index: int, reference: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        image, who = self.read(index), self.label(index)
        if image.dtype.kind == "f" and self.white != 1:
            if image.size and float(image.max()) <= min(2.0, self.white / 100):
                raise UserError(
                    f"{who} has values up to {float(image.max()):g}: white is 1 already; leave --range out."
                )
            image = (image / np.float64(self.white)).astype(np.float32)
        elif self.is_float and image.dtype.kind != "f":
            raise UserError(f"Expected floats with white at 1 in {who}, got {image.dtype}: save 8-bit outputs as PNG.")
        return check_output(image, reference, shape, who, RANGE.format(white=255))


def open_foreign(path: Path, names: Sequence[str], variable: str | None = None, white: float | None = None) -> Foreign:
    """Find the output of every named sample.

    Args:
        path: a folder of ``<name>.npy`` or ``<name>.png``, or of DND's ``0001.mat`` ...; a ``.mat`` of blocks or of a
            cell, or SIDD's ``SubmitSrgb.csv``, in the names' order.
        variable: of a .mat, where there are several. white: of floats; None = 1.
    Raises:
        UserError: none of these, or an output is missing (names the first); later, from `read`, a damaged file.
    """
    if path.is_dir():
        found = _folder(path, names, variable, white or 1.0)
    elif path.is_file() and path.suffix.lower() in (".mat", ".csv"):
        found = _blocks([path], names, variable, white or 1.0)
    else:
        raise UserError(
            f"Expected a folder of PNG or .npy files, a .mat or SIDD's .csv file at {path}, but there is none."
        )
    if white is not None and not found.is_float:
        raise UserError(f"--range is for outputs of floats, and those in {path} are {found.note}: leave it out.")
    return found


def _folder(path: Path, names: Sequence[str], variable: str | None, white: float) -> Foreign:
    suffix = next((suffix for suffix in _FILES if any(path.glob(f"*{suffix}"))), ".png")
    if suffix == ".mat":
        return _blocks(sorted(path.glob("*.mat")), names, variable, white)
    files = [path / f"{name}{suffix}" for name in names]
    missing = [file.name for file in files if not file.is_file()]
    if missing:
        there = sum(1 for _ in path.glob(f"*{suffix}"))
        raise UserError(
            f"Expected {len(names)} outputs in {path}, each named after its sample, but {len(missing)} are missing, "
            f"the first {missing[0]} (the folder has {there} {suffix} files)."
        )
    is_float = suffix == ".npy"
    read = read_npy if is_float else _read_png
    content = digest([sha256_file(file) for file in files])
    return Foreign(
        lambda index: read(files[index]), lambda index: str(files[index]), is_float, white, content, f"{suffix} files"
    )


def _read_png(file: Path) -> np.ndarray:
    from datasets.ops.images import read_image

    with file.open("rb") as stream:
        is_grey = stream.read(26)[25:] in (b"\x00", b"\x04")  # the header's colour type: grey, grey with alpha
    return read_image(file, 1 if is_grey else 3)


def _blocks(files: Sequence[Path], names: Sequence[str], variable: str | None, white: float) -> Foreign:
    """The blocks of one file, or of several one after the other."""
    opened = [open_blocks(file, variable) for file in files]
    places = [(number, index) for number, one in enumerate(opened) for index in range(one.count)]
    where = files[0] if len(files) == 1 else files[0].parent
    if len(places) != len(names):
        from datasets.mat import variables

        listed = f": {opened[0].variable} of {variables(where)}" if where.suffix.lower() == ".mat" else ""
        raise UserError(
            f"Expected {len(names)} blocks in {where}, one per image of the split, got {len(places)}{listed}."
        )
    content = digest([sha256_file(file) for file in files]) if len(files) > 1 else sha256_file(files[0])

    def read(index: int) -> np.ndarray:
        number, inside = places[index]
        return opened[number].read(inside)

    def label(index: int) -> str:
        return f"The block {places[index][1]} of {files[places[index][0]]}"

    return Foreign(read, label, all(one.is_float for one in opened), white, content, opened[0].note)
