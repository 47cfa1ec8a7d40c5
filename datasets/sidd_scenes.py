"""Facts of SIDD that its block files do not carry: scene names, and the pixel hashes of some real blocks."""

from __future__ import annotations

import csv
import functools
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files

import numpy as np

PER_SCENE = 32
Load = Callable[[], np.ndarray]
_INSTANCE = re.compile(r"(\d{4})_(\d{3})_([A-Z0-9]{2})_(\d{5})_(\d{5})_(\d{4})_([LNH])")


@dataclass(frozen=True)
class Scene:
    """A scene instance: its folder name, camera code and ISO value."""

    name: str
    camera: str = ""
    iso: int | None = None


@dataclass(frozen=True)
class Block:
    """A block of a scene as a source holds it: its flat 0-based index, scene and number in the scene (0-based).

    `clean` is None in the benchmark.
    """

    index: int
    scene: int
    number: int
    noisy: Load
    clean: Load | None


def _table(name: str) -> list[dict[str, str]]:
    text = (files("datasets") / "data" / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def scene_of(instance: str) -> Scene:
    """``0009_001_S6_00800_00350_3200_L`` -> camera S6, ISO 800. Another name gives a scene without them."""
    found = _INSTANCE.fullmatch(instance)
    return Scene(instance, found[3], int(found[4])) if found else Scene(instance)


@functools.cache
def held_out() -> tuple[Scene, ...]:
    """The 40 scenes of the validation and benchmark blocks in the order of their index.

    The order (sorted instance numbers) is inferred: the files name no scenes, but the noise of the blocks at hand
    fits the ISO values.
    """
    return tuple(scene_of(row["scene_instance"]) for row in _table("sidd_held_out_scenes.csv"))


@functools.cache
def known_blocks() -> dict[int, tuple[str, str]]:
    """Flat 0-based index -> SHA-256 of the RGB bytes of the noisy and (where known) the clean validation block."""
    return {int(row["index"]): (row["noisy_sha256"], row["clean_sha256"]) for row in _table("sidd_blocks.csv")}


def pixel_hash(image: np.ndarray) -> str:
    """SHA-256 of the bytes of an RGB image, whatever file format it came in."""
    return hashlib.sha256(np.ascontiguousarray(image).tobytes()).hexdigest()


def recognise(blocks: Mapping[int, Block]) -> bool | None:
    """Whether blocks (by flat index) are the real validation blocks: three of the known ones are looked at.

    None where no hash is known for any of them.
    """
    known = [index for index in sorted(known_blocks()) if index in blocks]
    probes = {known[0], known[len(known) // 2], known[-1]} if known else set()
    return all(_is_known(index, blocks[index]) for index in sorted(probes)) if probes else None


def _is_known(index: int, block: Block) -> bool:
    noisy, clean = known_blocks()[index]
    same = pixel_hash(block.noisy()) == noisy
    return same and (block.clean is None or not clean or pixel_hash(block.clean()) == clean)
