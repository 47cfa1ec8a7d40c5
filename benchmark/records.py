"""What a finished cell leaves: record.json with the figures and all provenance, scores.csv with a row per image."""

from __future__ import annotations

import csv
import errno
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.schema import problem
from datasets.ops.errors import UserError
from datasets.ops.files import replacing, write_json
from datasets.ops.phases import passing

if TYPE_CHECKING:
    from benchmark.scoring.statistics import Interval

DONE, FAILED, SKIPPED = "done", "failed", "skipped"
NO_WEIGHTS = "No weights of"  # how the reason of a cell begins that only waits for weights


@dataclass(frozen=True)
class Figures:
    """PSNR (dB) and SSIM under one convention: means over `n` images of `scenes` scenes, with their intervals.

    `ssim` is None where the convention has none.
    """

    psnr: Interval
    ssim: Interval | None
    n: int
    scenes: int


@dataclass(frozen=True)
class Costs:
    """What restoring costs; None where it was not measured.

    Attributes:
        params: parameters used at inference. gmacs: 10^9 multiply-accumulates on a 256x256 input.
        ms_per_megapixel: wall time of restoring per 10^6 input pixels. peak_mb: peak memory of the device (the
            process's, on a CPU) while restoring, in 10^6 bytes.
    """

    params: int | None = None
    gmacs: float | None = None
    ms_per_megapixel: float | None = None
    peak_mb: float | None = None


@dataclass(frozen=True)
class Record:
    """One cell's outcome. Everything but `figures` and `costs` is a plain JSON value.

    Attributes:
        cell: id. status: done, failed or skipped. reason: a sentence where it is not done.
        method, recipe, tier, recipe_digest, settings, method_version: what restored. variant: Facts.variant, the name
            that published figures carry ('' = not comparable). reference: one of the rows input, blur, nlm.
        weights: file name; weights_sha256. train_data, train_fingerprint, train_steps, train_licence, selected_by:
            from the card.
        dataset, split, options, task, degradation, fingerprint: what was restored. partial: '' or such as
            ``partial: 65 of 1280`` (then not comparable). convention: the dataset's own, the first line's.
        seed, noise_seed, limit, ensemble, tile, precision, tf32, grey_as_rgb: as in Cell.
        figures: convention -> Figures. n: images restored. costs: see Costs.
        device: in words, such as ``cpu (Intel Xeon, 2 threads)``. versions: package -> version. commit: git commit of
            the checkout, with ``+`` where it had changes ('' outside of git). deterministic.
        started: UTC, ISO 8601. seconds: wall time. note: joined remarks, separated by ``; ``.
        folder: where the record was read from (not written).
    """

    cell: str
    status: str
    method: str
    dataset: str
    split: str
    reason: str = ""
    recipe: str = ""
    tier: str = ""
    recipe_digest: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    method_version: str = ""
    variant: str = ""
    reference: bool = False
    weights: str = ""
    weights_sha256: str = ""
    train_data: str = ""
    train_fingerprint: str = ""
    train_steps: int | None = None
    train_licence: str = ""
    selected_by: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    task: str = ""
    degradation: str = ""
    fingerprint: str = ""
    partial: str = ""
    convention: str = ""
    seed: int = 0
    noise_seed: int = 0
    limit: int | None = None
    ensemble: bool = False
    tile: int = 0
    precision: str = "fp32"
    tf32: bool = False
    grey_as_rgb: bool = False
    figures: Mapping[str, Figures] = field(default_factory=dict)
    n: int = 0
    costs: Costs = field(default_factory=Costs)
    device: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    commit: str = ""
    deterministic: bool = False
    started: str = ""
    seconds: float = 0.0
    note: str = ""
    folder: str = ""


@dataclass(frozen=True)
class ImageScore:
    """One row of scores.csv: values of one image by column, such as ``psnr[float-gauss]``; None = not scored."""

    name: str
    scene: str
    values: Mapping[str, float | None]


class ResultsError(UserError):
    """The results folder cannot take what has to be written: no cell can help itself, so the whole run stops."""


