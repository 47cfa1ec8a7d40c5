"""The images of a training on disk: one flat, memory-mapped array per member and an index, frozen once made.

The index holds the hashes of the arrays and its own checksum; both are checked whenever a store is opened.
"""

from __future__ import annotations

import os
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np

from datasets.core.errors import UserError
from datasets.core.fault_points import fault_point
from datasets.core.files import clear_parts, replacing, sha256_file
from datasets.core.locks import taking_turns
from datasets.core.sealed import DamagedError, read_sealed, set_aside, write_sealed

Entry = dict[str, np.ndarray]
Source = tuple[str, Callable[[], list[Entry]]]
Progress = Callable[[str, int, int], None]
_REMEDY = "give the command again: it keeps the damaged pool and makes a new one"


class Store:
    """A frozen set of images, opened.

    Attributes:
        names: of the source image of each entry; a source may give several entries (scales, draws).
        shapes: member -> (entries, 2) int64, height and width.
        pixels: member -> (total pixels, C) uint8 or float32 memory map; an entry's rows follow each other.

    Raises:
        DamagedError: the index or an array is not what was written. Stores of earlier versions have no hashes: of
            those the shapes are checked.
    """

    def __init__(self, folder: Path) -> None:
        index, _ = read_sealed(folder / "index.json", _REMEDY)
        self.folder = folder
        try:
            self.names: list[str] = list(index["names"])
            self.shapes = {m: np.array(s, np.int64).reshape(-1, 2) for m, s in index["shapes"].items()}
            hashes = dict(index.get("sha256", {}))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DamagedError(folder / "index.json", f"{type(error).__name__}: {error}", _REMEDY) from error
        self.pixels: dict[str, np.ndarray] = {m: self._opened(m, hashes.get(m)) for m in self.shapes}

    def _opened(self, member: str, sha256: str | None) -> np.ndarray:
        path = self.folder / f"{member}.npy"
        try:
            if sha256 is not None and sha256_file(path) != sha256:
                raise ValueError("its checksum is another")
            array: np.ndarray = np.load(path, mmap_mode="r")
            wanted = int(self.shapes[member].prod(axis=1).sum())
            if array.ndim != 2 or len(array) != wanted or len(self.shapes[member]) != len(self.names):
                raise ValueError(f"its shape is {array.shape}, the index says {wanted} pixels")
        except (OSError, ValueError, EOFError, SyntaxError, TokenError) as error:  # numpy of a header that is cut
            raise DamagedError(path, str(error), _REMEDY) from error
        return array

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
    def make(cls, folder: Path, sources: Sequence[Source], report: Progress | None = None) -> Store:
        """Open a store, after making what is missing of it.

        Every source is finished on its own (temporary file, then rename) and the index is written last, so that a
        killed preparation goes on where it was and ends with the same bytes. Two trainings that want the same store
        take turns: the second finds it made. A store that is damaged is set aside and made again.
        """
        with taking_turns(folder.with_suffix(".lock")):
            clear_parts(folder)
            if (folder / "index.json").is_file():
                try:
                    return cls(folder)
                except DamagedError as error:
                    set_aside(folder, error)
            if not (folder / "index.json").is_file():
                parts = folder / "parts"
                parts.mkdir(parents=True, exist_ok=True)
                files = list(_made(parts, sources, report))
                _join(folder, [name for name, _ in sources], files)
                shutil.rmtree(parts, ignore_errors=True)
        return cls(folder)


def _made(parts: Path, sources: Sequence[Source], report: Progress | None) -> Iterator[Path]:
    def one(item: tuple[int, Source]) -> Path:
        number, (name, load) = item
        path = parts / f"{number:06d}.npz"
        if path.is_file() and not _whole(path):
            set_aside(path, f"{path} is damaged.")
        if not path.is_file():
            arrays = {f"{k}/{m}": a for k, entry in enumerate(load()) for m, a in _checked(name, entry).items()}
            with replacing(path, durable=False) as part, part.open("wb") as stream:
                np.savez(stream, **arrays)  # type: ignore[arg-type]
        return path

    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as threads:
        try:
            for done, path in enumerate(threads.map(one, enumerate(sources)), 1):
                fault_point("train.prepare")
                if report:
                    report("preparing the training images", done, len(sources))
                yield path
        except BaseException:
            threads.shutdown(cancel_futures=True)
            raise


def _whole(path: Path) -> bool:
    """Whether a finished source reads as it was written; the archive has a checksum of each array."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error, NotImplementedError):
        return False


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
    """Lay all entries end to end, one file per member; the index comes last.

    The arrays are written as files and not through a map of memory: a full disk is an error then, and no SIGBUS.
    """
    owners, shapes, kinds = _survey(names, files)
    hashes = {}
    for member, (dtype, channels) in kinds.items():
        total = sum(h * w for h, w in shapes[member])
        with replacing(folder / f"{member}.npy") as part:
            with part.open("wb") as stream:
                header = {"descr": dtype, "fortran_order": False, "shape": (total, channels)}
                np.lib.format.write_array_header_1_0(stream, header)
                for array in _arrays(files, member):
                    stream.write(np.ascontiguousarray(array, np.dtype(dtype)).data)
            hashes[member] = sha256_file(part)
    write_sealed(folder / "index.json", {"names": owners, "shapes": shapes, "sha256": hashes})


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
