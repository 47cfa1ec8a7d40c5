"""Making a prepared folder: images in parallel, each whole or absent, the manifest last.

The folder of a split begins with `source.json`, which says what its images are made from; an image found there comes
from that source and is hashed again, not written again. `manifest.csv` appears when everything is there, and only its
presence makes the folder prepared.
"""

from __future__ import annotations

import errno
import io
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from datasets.base import Dataset, Item, Row
from datasets.core.errors import UserError
from datasets.core.fault_points import fault_point
from datasets.core.files import digest, parse_json, replacing, sha256_file, write_json
from datasets.core.locks import exclusive
from datasets.manifest import (
    DATASET,
    MANIFEST,
    DamagedManifestError,
    check_name,
    manifest_text,
    read_description,
    read_manifest,
    relative_path,
    write_manifest,
)
from datasets.ops.images import encode_png
from datasets.report import Report, counted, left_out, report_of, unproved

Progress = Callable[[str, int, int], None]
SOURCE = "source.json"


def prepare_items(
    cls: type[Dataset],
    items: Iterable[Item],
    source_identity: Mapping[str, Any],
    root: Path,
    *,
    report: Progress | None = None,
    workers: int | None = None,
    notes: Sequence[str] = (),
    source: Path | None = None,
) -> Report:
    """Write the images of `items` under `root`, then dataset.json, then manifest.csv.

    Args:
        cls: the dataset. items: in the manifest's order; listed whole before anything is written.
        source_identity: JSON value that differs when the source or the options do. Images of a folder of another
            identity are made anew.
        notes: about the source as a whole. source: the folder; pictures there that no item reads are counted.
    Raises:
        UserError: no items, two of one name, or a name that cannot be a file's; what a loader raises; a full disk or a
            folder that cannot be written; another `prepare` at work on the same folder.
    """
    listed, identity = _checked(cls.facts.name, items), dict(source_identity)
    told = [*notes, *unproved(cls, listed), *left_out(source, root, listed)]
    with _writing(root), _locked(root):
        _refuse_foreign(cls, root)
        told += _set_aside(cls, root)
        try:
            return _prepare(cls, listed, identity, root, report, workers, told)
        except UserError:
            _discard(cls, root, {item.split for item in listed})
            raise


def _discard(cls: type[Dataset], root: Path, splits: set[str]) -> None:
    """A source turned out to be broken: what was made from it so far is of no use to anyone."""
    try:
        there = read_manifest(root, cls.facts.name) if (root / MANIFEST).exists() else []
    except DamagedManifestError:
        return
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
    for item in listed:
        try:
            check_name(item.name)
        except ValueError as error:
            raise UserError(
                f"Expected names of files in UTF-8 for dataset {name!r}, but {error}; rename it."
            ) from error
    return listed


def _set_aside(cls: type[Dataset], root: Path) -> list[str]:
    """Move a damaged manifest out of the way, and say which of its splits must be prepared again."""
    try:
        if (root / MANIFEST).exists():
            read_manifest(root, cls.facts.name)
        return []
    except DamagedManifestError as error:
        (root / MANIFEST).replace(root / f"{MANIFEST}.damaged")
        splits = ", ".join(sorted(read_description(root).get("sources", {}))) or "every split"
        reason = str(error).partition(" Make it anew")[0]
        return [f"{reason} It was set aside as {MANIFEST}.damaged; what it held ({splits}) must be prepared again."]


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
    notes: Sequence[str],
) -> Report:
    kept_rows, known = _begin(cls, items, identity, root)
    tasks = [(root, item, role, known.get((item.split, item.name, role))) for item in items for role in item.load]
    results = list(in_parallel(_one_file, tasks, f"prepare {cls.facts.name}", report, workers))
    done = list(zip(tasks, results, strict=True))
    hashes = {(item.split, item.name, role): found for (_, item, role, _), (found, _, _) in done}
    rows = kept_rows + [_row(item, hashes) for item in items]
    phrases = [(phrase, item.name) for item in items for phrase in item.notes]
    phrases += [(phrase, item.name) for (_, item, _, _), (_, _, found) in done for phrase in found]
    _finish(cls, rows, identity, {item.split for item in items}, root, [*notes, *counted(phrases)])
    written = sum(new for _, new, _ in results)
    return report_of(cls, root, rows, written, len(results) - written)


def _begin(
    cls: type[Dataset], items: Sequence[Item], identity: dict[str, Any], root: Path
) -> tuple[list[Row], dict[tuple[str, str, str], str]]:
    """Clear away what comes from other sources. Returns the rows that stay and the hashes known of what is there."""
    rows = read_manifest(root, cls.facts.name) if (root / MANIFEST).exists() else []
    splits = {item.split for item in items}
    stay = [row for row in rows if row.split not in splits] if getattr(cls, "additive", False) else []
    if {row.split for row in rows} and any(_stale(root / split, identity) for split in splits):
        _keep_only(root, stay)
    damaged = set(read_description(root).get("sources", {})) if not (root / MANIFEST).exists() and not rows else set()
    keep = splits | {row.split for row in stay} | (damaged if getattr(cls, "additive", False) else set())
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


