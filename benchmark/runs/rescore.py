"""`score`: saved outputs under more conventions, and outputs of other programs as a row of their own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmark.progress import Report
from benchmark.records.cell import Cell
from benchmark.records.files import read_scores, write_record
from benchmark.records.record import DataInfo, ImageScore, Record
from benchmark.runs.asked import Asked, chosen
from benchmark.runs.external import Foreign, open_foreign
from benchmark.runs.outputs import finished, names, read_saved, require_saved
from benchmark.runs.perceived import perceived
from benchmark.runs.provenance import outline
from benchmark.runs.scoring_pool import ScoringPool, figures, measured
from benchmark.scoring.conventions import CONVENTIONS, applicable, convention
from benchmark.scoring.perceptual.names import split
from datasets import open_dataset
from datasets.base import Dataset, Sample
from datasets.core.errors import UserError
from datasets.core.locks import exclusive
from datasets.options import ref_of

Images = Iterable[tuple[Sample, np.ndarray]]


def rescore(folder: Path, data: Path, conventions: Sequence[str] = (), report: Report = None) -> Record:
    """Score the saved float outputs of a finished cell under conventions that its record lacks, and add them to it.

    Args:
        folder: ``results/runs/<cell id>``, written with ``run --save-outputs``.
        data: root of the prepared datasets. conventions: names; () = every one that applies.
    Returns:
        the record as it now stands on disk.
    Raises:
        UserError: no finished record, no outputs, other images than the record was made from, unknown convention, or
            another process at work on the cell.
    """
    split(conventions)
    finished(folder)
    with exclusive(folder / "lock", f"the cell {folder.name}"):
        record = finished(folder)
        dataset = _dataset_of(record, data)
        require_saved(folder, dataset)
        added = chosen(conventions, dataset.facts.channels, dataset.facts.convention).lacking(record)
        restored = ((output.sample, output.output) for output in read_saved(folder, dataset))
        scored, _, small = _score(restored, len(dataset), added, record.id, report)
        new = {row.name: row.values for row in scored}
        rows = [replace(row, values={**row.values, **new[row.name]}) for row in read_scores(folder, record)]
        note = _joined(record.note, *small, *added.remarks)
        record = replace(
            record,
            figures={**record.figures, **figures(rows, added.conventions)},
            perceptual={**record.perceptual, **perceived(rows, added.perceptual)},
            note=note,
        )
        write_record(folder.resolve().parent.parent, record, rows)
        return replace(record, folder=str(folder))


def _dataset_of(record: Record, data: Path) -> Dataset:
    dataset = open_dataset(
        record.cell.data.name,
        data,
        split=record.cell.data.split,
        options=record.cell.data.options,
        noise_seed=record.cell.inference.noise_seed,
        limit=record.cell.limit,
    )
    if dataset.fingerprint != record.cell.fingerprint:
        raise UserError(
            f"The prepared {record.cell.data.name} under {data} holds other images than {record.id} was made from: "
            "name the right folder with --data."
        )
    return dataset


def _score(
    images: Images, count: int, asked: Asked, what: str, report: Report
) -> tuple[list[ImageScore], str, list[str]]:
    """A row per image, a sentence where they lie far below their inputs, and those on images too small."""
    with ScoringPool(asked) as pool:
        for done, (sample, output) in enumerate(images, 1):
            pool.add(sample, output)
            if report:
                report(f"scoring {what}", done, count)
        return pool.rows(), pool.doubt(), pool.remarks()


def _joined(*parts: str) -> str:
    return "; ".join(dict.fromkeys(phrase for part in parts for phrase in part.split("; ") if phrase))


def score_foreign(
    outputs: Path,
    spec: str,
    name: str,
    *,
    data: Path,
    results: Path,
    split: str | None = None,
    conventions: Sequence[str] = (),
    variable: str | None = None,
    white: float | None = None,
    report: Report = None,
) -> Record:
    """Score the outputs of another program, and leave a record under `results`: a row of its own.

    Args:
        outputs: a folder with ``<sample name>.npy`` (floats; every convention) or ``<sample name>.png`` (8-bit
            conventions only), a ``.mat`` of (S, B, H, W, 3) or of a cell in the dataset's order, or SIDD's CSV.
        spec: dataset, such as ``sidd`` or ``bsd68[sigma=25]``. name: the row's method.
        variable: of a .mat with several. white: of floats, such as 255; None = 1.
    Raises:
        UserError: missing outputs, or such as the check of outputs refuses; a name that is not one word, an unknown
            dataset or convention.
    """
    if not re.fullmatch(r"[\w.+-]+", name):
        raise UserError(f"A row's --name is one word of letters, digits and . + - _, got {name!r}.")
    dataset = open_dataset(spec, data, split=split)
    if len(dataset) and dataset[0].clean is None:
        raise UserError(
            f"The split {dataset.split!r} of {dataset.facts.name} has no clean images to score against: "
            f"choose another of {', '.join(dataset.facts.splits)}."
        )
    foreign = open_foreign(outputs, names(dataset), variable, white)
    asked = _fitting(conventions, dataset.facts.channels, foreign.is_float)
    if not asked.conventions:
        raise UserError(f"{outputs} cannot be scored: {' '.join(asked.remarks)}")
    rows, doubt, small = _score(foreign.of(dataset), len(dataset), asked, name, report)
    record = _foreign_record(foreign, dataset, name, _joined(doubt, foreign.note, *small, *asked.remarks))
    record = replace(record, **measured(rows, asked), data=replace(record.data, images=len(rows)))
    return replace(record, folder=str(write_record(results, record, rows)))


def _fitting(given: Sequence[str], channels: int, is_float: bool) -> Asked:
    """What to score under; remarks say why conventions that were asked for, or that need floats, are left out."""
    conventions, perceptual = split(given)
    why = {name: applicable(convention(name), channels, is_float) for name in conventions or CONVENTIONS}
    by_form = {name for name in why if not is_float and not applicable(name, channels)}
    refused = [reason for name, reason in why.items() if reason and (conventions or name in by_form)]
    seen = chosen(perceptual, channels) if perceptual else Asked()
    fitting = tuple(name for name, reason in why.items() if not reason)
    return Asked(fitting, seen.perceptual, (*refused, *seen.remarks))


def _foreign_record(foreign: Foreign, dataset: Dataset, name: str, note: str) -> Record:
    cell = Cell(
        method=name,
        data=ref_of(dataset),
        fingerprint=dataset.fingerprint,
        task=dataset.facts.task,
        degradation=dataset.degradation,
        weights_sha256=foreign.sha256,  # of the outputs, which are all that there is of the method
        note=_joined("outputs made elsewhere", note),
    )
    return replace(outline(cell), data=DataInfo(dataset.partial, dataset.facts.convention))