def run_folder(results: Path | str, cell: str) -> Path:
    """Where a cell's files lie: ``results/runs/<cell id>``."""
    return Path(results) / "runs" / cell


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn a full disk or a read-only folder into one sentence. Raises ResultsError."""
    try:
        yield
    except OSError as error:
        why = "the disk is full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else str(error.strerror or error)
        raise ResultsError(
            f"Cannot write results to {folder}: {why}; make room there or name another folder by --results DIR."
        ) from error


def write_record(results: Path | str, record: Record, scores: Sequence[ImageScore] | None = None) -> Path:
    """Write a cell's files: scores.csv first, record.json last, each whole or not at all.

    Args:
        results: root folder. scores: a row per image; None leaves a scores.csv as it is.
    Returns:
        the cell's folder.
    Raises:
        ResultsError: full disk, read-only folder.
    """
    folder = run_folder(results, record.cell)
    with writing(folder):
        if scores is not None:
            _write_scores(folder / "scores.csv", scores)
        passing("run.record")
        write_json(folder / "record.json", to_json(record))
    return folder


def _write_scores(path: Path, scores: Sequence[ImageScore]) -> None:
    columns = list(scores[0].values) if scores else []
    with replacing(path) as part, part.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["name", "scene", *columns])
        for row in scores:
            values = [row.values.get(column) for column in columns]
            writer.writerow([row.name, row.scene, *("" if v is None else repr(float(v)) for v in values)])


def read_scores(folder: Path | str) -> list[ImageScore]:
    """The rows of a cell's scores.csv, in order. Raises UserError for a missing or damaged file."""
    path = Path(folder) / "scores.csv"
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            return [_score_row(line) for line in csv.DictReader(stream)]
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise UserError(f"The per-image scores {path} cannot be read ({error}); run with --force.") from error


def _score_row(line: dict[str, str]) -> ImageScore:
    name, scene = line.pop("name"), line.pop("scene")
    return ImageScore(name, scene, {key: float(value) if value else None for key, value in line.items()})


def to_json(record: Record) -> dict[str, Any]:
    """The record as JSON values, fitting benchmark.schema.SCHEMA (infinite means become the text ``inf``)."""
    value: dict[str, Any] = _finite(asdict(replace(record, folder="")))
    del value["folder"]
    return value


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value


def from_json(value: Any, folder: str = "") -> Record:
    """The inverse of `to_json`. Raises UserError when the value does not fit the schema."""
    if wrong := problem(value):
        raise UserError(f"{folder or 'This'} is no record of this version: {wrong}; remove it, or run the cell again.")
    known = {f.name for f in fields(Record)}
    plain = {key: inner for key, inner in value.items() if key in known}
    figures = {name: _figures(inner) for name, inner in value["figures"].items()}
    return Record(**{**plain, "figures": figures, "costs": Costs(**value["costs"]), "folder": folder})


def _figures(value: dict[str, Any]) -> Figures:
    ssim = _interval(value["ssim"]) if value["ssim"] else None
    return Figures(_interval(value["psnr"]), ssim, value["n"], value["scenes"])


def _interval(value: dict[str, Any]) -> Interval:
    from benchmark.scoring.statistics import Interval

    ends = {key: None if value[key] is None else float(value[key]) for key in ("mean", "low", "high")}
    if ends["mean"] is None:
        ends["mean"] = math.nan
    return Interval(**{**value, **ends})


def read_record(folder: Path | str) -> Record | None:
    """The record in a cell's folder, None where there is none. Raises UserError for one that cannot be read."""
    path = Path(folder) / "record.json"
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise UserError(f"The record {path} cannot be read ({error}); remove it, or run the cell again.") from error
    return from_json(value, str(folder))


def read_records(results: Path | str, warn: Callable[[str], None] | None = None) -> list[Record]:
    """Every readable record under ``results/runs``, in the order of their folders' names.

    Folders without a record (a run that is going on, somebody's own) are passed over; damaged records are reported to
    `warn` as one sentence each and left out.
    """
    found = []
    for folder in _folders(Path(results) / "runs"):
        try:
            record = read_record(folder)
        except UserError as error:
            if warn:
                warn(str(error))
            continue
        if record:
            found.append(record)
    return found


def _folders(runs: Path) -> Iterable[Path]:
    return sorted(folder for folder in runs.iterdir() if folder.is_dir()) if runs.is_dir() else []
