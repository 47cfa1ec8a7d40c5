"""The rows of the regression check, run by the same code as `run`: cells, records and scores, in a scratch folder."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import methods
from benchmark import finding
from benchmark.cell import REFERENCES, Cell, Context, Report
from benchmark.outputs import ARRAYS
from benchmark.pairing import obstacle
from benchmark.records import FAILED, read_scores, run_folder
from benchmark.references import reference
from benchmark.regression.images import sets
from benchmark.regression.variations import PLAIN, Variation, applied, started_with
from benchmark.running import run
from datasets.base import Dataset
from datasets.ops.errors import UserError
from datasets.ops.files import sha256_file
from datasets.ops.names import unknown
from methods.loading import load_from

_HASH = 12  # digits kept of an output's hash


class Row(NamedTuple):
    """A reference row (`path` None), or shipped weights; `weights` is the path within the method's folder."""

    method: str
    weights: str = ""
    path: Path | None = None

    @property
    def title(self) -> str:
        """In sentences and tables."""
        return f"{self.method} ({self.weights})" if self.weights else self.method


class Key(NamedTuple):
    """What a figure is of; `metric` is PSNR or SSIM."""

    method: str
    weights: str
    dataset: str
    image: str
    convention: str
    metric: str


@dataclass
class Measured:
    """Figures, the first digits of their outputs' hashes, and a sentence for each row or set that failed.

    `failed` maps (method, weights, dataset) to its reason, with '' for the dataset where all of them failed.
    """

    figures: dict[Key, float] = field(default_factory=dict)
    outputs: dict[Key, str] = field(default_factory=dict)
    failed: dict[tuple[str, str, str], str] = field(default_factory=dict)
    unfit: list[str] = field(default_factory=list)


def rows(names: Sequence[str] = ("all",)) -> list[Row]:
    """The reference rows and one row per shipped weights file of a registered method, restricted to `names`.

    Raises UserError for an unknown name.
    """
    known = (*REFERENCES, *methods.names())
    for name in names:
        if name not in (*known, "all"):
            raise unknown("method", name, known)
    wanted = known if "all" in names else [name for name in known if name in names]
    return [row for name in wanted for row in ([Row(name)] if name in REFERENCES else _shipped(name))]


def _shipped(method: str) -> Iterator[Row]:
    root = finding.shipped("weights")
    for candidate in finding.candidates(method, root.parent):
        yield Row(method, candidate.path.relative_to(root / method).as_posix(), candidate.path)


def measure(
    chosen: Sequence[Row], data: Sequence[Dataset], folder: Path, variation: Variation = PLAIN, report: Report = None
) -> Measured:
    """Run each row on each set that it can do.

    Args:
        folder: for records and outputs; one per call.
    """
    found = Measured()
    with applied(variation):
        for row in chosen:
            _measure_row(row, data, folder, variation, report, found)
    return found


def measured_apart(chosen: Sequence[Row], variation: Variation) -> Measured:
    """`measure` in a process of its own, which starts with the variation's environment and makes its own images."""
    with started_with(variation.environment):
        pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
        with pool:
            return pool.submit(_alone, list(chosen), variation).result()


def _alone(chosen: Sequence[Row], variation: Variation) -> Measured:
    with TemporaryDirectory() as folder:
        return measure(chosen, sets(Path(folder) / "data"), Path(folder), variation)


def _measure_row(
    row: Row, data: Sequence[Dataset], folder: Path, variation: Variation, report: Report, found: Measured
) -> None:
    try:
        cells = [(cell, each) for each in data if (cell := _cell(row, each))]
    except UserError as error:
        found.failed[row.method, row.weights, ""] = str(error)
        return
    if not cells:
        found.unfit.append(row.title)
    for cell, each in cells:
        _run(cell, each, row, _context(folder, each, variation), report, found)


def _cell(row: Row, data: Dataset) -> Cell | None:
    """The cell of a row on a set; None where the row is not for such images."""
    cell = Cell(row.method, "", "", data.facts.name, data.split, data.fingerprint)
    if row.path is None:
        return None if obstacle(reference(row.method, data.facts.scale).facts, data.facts) else cell
    loaded = load_from(row.method, None, row.path)
    assert loaded.weights is not None  # a path was given
    if obstacle(loaded.method.facts, data.facts):
        return None
    recipe = loaded.method.recipe
    return Cell(
        row.method,
        recipe.name,
        recipe.digest,
        data.facts.name,
        data.split,
        data.fingerprint,
        weights=str(row.path),
        weights_sha256=loaded.weights.sha256,
    )


def _context(folder: Path, data: Dataset, variation: Variation) -> Context:
    first = data[0]
    shape = (first.clean if first.degraded is None else first.degraded).shape  # type: ignore[union-attr]
    return Context(
        folder / "data",
        folder / "results",
        "cpu",
        save_outputs=True,
        batch_pixels=variation.batch * shape[0] * shape[1],
        channels_last=variation.channels_last,
        costs=False,
    )


def _run(cell: Cell, data: Dataset, row: Row, context: Context, report: Report, found: Measured) -> None:
    record = run(cell, context, report, opener=lambda *_: data)
    if record.status == FAILED:
        found.failed[row.method, row.weights, cell.dataset] = record.reason
        return
    folder = run_folder(context.results, cell.id)
    for score in read_scores(folder):
        output = sha256_file(folder / ARRAYS[0] / f"{score.name}{ARRAYS[1]}")[:_HASH]
        for column, value in score.values.items():
            metric, _, convention = column.rstrip("]").partition("[")
            if value is not None:
                key = Key(row.method, row.weights, cell.dataset, score.name, convention, metric.upper())
                found.figures[key], found.outputs[key] = value, output
