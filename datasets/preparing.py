"""From a dataset's name and source to its prepared folder: where the source is, whether anything is left to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from datasets.base import Dataset
from datasets.core.errors import UserError
from datasets.core.files import digest, sha256_file, write_json
from datasets.identity import entry_of, prepare_identity
from datasets.manifest import DATASET, MANIFEST, DamagedManifestError, read_description, read_manifest
from datasets.options import typed
from datasets.prepare_writer import Progress, in_parallel, prepare_items
from datasets.report import Report, report_of


def prepare_dataset(
    name: str,
    options: Mapping[str, Any],
    source: Path | str | None,
    data_root: Path,
    progress: Progress | None = None,
    workers: int | None = None,
) -> Report:
    """See `datasets.prepare`; `options` are typed."""
    from datasets.registry import DATASETS

    cls, root = DATASETS.get(name), data_root / name
    if source is None and not cls.facts.embedded:
        done = _verified(cls, root, None, progress, workers)
        if done:
            return done
        from datasets.sources import fetch

        source = fetch(name, cls.facts, data_root / "downloads", progress)
    folder = None if source is None else _existing(name, source)
    if folder is not None and folder.resolve() == root.resolve():
        raise UserError(f"The source {folder} is the folder that the prepared {name} goes to; name another --data.")
    identity = prepare_identity(cls, folder, typed(cls.facts, options), root)
    done = _verified(cls, root, identity, progress, workers)
    return done or prepare_items(
        cls,
        cls.items(folder, **entry_of(cls, options)),
        identity,
        root,
        report=progress,
        workers=workers,
        source=folder,
    )


def _existing(name: str, source: Path | str) -> Path:
    path = Path(source).expanduser()
    if not path.exists():
        if path.is_symlink():
            raise UserError(f"Expected the files of dataset {name!r} at {path}, but it is a link to nothing.")
        raise UserError(f"Expected the files of dataset {name!r} at {path}, but there is nothing; correct --source.")
    if path.is_dir() and not any(path.iterdir()):
        raise UserError(f"Expected the files of dataset {name!r} in {path}, but the folder is empty.")
    return path


def _verified(
    cls: type[Dataset], root: Path, identity: Mapping[str, Any] | None, report: Progress | None, workers: int | None
) -> Report | None:
    """The report of a folder that is prepared, from this source, with every file's hash as it should be; else None."""
    sources = read_description(root).get("sources", {})
    if not (root / MANIFEST).exists() or not sources:
        return None
    ours = digest(None if identity is None else dict(identity))
    splits = {s for s, found in sources.items() if identity is None or digest(found.get("identity")) == ours}
    if identity is not None and any(set(sources[split]["splits"]) != splits for split in splits):
        return None
    try:
        everything = read_manifest(root, cls.facts.name)
    except DamagedManifestError:
        return None
    rows = [row for row in everything if row.split in splits]
    if not rows or (identity is not None and not getattr(cls, "additive", False) and splits != set(sources)):
        return None
    tasks = [(root / path, row.sha256[role]) for row in rows for role, path in row.files.items()]
    whole = list(in_parallel(_is_whole, tasks, f"verify {cls.facts.name}", report, workers))
    if not all(whole):
        return None
    renewed = _tied(root)
    found = report_of(cls, root, everything, 0, len(tasks))
    return replace(found, notes=(*found.notes, *renewed))


def _tied(root: Path) -> list[str]:
    """Give a folder of an older version, whose files were just found whole, the hash of its manifest."""
    description = read_description(root)
    if "manifest" in description:
        return []
    try:
        write_json(root / DATASET, {**description, "manifest": [sha256_file(root / MANIFEST)]})
    except OSError:
        return [
            "prepared by an older version: nothing ties the manifest to what was prepared, and it cannot be written"
        ]
    return ["prepared by an older version: dataset.json has the hash of the manifest now"]


def _is_whole(task: tuple[Path, str]) -> bool:
    path, expected = task
    return path.is_file() and sha256_file(path) == expected
