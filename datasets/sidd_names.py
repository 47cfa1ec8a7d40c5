"""SIDD blocks as image files: which block a file name means.

Met in the wild: flat 0-based (``0047_N.png``/``0047_CL.png``, ``val_47_NOISY.png``/``val_47_GT.png``, or equal names in
two folders), flat 1-based, and 1-based pairs scene_block (``0002_16.png``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from datasets.core.errors import UserError
from datasets.listing import Loader
from datasets.ops.images import SUFFIXES, read_image
from datasets.sidd_scenes import PER_SCENE, Block, Load, known_blocks, pixel_hash

_NAME = re.compile(r"(val_)?(\d{1,4})(?:_(\d{1,2}))?(?:_(N|CL|NOISY|GT))?", re.IGNORECASE)
_NOISY = {"noisy", "input", "lq", "rn", "noise", "siddplus_valid_noisy_srgb"}
_CLEAN = {"clean", "gt", "hq", "cl", "target", "groundtruth", "ground_truth", "siddplus_valid_gt_srgb"}


@dataclass(frozen=True)
class Named:
    """A block file: its role, the numbers in its name, and whether the name has a mark of a 0-based convention."""

    path: Path
    role: str
    first: int
    second: int | None
    marked: bool


def png_blocks(folder: Path, files: Sequence[Path]) -> Iterator[tuple[str, list[Block], str]]:
    """(split, blocks in order, note) of the image files of a folder that are named like blocks.

    Raises:
        UserError: a noisy block without its clean one or the other way round; two files for one block.
    """
    splits: dict[str, list[Named]] = {}
    for path in files:
        named = _named(path)
        if named:
            splits.setdefault(_split(folder, path), []).append(named)
    for split, found in splits.items():
        shift, note = _base(found) if split != "plus" else (0, "")
        noisy, clean = (_by_index(found, role, shift) for role in ("noisy", "clean"))
        _check_partners(split, noisy, clean)
        yield split, [_block(index, noisy[index], clean.get(index)) for index in sorted(noisy)], note


def _named(path: Path) -> Named | None:
    found = _NAME.fullmatch(path.stem)
    if path.suffix.lower() not in SUFFIXES or not found:
        return None
    tag, parent = (found[4] or "").lower(), path.parent.name.lower()
    role = "noisy" if tag in ("n", "noisy") else "clean" if tag else ""
    role = role or ("noisy" if parent in _NOISY else "clean" if parent in _CLEAN else "")
    second = int(found[3]) if found[3] else None
    return Named(path, role, int(found[2]), second, bool(tag or found[1])) if role else None


def _split(folder: Path, path: Path) -> str:
    parts = "/".join([folder.name, *path.relative_to(folder).parts[:-1]]).lower()
    if "siddplus" in parts or "benchmark" in parts:
        return "plus" if "siddplus" in parts else "benchmark"
    return "train" if "train" in parts.split("/") else "validation"


def _base(found: Sequence[Named]) -> tuple[int, str]:
    """Number of the first block in names with one number (0 or 1), and a note where nothing tells."""
    flat = [named for named in found if named.second is None]
    numbers = {named.first for named in flat}
    if not flat or 0 in numbers or any(named.marked for named in flat):
        return 0, ""
    if 40 * PER_SCENE in numbers:
        return 1, ""
    for named in flat:
        if named.role == "noisy" and {named.first, named.first - 1} & known_blocks().keys():
            pixels = pixel_hash(read_image(named.path))
            for shift in (0, 1):
                if known_blocks().get(named.first - shift, ("", ""))[0] == pixels:
                    return shift, ""
    return 0, "nothing tells whether the file numbers begin at 0 or 1; 0 was taken"


def _index(named: Named, shift: int) -> int:
    if named.second is None:
        return named.first - shift
    return (named.first - 1) * PER_SCENE + named.second - 1


def _by_index(found: Sequence[Named], role: str, shift: int) -> dict[int, Path]:
    paths: dict[int, Path] = {}
    for named in found:
        if named.role == role:
            index = _index(named, shift)
            if index in paths:
                raise UserError(
                    f"Expected one {role} file per SIDD block, but {paths[index]} and {named.path} are the same."
                )
            if index < 0 or (named.second is not None and not 1 <= named.second <= PER_SCENE):
                raise UserError(f"Expected the name of {named.path} to be scene_block, from 0001_01 to 0040_32.")
            paths[index] = named.path
    return paths


def _check_partners(split: str, noisy: Mapping[int, Path], clean: Mapping[int, Path]) -> None:
    if split == "benchmark" and not clean:
        return
    lone = sorted(noisy.keys() ^ clean.keys())
    if lone:
        path, other = (noisy[lone[0]], "clean") if lone[0] in noisy else (clean[lone[0]], "noisy")
        raise UserError(
            f"Expected the {other} partner of {path}, but it is missing ({len(noisy)} noisy and {len(clean)} clean "
            f"blocks, {len(lone)} without a partner)."
        )


def _block(index: int, noisy: Path, clean: Path | None) -> Block:
    scene, number = divmod(index, PER_SCENE)
    return Block(index, scene, number, _loader(noisy), _loader(clean) if clean else None)


def _loader(path: Path) -> Load:
    return Loader(path, _read)


def _read(path: Path) -> np.ndarray:
    image = read_image(path)
    if image.shape != (256, 256, 3):
        raise UserError(
            f"Expected a SIDD block of 256x256 pixels in {path}, but it is {image.shape[1]}x{image.shape[0]}."
        )
    return image
