"""The rows of the regression check, run by the same code as `run`: cells, records and scores, in a scratch folder."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import methods
from benchmark.compatibility import obstacle
from benchmark.inference.baselines import baseline
from benchmark.paths import shipped
from benchmark.planning.planner import with_weights
from benchmark.planning.weights_search import candidates
from benchmark.progress import Report
from benchmark.records.cell import BASELINES, Cell
from benchmark.records.files import read_scores, run_folder
from benchmark.records.record import FAILED
from benchmark.regression.images import sets
from benchmark.regression.variations import PLAIN, Variation, applied, started_with
from benchmark.runs.config import RunConfig
from benchmark.runs.outputs import ARRAYS
from benchmark.runs.runner import run_cell
from datasets.base import Dataset
from datasets.core.errors import UserError
from datasets.core.files import sha256_file
from datasets.core.registry import unknown
from datasets.options import ref_of

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
    known = (*BASELINES, *methods.names())
    for name in names:
        if name not in (*known, "all"):
            raise unknown("method", name, known)
    root, rows = shipped("weights"), []
    for name in known if "all" in names else [name for name in known if name in names]:
        if name in BASELINES:
            rows.append(Row(name))
        else:
            paths = [candidate.path for candidate in candidates(name, root.parent)]
            rows += [Row(name, path.relative_to(root / name).as_posix(), path) for path in paths]
    return rows


def measure(
    chosen: Sequence[Row], data: Sequence[Dataset], folder: Path, variation: Variation = PLAIN, report: Report = None
) -> Measured:
    """Run each row on each set that it can do.

    Args:
        folder: for records and outputs; one per call.
    """
    measured = Measured()
    with applied(variation):
        for row in chosen:
            try:
                cells = [(cell, each) for each in data if (cell := _cell(row, each))]
            except UserError as error:
                measured.failed[row.method, row.weights, ""] = str(error)
                continue
            if not cells:
                measured.unfit.append(row.title)
            for cell, each in cells:
                _run(replace(cell, inference=variation.inference), each, row, folder, variation, report, measured)
    return measured


def measured_apart(chosen: Sequence[Row], variation: Variation) -> Measured:
    """`measure` in a process of its own, which starts with the variation's environment and makes its own images."""
    with started_with(variation.environment):
        pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
        with pool:
            return pool.submit(_alone, list(chosen), variation).result()


def _alone(chosen: Sequence[Row], variation: Variation) -> Measured:
    with TemporaryDirectory() as folder:
        return measure(chosen, sets(Path(folder) / "data"), Path(folder), variation)


def _cell(row: Row, data: Dataset) -> Cell | None:
    """The cell of a row on a set; None where the row is not for such images."""
    cell = Cell(row.method, ref_of(data), data.fingerprint, data.facts.task, data.degradation)
    if row.path is None:
        return None if obstacle(baseline(row.method, data.facts.scale).facts, data.facts) else cell
    planned = with_weights(cell, row.path, data)
    return None if planned.blocked else planned


def _run(
    cell: Cell, data: Dataset, row: Row, folder: Path, variation: Variation, report: Report, measured: Measured
) -> None:
    """Run a cell on opened data and enter its figures, or why it failed."""
    first = data[0]
    shape = (first.clean if first.degraded is None else first.degraded).shape  # type: ignore[union-attr]
    pixels = variation.batch * shape[0] * shape[1]
    config = RunConfig(folder / "data", folder / "results", "cpu", save_outputs=True, batch_pixels=pixels, costs=False)
    # By the code of `run`, so that whatever a run does is checked; only the opened dataset is handed in.
    record = run_cell(cell, config, report, opener=lambda *_: data)
    if record.status == FAILED:
        measured.failed[row.method, row.weights, cell.data.name] = record.why
        return
    run = run_folder(config.results, cell.id)
    for score in read_scores(run, record):
        output = sha256_file(run / ARRAYS[0] / f"{score.name}{ARRAYS[1]}")[:_HASH]
        for column, value in score.values.items():
            metric, _, convention = column.rstrip("]").partition("[")
            if value is not None:
                key = Key(row.method, row.weights, cell.data.name, score.name, convention, metric.upper())
                measured.figures[key], measured.outputs[key] = value, output
