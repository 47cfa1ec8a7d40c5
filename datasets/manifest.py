"""manifest.csv and dataset.json: what a prepared folder says of itself."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from datasets.base import ROLES, Row
from datasets.ops.errors import UserError
from datasets.ops.files import canonical, write_bytes

MANIFEST = "manifest.csv"
DATASET = "dataset.json"
COLUMNS = ("name", "split", "scene", "camera", "iso", "meta")
SUFFIX = {"degraded": ".png", "clean": ".png", "raw": ".npy", "raw_clean": ".npy"}


def prepare_command(name: str, data_root: Path) -> str:
    """The command line that prepares a dataset, for messages."""
    return f"python -m benchmark prepare {name} --source PATH --data {data_root}"


def relative_path(split: str, role: str, name: str) -> str:
    """Where an image of a role lies under the prepared root, with forward slashes."""
    return f"{split}/{role}/{name}{SUFFIX[role]}"


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
    """The rows of a prepared folder.

    Raises:
        UserError: there is no manifest (the folder was never prepared, or only half), or it cannot be understood.
    """
    path = root / MANIFEST
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise UserError(
            f"The dataset {name!r} is not prepared in {root.parent}: expected {path}. "
            f"Run: {prepare_command(name, root.parent)}"
        ) from error
    try:
        return [_row(cells) for cells in csv.DictReader(io.StringIO(text, newline=""), strict=True)]
    except (KeyError, ValueError, TypeError, csv.Error) as error:
        raise UserError(
            f"The manifest {path} is damaged ({error}). Delete it and run: {prepare_command(name, root.parent)}"
        ) from error


def _row(cells: dict[str, str]) -> Row:
    files = {role: cells[role] for role in ROLES if cells.get(role)}
    hashes = {role: cells[f"{role}_sha256"] for role in files}
    if not files or not all(len(text) == 64 for text in hashes.values()):
        raise ValueError(f"row {cells['name']!r} has no file or no hash")
    iso = int(cells["iso"]) if cells["iso"] else None
    meta = json.loads(cells["meta"])
    return Row(cells["name"], cells["split"], cells["scene"], cells["camera"], iso, meta, files, hashes)


def read_description(root: Path) -> dict[str, Any]:
    """dataset.json of a folder, {} where there is none or a broken one (then nothing of it is trusted)."""
    try:
        value = json.loads((root / DATASET).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
