"""The blocks of SIDD in the containers and under the index conventions that are met.

Every finder gives blocks by scene and number, both 0-based; names of the prepared images are the flat 0-based index.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from datasets.base import Item
from datasets.core.errors import UserError
from datasets.hdf5 import open_hdf5
from datasets.mat import Blocks
from datasets.sidd_names import png_blocks
from datasets.sidd_scenes import PER_SCENE, Block, Scene, held_out, recognise

_OFFICIAL = {
    "validation": ("ValidationNoisyBlocksSrgb", "ValidationGtBlocksSrgb"),
    "benchmark": ("BenchmarkNoisyBlocksSrgb", ""),
    "plus": ("siddplus_valid_noisy_srgb", "siddplus_valid_gt_srgb"),
}
PAGE = "https://abdokamel.github.io/sidd/"
_COPY = re.compile(r" ?\(\d+\)$")
_HDF5 = (".h5", ".hdf5", ".hdf")
_KNOWN = "of the SIDD validation blocks, by the pixel hashes of some"
STRANGE = "not the SIDD validation blocks by pixel hash"


def block_items(folder: Path, files: Sequence[Path]) -> Iterator[Item]:
    """Items of all block sets among the files of a folder.

    Raises:
        UserError: a partner file is missing, counts differ, one split comes twice, wrong shape or dtype.
    """
    seen: set[str] = set()
    for split, blocks, note in [*_mat_sets(files), *_hdf5_sets(files), *png_blocks(folder, files)]:
        if split in seen:
            raise UserError(f"Expected one set of SIDD {split} blocks in {folder}, but found two; keep one of them.")
        seen.add(split)
        yield from _items(split, blocks, note)


def _items(split: str, blocks: Sequence[Block], note: str) -> Iterator[Item]:
    known = (
        recognise({b.scene * PER_SCENE + b.number: b for b in blocks if b.number < PER_SCENE})
        if split == "validation"
        else None
    )
    note = STRANGE if known is False else note
    if split == "train":
        note = "training crops: their scenes are not known"
    for block in blocks:
        scene = _scene(split, block, known)
        load = {"degraded": block.noisy} | ({"clean": block.clean} if block.clean else {})
        meta: dict[str, Any] = {"scene_index": block.scene, "block": block.number}
        meta |= {} if known is None else {"recognised": known}
        meta |= {"note": note} if note else {}
        told = (_KNOWN,) if known else ()
        yield Item(f"{block.index:04d}", split, scene.name, load, scene.camera, scene.iso, meta, notes=told)


def _scene(split: str, block: Block, known: bool | None) -> Scene:
    """The instance by its index; blocks that are not the real ones have numbered scenes, SIDD+ a single unknown one."""
    if split == "plus":
        return Scene("siddplus")
    if split == "train":
        return Scene(f"crop{block.index:04d}")
    if known is False or block.scene >= len(held_out()):
        return Scene(f"scene{block.scene:02d}")
    return held_out()[block.scene]


def _mat_sets(files: Sequence[Path]) -> Iterator[tuple[str, list[Block], str]]:
    # Browsers number what is fetched twice: "ValidationNoisyBlocksSrgb (1).mat".
    by_stem = {_COPY.sub("", path.stem.lower()): path for path in reversed(files) if path.suffix.lower() == ".mat"}
    for split, (noisy_name, clean_name) in _OFFICIAL.items():
        noisy, clean = by_stem.get(noisy_name.lower()), by_stem.get(clean_name.lower())
        if noisy is None and clean is None:
            continue
        if noisy is None or (clean is None and clean_name):
            missing, there = (noisy_name, clean) if noisy is None else (clean_name, noisy)
            raise UserError(
                f"Expected the partner {missing}.mat beside {there}, but it is not there; it comes from {PAGE}."
            )
        noisy_blocks = _opened(noisy, noisy_name)
        clean_blocks = _opened(clean, clean_name) if clean else None
        if clean_blocks and clean_blocks.shape != noisy_blocks.shape:
            raise UserError(
                f"Expected as many clean blocks as noisy ones, but {noisy} holds {noisy_blocks.shape} and {clean} "
                f"{clean_blocks.shape}."
            )
        yield split, list(_cut(noisy_blocks, clean_blocks)), ""


def _opened(path: Path, variable: str) -> Blocks:
    blocks = Blocks(path, variable)
    if blocks.image != (256, 256, 3):
        raise UserError(
            f"Expected {variable!r} in {path} to have the shape (scenes, blocks, 256, 256, 3), "
            f"but it is {blocks.shape}."
        )
    return blocks


def _cut(noisy: Blocks, clean: Blocks | None) -> Iterator[Block]:
    """Blocks of a five-dimensional array; of a plain list of images 32 make a scene."""
    width = noisy.per_scene if len(noisy.groups) == 2 else PER_SCENE
    for index in range(len(noisy)):
        scene, number = divmod(index, width)
        yield Block(index, scene, number, partial(noisy.block, index), partial(clean.block, index) if clean else None)


def _hdf5_sets(files: Sequence[Path]) -> Iterator[tuple[str, list[Block], str]]:
    """One HDF5 dataset per block, key = flat 0-based index, (256, 256, 6) uint8: noisy RGB, then clean RGB."""
    for path in files:
        if path.suffix.lower() in _HDF5:
            yield "validation", [_pair(path, key) for key in _keys(path)], ""


def _pair(path: Path, key: int) -> Block:
    return Block(key, *divmod(key, PER_SCENE), partial(_six, path, key, 0), partial(_six, path, key, 3))


def _keys(path: Path) -> list[int]:
    """Sorted as numbers: HDF5 lists them as text, where '10' comes before '2'."""
    try:
        with open_hdf5(path) as file:
            shapes: Mapping[str, Any] = {key: getattr(item, "shape", None) for key, item in file.items()}
    except OSError as error:
        raise UserError(
            f"Expected an HDF5 file of blocks at {path}, but it is truncated or broken: {error}."
        ) from error
    wrong = {key: shape for key, shape in shapes.items() if not key.isdigit() or shape != (256, 256, 6)}
    if wrong or not shapes:
        came = next(iter(wrong.items()), "no dataset at all")
        raise UserError(f"Expected datasets '0', '1', ... of shape (256, 256, 6) in {path}, but found {came}.")
    return sorted(int(key) for key in shapes)


def _six(path: Path, key: int, first: int) -> np.ndarray:
    try:
        with open_hdf5(path) as file:
            pair = file[str(key)][()]
    except OSError as error:
        raise UserError(f"Expected a whole block {key} in {path}, but it cannot be read: {error}.") from error
    if pair.dtype != np.uint8:
        raise UserError(f"Expected block {key} in {path} to be uint8, but it is {pair.dtype}.")
    return np.ascontiguousarray(pair[..., first : first + 3])
