"""Records on disk, under ``results/runs/<cell id>``: whole or absent, with their checksum and that of their scores."""

from __future__ import annotations

import csv
import errno
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmark.records.earlier import is_earlier, upgraded
from benchmark.records.record import ImageScore, Record
from datasets.core.codec import decode, encode
from datasets.core.errors import UserError
from datasets.core.fault_points import fault_point
from datasets.core.files import digest, open_ordinary, replacing
from datasets.core.sealed import CHECKSUM, MOST, DamagedError, checksum, read_sealed, write_sealed

_ID = re.compile(r"[^/\\\x00-\x1f\x7f]{1,200}")
_AGAIN = "give the `run` of its cell again: it keeps the damaged file and makes a new one"


class ResultsError(UserError):
    """The results folder cannot take what has to be written: no cell can help itself, so the whole run stops."""


def run_folder(results: Path | str, cell: str) -> Path:
    """Where a cell's files lie: ``results/runs/<cell id>``."""
    return Path(results) / "runs" / cell


def results_error(error: OSError, folder: Path) -> ResultsError:
    """A full disk or a read-only folder as one sentence."""
    why = "the disk is full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else str(error.strerror or error)
    return ResultsError(
        f"Cannot write results to {folder}: {why}; make room there or name another folder by --results DIR."
    )


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn a full disk or a read-only folder into one sentence. Raises ResultsError."""
    try:
        yield
    except OSError as error:
        raise results_error(error, folder) from error


def write_record(results: Path | str, record: Record, scores: Sequence[ImageScore] | None = None) -> Path:
    """Write a cell's files: scores.csv first, record.json last, each whole or not at all.

    Args:
        results: root folder. scores: a row per image, to which the record is tied; None leaves file and tie alone.
    Returns:
        the cell's folder.
    Raises:
        ResultsError: full disk, read-only folder.
    """
    folder = run_folder(results, record.id)
    with writing(folder):
        if scores is not None:
            _write_scores(folder / "scores.csv", scores)
            record = replace(record, scores=scores_digest(scores, record.figures, record.perceptual) if scores else "")
        fault_point("run.record")
        write_sealed(folder / "record.json", encode(record))
    return folder


def _write_scores(path: Path, scores: Sequence[ImageScore]) -> None:
    columns = list(scores[0].values) if scores else []
    with replacing(path) as part, part.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["name", "scene", *columns])
        for row in scores:
            values = [row.values.get(column) for column in columns]
            writer.writerow([row.name, row.scene, *("" if v is None else repr(float(v)) for v in values)])


def scores_digest(scores: Iterable[ImageScore], conventions: Iterable[str], perceptual: Iterable[str] = ()) -> str:
    """What ties a record to its per-image scores: a digest of the rows under the record's conventions.

    Of other columns it knows nothing: a `score` that is killed between its two files has added some already.
    """
    columns = [f"{metric}[{name}]" for name in sorted(conventions) for metric in ("psnr", "ssim")]
    columns += [f"perceptual[{name}]" for name in sorted(perceptual)]
    return digest([[row.name, row.scene, *(repr(row.values.get(column)) for column in columns)] for row in scores])


def read_scores(folder: Path | str, record: Record | None = None) -> list[ImageScore]:
    """The rows of a cell's scores.csv, in order.

    Args:
        record: of the cell, to which the rows have to belong; one of an earlier version is tied to none.
    Raises:
        UserError: the file is missing or damaged.
    """
    path = Path(folder) / "scores.csv"
    try:
        with open_ordinary(path, MOST) as stream:
            text = stream.read().decode("utf-8")
        rows = []
        for line in csv.DictReader(io.StringIO(text, newline="")):
            name, scene = line.pop("name"), line.pop("scene")
            values = {key: float(value) if value else None for key, value in line.items()}
            rows.append(ImageScore(name, scene, values))
    except (OSError, KeyError, TypeError, ValueError, AttributeError, csv.Error) as error:
        raise UserError(f"The per-image scores {path} cannot be read ({error}); run with --force.") from error
    if record and record.scores and record.scores != scores_digest(rows, record.figures, record.perceptual):
        raise DamagedError(path, "they are not those that its record was made from", _AGAIN)
    return rows


def unsound(folder: Path | str, record: Record) -> str:
    """Why a finished record's scores are not its own; '' where they are, or where it is tied to none."""
    try:
        if record.scores:
            read_scores(folder, record)
    except UserError as error:
        return str(error)
    return ""


def to_json(record: Record) -> dict[str, Any]:
    """The record as JSON values, fitting benchmark.records.schema.SCHEMA."""
    value: dict[str, Any] = encode(record)
    return {**value, CHECKSUM: checksum(value)}


def from_json(value: Any, folder: str = "") -> Record:
    """The inverse of `to_json`; records of earlier versions are understood. Raises UserError for anything else."""
    try:
        plain = {key: inner for key, inner in value.items() if key != CHECKSUM} if isinstance(value, dict) else value
        record: Record = decode(Record, upgraded(plain) if is_earlier(plain) else plain)
        if not _ID.fullmatch(record.id) or record.id in (".", ".."):
            raise UserError(f"its id {record.id[:80]!r} is no name of a folder")
    except UserError as error:
        raise UserError(
            f"{folder or 'This'} is no record of this version: {error}; remove it, or run the cell again."
        ) from error
    return replace(record, folder=folder)


def read_record(folder: Path | str) -> Record | None:
    """The record in a cell's folder, None where there is none. Raises UserError for one that is damaged."""
    return _opened(Path(folder))[0]


def _opened(folder: Path) -> tuple[Record | None, bool]:
    """The record in a folder, and whether it has a checksum."""
    try:
        value, sealed = read_sealed(folder / "record.json", _AGAIN)
    except FileNotFoundError:
        return None, True
    return from_json(value, str(folder)), sealed


def read_records(results: Path | str, warn: Callable[[str], None] | None = None) -> list[Record]:
    """Every readable record under ``results/runs``, in the order of their folders' names.

    Folders without a record (a run that is going on, somebody's own) are passed over; damaged records are reported to
    `warn` as one sentence each and left out. Of records without a checksum it is told how many there are.
    """
    found, bare, runs = [], 0, Path(results) / "runs"
    for folder in sorted(folder for folder in runs.iterdir() if folder.is_dir()) if runs.is_dir() else []:
        try:
            record, sealed = _opened(folder)
        except UserError as error:
            if warn:
                warn(str(error))
            continue
        if record:
            found.append(record)
            bare += not sealed
    if bare and warn:
        warn(
            f"{bare} of {len(found)} records under {results} have no checksum (an earlier version's): read as they are."
        )
    return found