def _keep_only(root: Path, rows: Sequence[Row]) -> None:
    """A manifest of these rows alone, none where there are none; dataset.json knows of it before it is written."""
    if not rows:
        (root / MANIFEST).unlink()
        return
    text, old = manifest_text(rows).encode(), _bytes_of(root / MANIFEST)
    hashes = [sha256(text).hexdigest(), sha256(old).hexdigest()]
    write_json(root / DATASET, {**read_description(root), "manifest": hashes})
    write_manifest(root, rows)


def _refuse_foreign(cls: type[Dataset], root: Path) -> None:
    """Never tidy a folder that somebody else filled."""
    there = [path for path in root.iterdir() if not path.name.startswith(".")]
    if there and not read_description(root) and _is_ours(root):
        # dataset.json was lost or broken: what the marks of the splits say of their sources stays true
        write_json(root / DATASET, {"dataset": cls.facts.name, "sources": _marked(root)})
    elif there and not (root / DATASET).exists():
        raise UserError(
            f"Expected {root} to be empty or prepared by this program, but it holds {there[0].name!r} and no "
            f"{DATASET}; name another folder with --data."
        )
    if not there:
        write_json(root / DATASET, {"dataset": cls.facts.name, "sources": {}})


def _is_ours(root: Path) -> bool:
    """Whether a folder without dataset.json has what only `prepare` writes."""
    return any(root.glob(f"*/{SOURCE}"))


def _marked(root: Path) -> dict[str, Any]:
    found = {}
    for mark in sorted(root.glob(f"*/{SOURCE}")):
        try:
            found[mark.parent.name] = {"identity": parse_json(mark.read_bytes()), "splits": [mark.parent.name]}
        except (OSError, ValueError):
            continue
    return found


def _stale(folder: Path, identity: Mapping[str, Any]) -> bool:
    try:
        return digest(dict(identity)) != digest(parse_json((folder / SOURCE).read_bytes()))
    except (OSError, ValueError):
        return True


def _one_file(task: tuple[Path, Item, str, str | None]) -> tuple[str, bool, tuple[str, ...]]:
    """Make one file unless it is there. Returns (sha256, whether it was written, what was converted or left out)."""
    root, item, role, known = task
    path = root / relative_path(item.split, role, item.name, role in item.floats)
    notes = tuple(getattr(item.load[role], "notes", tuple)())
    if path.is_file() and path.stat().st_size:
        found = sha256_file(path)
        if known in (None, found):
            return found, False, notes
    data = _encoded(item.load[role](), role)
    with replacing(path, durable=False) as part:
        part.write_bytes(data)
        fault_point("prepare.image")
    return sha256(data).hexdigest(), True, notes


def _encoded(array: np.ndarray, role: str) -> bytes:
    if not role.startswith("raw") and array.dtype.kind != "f":
        return encode_png(array)
    stream = io.BytesIO()
    np.save(stream, np.ascontiguousarray(array, np.float32), allow_pickle=False)
    return stream.getvalue()


def _row(item: Item, hashes: Mapping[tuple[str, str, str], str]) -> Row:
    files = {role: relative_path(item.split, role, item.name, role in item.floats) for role in item.load}
    found = {role: hashes[item.split, item.name, role] for role in item.load}
    return Row(item.name, item.split, item.scene, item.camera, item.iso, item.meta, files, found)


def _finish(
    cls: type[Dataset],
    rows: Sequence[Row],
    identity: dict[str, Any],
    splits: set[str],
    root: Path,
    notes: Sequence[str],
) -> None:
    """Write dataset.json and the manifest.

    The former holds the hash of the latter. It is written before it, with the old hash beside the new one, and again
    behind it with the new one alone: whenever this is killed, the two agree.
    """
    description, there = read_description(root), {row.split for row in rows}
    own = {"identity": identity, "splits": sorted(splits), "notes": list(notes)}
    sources = {split: own if split in splits else description.get("sources", {}).get(split, {}) for split in there}
    recognised = {split: _common(rows, split, "recognised") for split in sorted(there)}
    told = [note for split in sorted(there) for note in sources[split].get("notes", ())]
    text, old = manifest_text(rows).encode(), _bytes_of(root / MANIFEST)
    new = {
        "dataset": cls.facts.name,
        "title": cls.facts.title,
        "counts": dict(Counter(row.split for row in rows)),
        "recognised": {split: value for split, value in recognised.items() if value is not None},
        "notes": list(dict.fromkeys([*told, *sorted({str(r.meta["note"]) for r in rows if r.meta.get("note")})])),
        "sources": {split: sources[split] for split in sorted(there)},
        "versions": {module: import_module(module).__version__ for module in ("numpy", "cv2")},
        "manifest": [sha256(text).hexdigest()],
    }
    if old != text:
        write_json(root / DATASET, {**new, "manifest": [*new["manifest"], sha256(old).hexdigest()]})
        fault_point("prepare.manifest")
        write_manifest(root, rows)
    write_json(root / DATASET, new)


def _bytes_of(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


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
