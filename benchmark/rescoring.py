"""`score`: saved outputs under more conventions, and somebody else's outputs as a row of their own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmark.cell import Report
from benchmark.environment import commit, versions
from benchmark.foreign import Foreign, open_foreign
from benchmark.outputs import names, read_saved, saved
from benchmark.records import DONE, ImageScore, Record, read_record, read_scores, write_record
from benchmark.scoring.conventions import CONVENTIONS, applicable, convention
from benchmark.tally import Tally, chosen, figures
from datasets import open_dataset, parse_spec
from datasets.base import Dataset, Sample
from datasets.ops.errors import UserError
from datasets.ops.files import digest
from datasets.ops.locks import exclusive

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
    for name in conventions:
        convention(name)
    _finished(folder)
    with exclusive(folder / "lock", f"the cell {folder.name}"):
        return _with_more(folder, _finished(folder), data, conventions, report)


def _finished(folder: Path) -> Record:
    record = read_record(folder)
    if record is None or record.status != DONE:
        raise UserError(f"{folder} holds no finished record: expected results/runs/<cell id> of `run --save-outputs`.")
    return record


def _with_more(folder: Path, record: Record, data: Path, conventions: Sequence[str], report: Report) -> Record:
    dataset = _dataset_of(record, data)
    if not saved(folder, dataset):
        raise UserError(f"The outputs of {record.cell} were not kept: run it again with --save-outputs --force.")
    wanted, remarks = chosen(conventions, dataset.facts.channels, dataset.facts.convention)
    added = [name for name in wanted if name not in record.figures]
    restored = ((found.sample, found.output) for found in read_saved(folder, dataset))
    rows = _score(restored, len(dataset), added, record.cell, report)
    merged = _merged(read_scores(folder), rows)
    note = _joined(record.note, *remarks)
    record = replace(record, figures={**record.figures, **figures(merged, added)}, note=note)
    write_record(folder.resolve().parent.parent, record, merged)
    return replace(record, folder=str(folder))


def _dataset_of(record: Record, data: Path) -> Dataset:
    dataset = open_dataset(
        record.dataset,
        data,
        split=record.split,
        options=record.options,
        noise_seed=record.noise_seed,
        limit=record.limit,
    )
    if dataset.fingerprint != record.fingerprint:
        raise UserError(
            f"The prepared {record.dataset} under {data} holds other images than {record.cell} was made from: "
            "name the right folder with --data."
        )
    return dataset


def _score(images: Images, count: int, conventions: Sequence[str], what: str, report: Report) -> list[ImageScore]:
    with Tally(conventions) as tally:
        for done, (sample, output) in enumerate(images, 1):
            tally.add(sample, output)
            if report:
                report(f"scoring {what}", done, count)
        return tally.rows()


def _merged(old: Sequence[ImageScore], new: Sequence[ImageScore]) -> list[ImageScore]:
    added: Mapping[str, Mapping[str, float | None]] = {row.name: row.values for row in new}
    return [replace(row, values={**row.values, **added[row.name]}) for row in old]


def _joined(*parts: str) -> str:
    return "; ".join(dict.fromkeys(part for part in parts if part))


def score_foreign(
    outputs: Path,
    spec: str,
    name: str,
    *,
    data: Path,
    results: Path,
    split: str | None = None,
    conventions: Sequence[str] = (),
    report: Report = None,
) -> Record:
    """Score outputs that somebody else made, and leave a record under `results`: a row of its own.

    Args:
        outputs: a folder with ``<sample name>.npy`` (float32, white at 1; every convention) or ``<sample name>.png``
            (8-bit conventions only), or a ``.mat`` of (S, B, H, W, 3) in the dataset's order.
        spec: dataset, such as ``sidd`` or ``bsd68[sigma=25]``. name: the row's method.
    Raises:
        UserError: missing or mis-shaped outputs, a name that is not one word, an unknown dataset or convention.
    """
    if not re.fullmatch(r"[\w.+-]+", name):
        raise UserError(f"A row's --name is one word of letters, digits and . + - _, got {name!r}.")
    dataset = open_dataset(spec, data, split=split)
    _require_clean(dataset)
    foreign = open_foreign(outputs, names(dataset))
    fitting, refused = _fitting(conventions, dataset.facts.channels, foreign.is_float)
    if not fitting:
        raise UserError(f"{outputs} cannot be scored: {' '.join(refused)}")
    images = ((sample, foreign.read(index)) for index, sample in enumerate(dataset))
    rows = _score(images, len(dataset), fitting, name, report)
    record = _foreign_record(foreign, dataset, spec, name, _joined(foreign.note, *refused))
    record = replace(record, figures=figures(rows, fitting), n=len(rows))
    return replace(record, folder=str(write_record(results, record, rows)))


def _require_clean(dataset: Dataset) -> None:
    if len(dataset) and dataset[0].clean is None:
        raise UserError(
            f"The split {dataset.split!r} of {dataset.facts.name} has no clean images to score against: "
            f"choose another of {', '.join(dataset.facts.splits)}."
        )


def _fitting(conventions: Sequence[str], channels: int, is_float: bool) -> tuple[list[str], list[str]]:
    """Conventions to score under, and why those that were asked for, or that need floats, are left out."""
    why = {name: applicable(convention(name), channels, is_float) for name in conventions or CONVENTIONS}
    by_form = {name for name in why if not is_float and not applicable(name, channels)}
    refused = [reason for name, reason in why.items() if reason and (conventions or name in by_form)]
    return [name for name, reason in why.items() if not reason], refused


def _foreign_record(foreign: Foreign, dataset: Dataset, spec: str, name: str, note: str) -> Record:
    facts, options = dataset.facts, {**parse_spec(spec)[1], **dataset.options}
    identity = [name, facts.name, dataset.split, dataset.fingerprint, options, foreign.sha256]
    return Record(
        cell=f"{name}-{facts.name}-{digest(identity)[:12]}",
        status=DONE,
        method=name,
        dataset=facts.name,
        split=dataset.split,
        options=options,
        task=facts.task,
        degradation=dataset.degradation,
        fingerprint=dataset.fingerprint,
        partial=dataset.partial,
        convention=facts.convention,
        versions=versions(),
        commit=commit(),
        note=_joined("outputs made elsewhere", note),
    )
