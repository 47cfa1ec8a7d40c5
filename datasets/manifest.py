"""manifest.csv and dataset.json: what a prepared folder says of itself, and whether it is still what was written."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from datasets.base import ROLES, Row
from datasets.core.errors import UserError
from datasets.core.files import canonical, open_ordinary, parse_json, write_bytes

MANIFEST = "manifest.csv"
DATASET = "dataset.json"
COLUMNS = ("name", "split", "scene", "camera", "iso", "meta")
SUFFIX = {"degraded": ".png", "clean": ".png", "raw": ".npy", "raw_clean": ".npy"}
_MOST_BYTES = 1 << 30


class DamagedManifestError(UserError):
    """The manifest is there, but not as `prepare` wrote it."""


def prepare_command(name: str, data_root: Path) -> str:
    """The command line that prepares a dataset, for messages."""
    return f"python -m benchmark prepare {name} --source PATH --data {data_root}"


def relative_path(split: str, role: str, name: str, floats: bool = False) -> str:
    """Where an image of a role lies under the prepared root, with forward slashes. `floats`: kept as an array."""
    return f"{split}/{role}/{name}{'.npy' if floats else SUFFIX[role]}"


def write_manifest(root: Path, rows: Sequence[Row]) -> None:
    """Write manifest.csv in one step. Its presence is what makes a folder prepared."""
    write_bytes(root / MANIFEST, manifest_text(rows).encode())


def manifest_text(rows: Sequence[Row]) -> str:
    """The rows as CSV: the common columns, then `<role>,<role>_sha256` for each role that any row has."""
    roles = [role for role in ROLES if any(role in row.files for row in rows)]
    stream = io.StringIO()
    table = csv.writer(stream, lineterminator="\n")
    table.writerow([*COLUMNS, *(f"{role}{end}" for role in roles for end in ("", "_sha256"))])
    table.writerows(_cells(row, roles) for row in rows)
    return stream.getvalue()


def _cells(row: Row, roles: Iterable[str]) -> list[str]:
    iso = "" if row.iso is None else str(row.iso)
    common = [row.name, row.split, row.scene, row.camera, iso, canonical(dict(row.meta))]
    return common + [value.get(role, "") for role in roles for value in (row.files, row.sha256)]


def read_manifest(root: Path, name: str) -> list[Row]:
    """The rows of a prepared folder, as many as were prepared.

    Raises:
        UserError: there is no manifest (the folder was never prepared, or only half), or, as DamagedManifestError, it
            cannot be understood, names files outside of the folder, or is not the one that `prepare` wrote.
    """
    path = root / MANIFEST
    if not os.path.lexists(path):
        where = f"{root.parent} is no folder" if root.parent.is_file() else f"expected {path}"
        raise UserError(
            f"The dataset {name!r} is not prepared in {root.parent}: {where}. Run: {prepare_command(name, root.parent)}"
        )
    with open_ordinary(path, _MOST_BYTES) as stream:
        data = stream.read()
    try:
        table = csv.DictReader(io.StringIO(data.decode("utf-8"), newline=""), strict=True)
        rows = [_row(cells) for cells in table]
        _check(root, data, rows)
    except (KeyError, ValueError, TypeError, AttributeError, csv.Error) as error:
        what = f"the column {error} is missing" if isinstance(error, KeyError) else str(error)
        raise DamagedManifestError(
            f"The manifest {path} is damaged ({what}). Make it anew from its source with: "
            f"{prepare_command(name, root.parent)}"
        ) from error
    return rows


def _check(root: Path, data: bytes, rows: Sequence[Row]) -> None:
    """Against dataset.json: its hash, or, in a folder of an older version, the number of rows of each split."""
    description = read_description(root)
    hashes, counts = description.get("manifest"), description.get("counts")
    if hashes and hashlib.sha256(data).hexdigest() in hashes:
        return
    found = dict(Counter(row.split for row in rows))
    if counts and counts != found:
        raise ValueError(f"it lists {_counted(found)}, but {_counted(counts)} were prepared")
    if hashes:
        raise ValueError("it was changed since prepare")


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} images of {split}" for split, count in sorted(counts.items())) or "nothing"


def _row(cells: dict[str, str]) -> Row:
    files = {role: cells[role] for role in ROLES if cells.get(role)}
    hashes = {role: cells[f"{role}_sha256"] for role in files}
    if not files or not all(len(text) == 64 for text in hashes.values()):
        raise ValueError(f"row {cells['name']!r} has no file or no hash")
    iso = int(cells["iso"]) if cells["iso"] else None
    meta = parse_json(cells["meta"])
    if not isinstance(meta, dict):
        raise ValueError(f"the meta of row {cells['name']!r} is no object")
    check_name(cells["name"])
    for file in files.values():
        _check_path(file)
    return Row(cells["name"], cells["split"], cells["scene"], cells["camera"], iso, meta, files, hashes)


def check_name(name: str) -> None:
    """Raise ValueError for a name that cannot be a file's: one that leads elsewhere, or of characters no file has."""
    if not name or name in (".", "..") or set("/\\") & set(name) or _has_controls(name):
        raise ValueError(f"the name {name!a} cannot be a file's")


def _has_controls(text: str) -> bool:
    """Whether it holds control characters, or halves of characters, as file names that are not UTF-8 have."""
    return any(unicodedata.category(char) in ("Cc", "Cs") for char in text)


def _check_path(path: str) -> None:
    """Paths of a manifest stay within its folder."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\\" in path or _has_controls(path):
        raise ValueError(f"the path {path!a} leads out of the folder")


def read_description(root: Path) -> dict[str, Any]:
    """dataset.json of a folder, {} where there is none or a broken one (then nothing of it is trusted)."""
    try:
        with open_ordinary(root / DATASET, _MOST_BYTES) as stream:
            value = parse_json(stream.read())
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
