"""The state of a results folder as a few files of bounded size, from which another machine goes on.

What is left out is made again: pools of training images, saved outputs, TensorBoard's files.
"""

from __future__ import annotations

import hashlib
import io
import re
import shutil
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from datasets.core.errors import UserError
from datasets.core.files import replacing, sha256_file
from datasets.core.names import inside
from datasets.core.sealed import DamagedError, read_sealed, write_sealed

INDEX = "state.json"
SMALLEST = 1 << 16  # bytes of a part: less would make thousands of them
_REMEDY = "copy it again from where it was made"
_PART = re.compile(r"state-[0-9a-f]+-[0-9]+")
# What of a results folder a state may hold; a state that names another place is refused.
_PLACE = re.compile(
    r"training/[^/]+/(done\.json|last\.pt|best\.pt|log\.csv)|weights/.+\.(safetensors|json)"
    r"|runs/[^/]+/(record\.json|scores\.csv)|protocols/[^/]+\.(md|csv)|timings\.csv"
)
_CHUNK = 1 << 20


def pack(results: Path, folder: Path, most_of_one: int | None = None, most_of_all: int | None = None) -> list[Path]:
    """Write the state of a results folder; the one that lay there before goes once the new one is whole.

    Args:
        folder: where its files come to. most_of_one, most_of_all: bytes of a file, and of all files; None = any.
            Where the second does not hold everything, what is worth least is left out: checkpoints of the best score,
            then logs.
    Returns:
        the files, the index first.
    Raises:
        UserError: it does not fit into `most_of_all` (the results folder itself has everything still).
    """
    if most_of_one is not None and most_of_one < SMALLEST:
        raise UserError(f"A state is kept in files of {SMALLEST} bytes or more: give --max-file-size {SMALLEST}.")
    chosen = _chosen(results, most_of_all)
    folder.mkdir(parents=True, exist_ok=True)
    before = {path for path in folder.glob("state-*") if path.is_file()}
    key = hashlib.sha256(repr([(name, path.stat().st_size, path.stat().st_mtime_ns) for name, path in chosen]).encode())
    parts = _Parts(folder, f"state-{key.hexdigest()[:8]}", most_of_one or (1 << 62))
    with tarfile.open(fileobj=parts, mode="w|") as archive:  # type: ignore[call-overload]  # it writes, and no more
        for name, path in chosen:
            archive.add(path, name, recursive=False)
    parts.close()
    listed = [{"name": part.name, "bytes": part.stat().st_size, "sha256": sha256_file(part)} for part in parts.made]
    write_sealed(folder / INDEX, {"parts": listed})
    for path in before - set(parts.made):
        path.unlink()
    return [folder / INDEX, *parts.made]


def unpack(folder: Path, results: Path) -> int:
    """Bring a state into a results folder, where it is newer than what lies there; the number of files taken.

    Raises:
        UserError: the state is damaged or incomplete, or names places that are none of a results folder.
    """
    if not (folder / INDEX).is_file():
        return 0
    index, _ = read_sealed(folder / INDEX, _REMEDY)
    listed = index.get("parts")
    if not isinstance(listed, list) or not listed:
        raise DamagedError(folder / INDEX, "it names no parts", _REMEDY)
    parts = [_whole(folder, part) for part in listed]  # each of which is what was written
    taken = 0
    try:
        with tarfile.open(fileobj=_Joined(parts), mode="r|") as archive:  # type: ignore[call-overload]  # it reads, only
            for member in archive:
                taken += _brought(archive, member, folder, results)
    except tarfile.TarError as error:
        raise DamagedError(folder / INDEX, f"its parts are no archive: {error}", _REMEDY) from error
    return taken


