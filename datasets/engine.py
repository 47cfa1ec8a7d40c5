"""Making a prepared folder: images in parallel, each whole or absent, the manifest last.

The folder of a split begins with `source.json`, which says what its images are made from; an image found there comes
from that source and is hashed again, not written again. `manifest.csv` appears when everything is there, and only its
presence makes the folder prepared.
"""

from __future__ import annotations

import errno
import io
import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from datasets.base import Dataset, Item, Row
from datasets.manifest import (
    DATASET,
    MANIFEST,
    manifest_text,
    read_description,
    read_manifest,
    relative_path,
    write_manifest,
)
from datasets.ops.errors import UserError
from datasets.ops.files import digest, replacing, sha256_file, write_json
from datasets.ops.images import encode_png
from datasets.ops.locks import exclusive
from datasets.ops.phases import passing

Progress = Callable[[str, int, int], None]
SOURCE = "source.json"


@dataclass(frozen=True)
class Report:
    """What `prepare` did: number of images in the manifest, files written and files found whole."""

    name: str
    root: Path
    images: int
    written: int
    kept: int
    splits: Mapping[str, int]

    def __str__(self) -> str:
        counts = ", ".join(f"{split} {count}" for split, count in self.splits.items())
        done = f"{self.written} files written, {self.kept} found whole" if self.written else "already prepared"
        return f"{self.name}: {done} in {self.root} ({counts})"


def report_of(cls: type[Dataset], root: Path, rows: Sequence[Row], written: int, kept: int) -> Report:
    """The report of a folder whose manifest has these rows."""
    return Report(cls.facts.name, root, len(rows), written, kept, dict(Counter(row.split for row in rows)))


def prepare_items(
    cls: type[Dataset],
    items: Iterable[Item],
    source_identity: Mapping[str, Any],
    root: Path,
    *,
    report: Progress | None = None,
    workers: int | None = None,
) -> Report:
    """Write the images of `items` under `root`, then dataset.json, then manifest.csv.

    Args:
        cls: the dataset. items: in the manifest's order; listed whole before anything is written.
        source_identity: JSON value that differs when the source or the options do. Images of a folder of another
            identity are made anew.
    Raises:
        UserError: no items or two of one name; what a loader raises; a full disk or a folder that cannot be written;
            another `prepare` at work on the same folder.
    """
    listed, identity = _checked(cls.facts.name, items), dict(source_identity)
    with _writing(root), _locked(root):
        _refuse_foreign(cls, root)
        try:
            return _prepare(cls, listed, identity, root, report, workers)
        except UserError:
            _discard(cls, root, {item.split for item in listed})
            raise


def _discard(cls: type[Dataset], root: Path, splits: set[str]) -> None:
    """A source turned out to be broken: what was made from it so far is of no use to anyone."""
    there = read_manifest(root, cls.facts.name) if (root / MANIFEST).exists() else []
    for split in splits - {row.split for row in there}:
        shutil.rmtree(root / split, ignore_errors=True)
    if not there:
        shutil.rmtree(root, ignore_errors=True)


def _checked(name: str, items: Iterable[Item]) -> list[Item]:
    listed = list(items)
    twice = [key for key, count in Counter((item.split, item.name) for item in listed).items() if count > 1]
    if not listed or twice:
        came = f"{twice[0][1]!r} twice in split {twice[0][0]!r}" if twice else "no image"
        raise UserError(f"Expected images of different names for dataset {name!r}, but the source gives {came}.")
    return listed


@contextmanager
def _writing(root: Path) -> Iterator[None]:
    """Turn what a disk may answer into a sentence."""
    try:
        yield
    except OSError as error:
        reason = {
            errno.ENOSPC: "the disk is full; free some space",
            errno.EDQUOT: "the disk quota is used up; free some space",
            errno.EROFS: "it is on a read-only file system; name a folder that can be written with --data",
            errno.EACCES: "it may not be written; name a folder that can be written with --data",
            errno.EPERM: "it may not be written; name a folder that can be written with --data",
        }.get(error.errno or 0, f"{error.strerror or error}; put that right")
        raise UserError(
            f"Writing the prepared dataset to {root} failed: {reason} and run the same command again "
            "(whole files are kept)."
        ) from error


def _locked(root: Path) -> AbstractContextManager[None]:
    """One `prepare` at a time per folder."""
    root.mkdir(parents=True, exist_ok=True)
    return exclusive(root / ".lock", f"the preparation of {root}", "wait until it ends")


def _prepare(
    cls: type[Dataset],
    items: Sequence[Item],
    identity: dict[str, Any],
    root: Path,
    report: Progress | None,
    workers: int | None,
) -> Report:
    kept_rows, known = _begin(cls, items, identity, root)
    tasks = [(root, item, role, known.get((item.split, item.name, role))) for item in items for role in item.load]
    results = list(in_parallel(_one_file, tasks, f"prepare {cls.facts.name}", report, workers))
    done = zip(tasks, results, strict=True)
    hashes = {(item.split, item.name, role): found for (_, item, role, _), (found, _) in done}
    rows = kept_rows + [_row(item, hashes) for item in items]
    _finish(cls, rows, identity, {item.split for item in items}, root)
    written = sum(new for _, new in results)
    return report_of(cls, root, rows, written, len(results) - written)


