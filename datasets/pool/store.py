"""The images of a training on disk: one flat, memory-mapped array per member and an index, frozen once made."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from datasets.ops.errors import UserError
from datasets.ops.files import replacing, write_json
from datasets.ops.locks import taking_turns
from datasets.ops.phases import passing

Entry = dict[str, np.ndarray]
Source = tuple[str, Callable[[], list[Entry]]]
Report = Callable[[str, int, int], None]


class Store:
    """A frozen set of images, opened.

    Attributes:
        names: of the source image of each entry; a source may give several entries (scales, draws).
        shapes: member -> (entries, 2) int64, height and width.
        pixels: member -> (total pixels, C) uint8 or float32 memory map; an entry's rows follow each other.
    """

    def __init__(self, folder: Path) -> None:
        index = json.loads((folder / "index.json").read_text())
        self.folder = folder
        self.names: list[str] = index["names"]
        self.shapes = {m: np.array(s, np.int64).reshape(-1, 2) for m, s in index["shapes"].items()}
        self.pixels: dict[str, np.ndarray] = {m: np.load(folder / f"{m}.npy", mmap_mode="r") for m in self.shapes}

    def __len__(self) -> int:
        return len(self.names)

    @property
    def nbytes(self) -> int:
        """Bytes of all members: what a device must hold to cut patches itself."""
        return sum(array.nbytes for array in self.pixels.values())

    def offsets(self, member: str) -> np.ndarray:
        """(entries,) int64: the first pixel of each entry."""
        areas = self.shapes[member].prod(axis=1)
        return np.cumsum(areas) - areas

    @classmethod
    def make(cls, folder: Path, sources: Sequence[Source], report: Report | None = None) -> Store:
        """Open a store, after making what is missing of it.

        Every source is finished on its own (temporary file, then rename) and the index is written last, so that a
        killed preparation goes on where it was and ends with the same bytes. Two trainings that want the same store
        take turns: the second finds it made.
        """
        with taking_turns(folder.with_suffix(".lock")):
            cls._make(folder, sources, report)
        return cls(folder)

    @staticmethod
    def _make(folder: Path, sources: Sequence[Source], report: Report | None) -> None:
        if not (folder / "index.json").is_file():
            parts = folder / "parts"
            parts.mkdir(parents=True, exist_ok=True)
            files = list(_made(parts, sources, report))
            _join(folder, [name for name, _ in sources], files)
            shutil.rmtree(parts, ignore_errors=True)


def _made(parts: Path, sources: Sequence[Source], report: Report | None) -> Iterator[Path]:
    def one(item: tuple[int, Source]) -> Path:
        number, (name, load) = item
        path = parts / f"{number:06d}.npz"
        if not path.is_file():
            arrays = {f"{k}/{m}": a for k, entry in enumerate(load()) for m, a in _checked(name, entry).items()}
            with replacing(path, durable=False) as part, part.open("wb") as stream:
                np.savez(stream, **arrays)  # type: ignore[arg-type]
        return path

    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as threads:
        try:
            for done, path in enumerate(threads.map(one, enumerate(sources)), 1):
                passing("train.prepare")
                if report:
                    report("preparing the training images", done, len(sources))
                yield path
        except BaseException:
            threads.shutdown(cancel_futures=True)
            raise


def _checked(name: str, entry: Entry) -> Entry:
    for member, array in entry.items():
        if array.dtype not in (np.uint8, np.float32) or array.ndim not in (2, 3):
            raise UserError(
                f"The training image {name!r} must be (H, W) or (H, W, C), uint8 or float32; "
                f"its member {member!r} came as {array.shape} {array.dtype}."
            )
        if array.dtype == np.float32 and not np.isfinite(array).all():
            raise UserError(f"The training image {name!r} has values in {member!r} that are not finite.")
    return entry


def _join(folder: Path, names: Sequence[str], files: Sequence[Path]) -> None:
    """Lay all entries end to end, one file per member; the index comes last."""
    owners, shapes, kinds = _survey(names, files)
    for member, (dtype, channels) in kinds.items():
        total = sum(h * w for h, w in shapes[member])
        with replacing(folder / f"{member}.npy") as part:
            flat = np.lib.format.open_memmap(part, "w+", np.dtype(dtype), (total, channels))
            start = 0
            for array in _arrays(files, member):
                flat[start : start + array.size // channels] = array.reshape(-1, channels)
                start += array.size // channels
            flat.flush()
            del flat
    write_json(folder / "index.json", {"names": owners, "shapes": shapes})


def _arrays(files: Sequence[Path], member: str) -> Iterator[np.ndarray]:
    for file in files:
        with np.load(file) as stored:
            for key in stored.files:
                if key.split("/", 1)[1] == member:
                    yield stored[key]


def _survey(names: Sequence[str], files: Sequence[Path]) -> tuple[list[str], dict[str, list], dict[str, tuple]]:
    """Owner of each entry, shapes by member, and dtype and channels by member, which must agree over all entries."""
    owners: list[str] = []
    shapes: dict[str, list[list[int]]] = {}
    kinds: dict[str, tuple[str, int]] = {}
    for name, file in zip(names, files, strict=True):
        for key, shape, dtype in _headers(file):
            member = key.split("/", 1)[1]
            kind = (dtype.str, shape[2] if len(shape) == 3 else 1)
            if kinds.setdefault(member, kind) != kind:
                raise UserError(
                    f"The training images must be alike: {member!r} is {kinds[member]}, of {name!r} {kind}."
                )
            shapes.setdefault(member, []).append(list(shape[:2]))
            if len(shapes[member]) > len(owners):
                owners.append(name)
    if not owners or {len(s) for s in shapes.values()} != {len(owners)}:
        raise UserError(
            f"The training needs images with the same members; came { ({m: len(s) for m, s in shapes.items()}) }."
        )
    return owners, shapes, kinds


def _headers(file: Path) -> Iterator[tuple[str, tuple[int, ...], Any]]:
    with np.load(file) as stored:
        for key in stored.files:
            array = stored[key]
            yield key, array.shape, array.dtype