def _brought(archive: tarfile.TarFile, member: tarfile.TarInfo, folder: Path, results: Path) -> bool:
    """Write one file of a state; False where what lies there is as new. Raises UserError for one that is no file."""
    # A sparse file may claim any size, and takes no room in the archive.
    if not member.isfile() or member.issparse() or not _PLACE.fullmatch(member.name):
        raise UserError(f"The state in {folder} names {member.name[:200]!r}, which is no file of a results folder.")
    target, content = inside(results, member.name), archive.extractfile(member)
    if content is None or (target.is_file() and target.stat().st_mtime >= member.mtime):
        return False
    with replacing(target, durable=False) as part, part.open("wb") as stream:
        shutil.copyfileobj(content, stream, _CHUNK)
    return True


def _whole(folder: Path, part: Any) -> Path:
    name, wanted = (part.get("name"), part.get("sha256")) if isinstance(part, dict) else (None, None)
    if not isinstance(name, str) or not _PART.fullmatch(name):
        raise DamagedError(folder / INDEX, f"it names the part {name!r:.200}", _REMEDY)
    path = folder / name
    if not path.is_file() or sha256_file(path) != wanted:
        raise DamagedError(path, "it is missing or not what was written", _REMEDY)
    return path


def _chosen(results: Path, most: int | None) -> list[tuple[str, Path]]:
    """Name and file of what is packed, in order of their names."""
    files = {path.relative_to(results).as_posix(): path for path in _worth_keeping(results)}
    for unneeded in ("best.pt", "log.csv"):
        if most is None or _size(files) <= most:
            break
        files = {name: path for name, path in files.items() if not name.endswith(f"/{unneeded}")}
    if most is not None and _size(files) > most:
        raise UserError(
            f"The state takes {_size(files):,} bytes, more than --max-total-size {most:,}: give more, or take it from "
            f"{results} itself."
        )
    return sorted(files.items())


def _worth_keeping(results: Path) -> Iterator[Path]:
    for training in sorted(results.glob("training/*")):
        finished = (training / "done.json").is_file()
        names = ("done.json", "log.csv") if finished else ("last.pt", "best.pt", "log.csv")
        yield from (training / name for name in names if (training / name).is_file())
    for pattern in ("weights/**/*.safetensors", "weights/**/*.json", "runs/*/record.json", "runs/*/scores.csv"):
        yield from sorted(results.glob(pattern))
    yield from (path for path in sorted(results.glob("protocols/*")) if path.suffix in (".md", ".csv"))
    yield from (path for path in (results / "timings.csv",) if path.is_file())


def _size(files: dict[str, Path]) -> int:
    """Bytes of the parts together: each file with its header and padding, the archive's end, and the index."""
    room = tarfile.BLOCKSIZE
    return sum(room * (3 + -(-path.stat().st_size // room)) for path in files.values()) + 3 * tarfile.RECORDSIZE


class _Parts:
    """A stream that goes on in another file where one is full."""

    def __init__(self, folder: Path, name: str, most: int) -> None:
        self.folder, self.name, self.most = folder, name, most
        self.made: list[Path] = []
        self._stream: io.BufferedWriter | None = None
        self._left = 0

    def write(self, data: bytes) -> int:
        view = memoryview(data)
        while view:
            if not self._left:
                self.close()
                self.made.append(self.folder / f"{self.name}-{len(self.made):03d}")
                self._stream, self._left = self.made[-1].open("wb"), self.most
            assert self._stream is not None
            here = view[: self._left]
            self._stream.write(here)
            self._left -= len(here)
            view = view[len(here) :]
        return len(data)

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()


class _Joined:
    """The parts read as one stream."""

    def __init__(self, parts: Sequence[Path]) -> None:
        self._waiting = list(parts)
        self._stream: io.BufferedIOBase = io.BytesIO()

    def read(self, size: int = _CHUNK) -> bytes:
        found = b""
        while len(found) < size:
            piece = self._stream.read(size - len(found))
            found += piece
            if not piece:
                if not self._waiting:
                    break
                self._stream.close()
                self._stream = self._waiting.pop(0).open("rb")
        return found
