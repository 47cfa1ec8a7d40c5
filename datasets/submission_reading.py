"""Restored blocks as the benchmarks' submission files and MATLAB codes hold them: arrays, cells, SIDD's CSV."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from datasets.core.errors import UserError
from datasets.core.files import open_ordinary
from datasets.mat import Blocks, dtype_of, read_array, read_cell, variables
from datasets.submission import BLOCK

CELLS, SUBMITTED = "cell", ("DenoisedBlocksSrgb", "Idenoised")
_MOST_CSV = 1 << 31


@dataclass(frozen=True)
class OutputBlocks:
    """Restored images in the order of their file.

    Attributes:
        count: how many. read: index -> (H, W, C), uint8 or float32 as stored (floats are not looked at).
        is_float: whether they are floats. note: what the file is, for a record. variable: which one was read.
    """

    count: int
    read: Callable[[int], np.ndarray]
    is_float: bool
    note: str
    variable: str = ""


def open_blocks(path: Path | str, variable: str | None = None) -> OutputBlocks:
    """Open a ``.mat`` of blocks, (S, B, H, W, 3) or (N, H, W, 3) or a cell of images, or SIDD's ``SubmitSrgb.csv``.

    Args:
        variable: of a .mat; None takes the only one that can be meant: that of the submission files, or the only array
            or cell of images.
    Raises:
        UserError: another kind of file; several variables and none named (lists them); blocks of another form.
    """
    path = Path(path)
    if path.suffix.lower() == ".csv":
        return _csv(path)
    name = _chosen(path, variable)
    if dtype_of(path, name) == CELLS:
        return _cells(path, name)
    blocks = Blocks(path, name)
    if dtype_of(path, name) == "uint8":
        return OutputBlocks(len(blocks), blocks.block, False, f"8-bit .mat, {name}", name)
    # read at once: cutting single blocks out of a column-major array touches all of it each time
    flat = read_array(path, name).reshape(len(blocks), *blocks.image)
    return OutputBlocks(len(blocks), lambda i: np.ascontiguousarray(flat[i]), True, f"float .mat, {name}", name)


def _chosen(path: Path, variable: str | None) -> str:
    found = variables(path)
    if variable is not None:
        if variable in found:
            return variable
        candidates: list[str] = []
    else:
        known = [name for name in SUBMITTED if name in found]
        candidates = known or [
            name for name, shape in found.items() if len(shape) in (4, 5) or dtype_of(path, name) == CELLS
        ]
        if len(candidates) == 1:
            return candidates[0]
    wanted = f"the variable {variable!r}" if variable else "one array or cell of images"
    listing = ", ".join(f"{name} {shape}" for name, shape in found.items()) or "no variable at all"
    raise UserError(f"Expected {wanted} in {path}, but found {listing}; name one with --variable NAME.")


def _cells(path: Path, name: str) -> OutputBlocks:
    """A cell of images; MATLAB's (scenes, blocks) order is C order here."""
    images = list(read_cell(path, name).reshape(-1))
    shapes = {np.shape(image) for image in images}
    kinds = {getattr(image, "dtype", np.dtype(object)).kind for image in images}
    if len(shapes) != 1 or len(next(iter(shapes))) not in (2, 3) or not kinds <= {"f"} | {"u"} or len(kinds) != 1:
        came = ", ".join(map(str, sorted(shapes)[:3])) or "nothing"
        raise UserError(f"Expected the cell {name!r} in {path} to hold images of one shape and type, but found {came}.")
    is_float = kinds == {"f"}
    if not is_float and any(image.dtype != np.uint8 for image in images):
        raise UserError(f"Expected floats or uint8 in the cell {name!r} of {path}, but found {images[0].dtype}.")

    def read(index: int) -> np.ndarray:
        image = np.ascontiguousarray(images[index])
        return image.astype(np.float32) if is_float else image

    return OutputBlocks(len(images), read, is_float, f"{'float' if is_float else '8-bit'} .mat, cell {name}", name)


def _csv(path: Path) -> OutputBlocks:
    """``ID,BLOCK``: a number and the base64 text of (256, 256, 3) bytes, in any order of the numbers."""
    places: dict[int, tuple[int, int]] = {}
    with open_ordinary(path, _MOST_CSV) as stream:
        at = len(stream.readline())
        stream.seek(0)
        if stream.readline(64).strip().replace(b'"', b"") != b"ID,BLOCK":
            raise UserError(f"Expected SIDD's submission in {path}, with the header ID,BLOCK, but it has another one.")
        for line in stream:
            number, _, text = line.partition(b",")
            if not number.strip().isdigit():
                raise UserError(f"Expected a number and a block in each line of {path}, but found {line[:20]!r}.")
            places[int(number)] = (at + len(number) + 1, len(text))
            at += len(line)
    if sorted(places) != list(range(len(places))) or not places:
        raise UserError(f"Expected the blocks 0, 1, 2 ... in {path}, but found {len(places)} others.")

    def read(index: int) -> np.ndarray:
        start, length = places[index]
        with open_ordinary(path, _MOST_CSV) as stream:
            stream.seek(start)
            text = stream.read(length).strip().strip(b'"')
        try:
            data = base64.b64decode(text, validate=True)
        except binascii.Error as error:
            raise UserError(f"Block {index} of {path} is no base64 text: {error}.") from error
        if len(data) != int(np.prod(BLOCK)):
            raise UserError(f"Expected {BLOCK} bytes in block {index} of {path}, but it has {len(data)}.")
        return np.frombuffer(data, np.uint8).reshape(BLOCK)

    return OutputBlocks(len(places), read, False, "SIDD's submission as CSV, 8 bits")
