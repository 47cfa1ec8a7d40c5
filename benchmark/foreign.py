"""Restored images that somebody else made: a folder of PNG or .npy files, or MATLAB's array of blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from datasets.ops.errors import UserError
from datasets.ops.files import digest, sha256_file


@dataclass(frozen=True)
class Foreign:
    """Outputs in the order of a dataset's samples.

    Attributes:
        read: index -> (H, W, C) float32 with white at 1, or uint8.
        is_float: whether they are floats; 8-bit files cannot be scored under float conventions.
        sha256: over all of them. note: for the record.
    """

    read: Callable[[int], np.ndarray]
    is_float: bool
    sha256: str
    note: str


def open_foreign(path: Path, names: Sequence[str]) -> Foreign:
    """Find the output of every named sample.

    Args:
        path: a folder of ``<name>.npy`` or ``<name>.png``, or a ``.mat`` of (S, B, H, W, 3) in the names' order.
    Raises:
        UserError: neither, or an output is missing (names the first); later, from `read`, a damaged file.
    """
    if path.is_dir():
        return _folder(path, names)
    if path.is_file() and path.suffix.lower() == ".mat":
        return _matlab(path, len(names))
    raise UserError(f"Expected a folder of PNG or .npy files, or a .mat file, at {path}, but there is none.")


def _folder(path: Path, names: Sequence[str]) -> Foreign:
    suffix = ".npy" if any(path.glob("*.npy")) else ".png"
    files = [path / f"{name}{suffix}" for name in names]
    missing = [file.name for file in files if not file.is_file()]
    if missing:
        there = sum(1 for _ in path.glob(f"*{suffix}"))
        raise UserError(
            f"Expected {len(names)} outputs in {path}, each named after its sample, but {len(missing)} are missing, "
            f"the first {missing[0]} (the folder has {there} {suffix} files)."
        )
    is_float = suffix == ".npy"
    read = _read_npy if is_float else _read_png
    content = digest([sha256_file(file) for file in files])
    return Foreign(lambda index: read(files[index]), is_float, content, f"{suffix} files")


def _read_png(file: Path) -> np.ndarray:
    from datasets.ops.images import read_image

    return read_image(file, 1 if _is_grey_png(file) else 3)


def _is_grey_png(file: Path) -> bool:
    with file.open("rb") as stream:
        return stream.read(26)[25:] in (b"\x00", b"\x04")  # the header's colour type: grey, grey with alpha


def _read_npy(file: Path) -> np.ndarray:
    try:
        array = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"The output {file} cannot be read as a .npy array of numbers: {error}.") from error
    return _floats(array, file)


def _floats(array: np.ndarray, file: Path) -> np.ndarray:
    if array.dtype.kind != "f":
        raise UserError(f"Expected floats with white at 1 in {file}, got {array.dtype}: save 8-bit outputs as PNG.")
    return array.astype(np.float32)


def _matlab(path: Path, count: int) -> Foreign:
    from datasets.mat import Blocks, is_hdf5, read_array, variables

    blocks = Blocks(path)
    if len(blocks) != count:
        raise UserError(
            f"Expected {count} blocks in {path}, one per image of the split, got {len(blocks)}: {variables(path)}."
        )
    sha256 = sha256_file(path)
    if _kind(path, is_hdf5(path), blocks.variable) == "u":
        return Foreign(blocks.block, False, sha256, "8-bit .mat")
    # read at once: cutting single blocks out of a column-major array touches all of it each time
    flat = read_array(path, blocks.variable).reshape(count, *blocks.image)
    return Foreign(lambda index: _floats(np.ascontiguousarray(flat[index]), path), True, sha256, "float .mat")


def _kind(path: Path, hdf5: bool, variable: str) -> str:
    if hdf5:
        import h5py

        with h5py.File(path, "r") as file:
            return str(file[variable].dtype.kind)
    import scipy.io

    found = {name: kind for name, _, kind in scipy.io.whosmat(str(path))}
    return "u" if found[variable] == "uint8" else "f"