def _begin(
    cls: type[Dataset], items: Sequence[Item], identity: dict[str, Any], root: Path
) -> tuple[list[Row], dict[tuple[str, str, str], str]]:
    """Clear away what comes from other sources. Returns the rows that stay and the hashes known of what is there."""
    rows = read_manifest(root, cls.facts.name) if (root / MANIFEST).exists() else []
    splits = {item.split for item in items}
    stay = [row for row in rows if row.split not in splits] if getattr(cls, "additive", False) else []
    if {row.split for row in rows} and any(_stale(root / split, identity) for split in splits):
        (root / MANIFEST).unlink()
        if stay:
            write_manifest(root, stay)
    keep = splits | {row.split for row in stay}
    for other in {marker.parent for marker in root.glob(f"*/{SOURCE}") if marker.parent.name not in keep}:
        shutil.rmtree(other)
    for part in root.rglob(".*.part"):
        part.unlink()
    for split in splits:
        if _stale(root / split, identity):
            # Images without a marker are remains of a tidying that was killed: whose they are, nobody knows.
            shutil.rmtree(root / split, ignore_errors=True)
            write_json(root / split / SOURCE, identity)
    return stay, {(row.split, row.name, role): text for row in rows for role, text in row.sha256.items()}


def _refuse_foreign(cls: type[Dataset], root: Path) -> None:
    """Never tidy a folder that somebody else filled."""
    there = [path for path in root.iterdir() if not path.name.startswith(".")]
    if there and not (root / DATASET).exists():
        raise UserError(
            f"Expected {root} to be empty or prepared by this program, but it holds {there[0].name!r} and no "
            f"{DATASET}; name another folder with --data."
        )
    if not there:
        write_json(root / DATASET, {"dataset": cls.facts.name, "sources": {}})


def _stale(folder: Path, identity: Mapping[str, Any]) -> bool:
    try:
        return digest(dict(identity)) != digest(json.loads((folder / SOURCE).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return True


def _one_file(task: tuple[Path, Item, str, str | None]) -> tuple[str, bool]:
    """Make one file unless it is there. Returns (sha256, whether it was written)."""
    root, item, role, known = task
    path = root / relative_path(item.split, role, item.name)
    if path.is_file() and path.stat().st_size:
        found = sha256_file(path)
        if known in (None, found):
            return found, False
    data = _encoded(item.load[role](), role)
    with replacing(path, durable=False) as part:
        part.write_bytes(data)
        passing("prepare.image")
    return sha256(data).hexdigest(), True


def _encoded(array: np.ndarray, role: str) -> bytes:
    if not role.startswith("raw"):
        return encode_png(array)
    stream = io.BytesIO()
    np.save(stream, np.ascontiguousarray(array, np.float32), allow_pickle=False)
    return stream.getvalue()


def _row(item: Item, hashes: Mapping[tuple[str, str, str], str]) -> Row:
    files = {role: relative_path(item.split, role, item.name) for role in item.load}
    found = {role: hashes[item.split, item.name, role] for role in item.load}
    return Row(item.name, item.split, item.scene, item.camera, item.iso, item.meta, files, found)


def _finish(cls: type[Dataset], rows: Sequence[Row], identity: dict[str, Any], splits: set[str], root: Path) -> None:
    before = read_description(root).get("sources", {})
    there = {row.split for row in rows}
    own = {"identity": identity, "splits": sorted(splits)}
    sources = {split: own if split in splits else before.get(split, {}) for split in sorted(there)}
    recognised = {split: _common(rows, split, "recognised") for split in sorted(there)}
    write_json(
        root / DATASET,
        {
            "dataset": cls.facts.name,
            "title": cls.facts.title,
            "counts": dict(Counter(row.split for row in rows)),
            "recognised": {split: value for split, value in recognised.items() if value is not None},
            "notes": sorted({str(row.meta["note"]) for row in rows if row.meta.get("note")}),
            "sources": sources,
            "versions": {module: import_module(module).__version__ for module in ("numpy", "cv2")},
        },
    )
    passing("prepare.manifest")
    if not (root / MANIFEST).exists() or (root / MANIFEST).read_text(encoding="utf-8") != manifest_text(rows):
        write_manifest(root, rows)


def _common(rows: Sequence[Row], split: str, key: str) -> Any:
    """What all rows of a split say under a key of meta, None where they differ or are silent."""
    values = {row.meta.get(key) for row in rows if row.split == split}
    return values.pop() if len(values) == 1 else None


def in_parallel(
    work: Callable[[Any], Any], tasks: Sequence[Any], what: str, report: Progress | None, workers: int | None
) -> Iterator[Any]:
    """Results in order, from threads; after an error or Ctrl-C no further task is begun."""
    pool = ThreadPoolExecutor(workers or len(os.sched_getaffinity(0)))
    try:
        for done, result in enumerate(pool.map(work, tasks), 1):
            if report:
                report(what, done, len(tasks))
            yield result
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
