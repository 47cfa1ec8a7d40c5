"""Results of several machines in one folder: records are copied, contradictions are told."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmark.records import DONE, Record, read_records
from datasets.ops.errors import UserError
from datasets.ops.files import replacing

TOLERANCE = 1e-3  # dB: two machines' float arithmetic may differ in the last digits, not by this much


@dataclass
class Merged:
    """What became of each cell. `conflicts` holds a sentence for each contradiction; ours was kept."""

    copied: list[str] = field(default_factory=list)
    same: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)


def merge(results: Path, sources: Sequence[Path]) -> Merged:
    """Copy the records of other results folders into `results`.

    A finished record beats a failed or skipped one. Where both are finished, ours stays; when their mean PSNRs lie
    more than TOLERANCE apart under any convention, that is a conflict.

    Raises:
        UserError: a source holds no records.
    """
    outcome = Merged()
    ours = {record.cell: record for record in read_records(results)} if (results / "runs").is_dir() else {}
    for source in sources:
        for theirs in _records(source):
            _take(theirs, ours, results, outcome)
    return outcome


def _records(source: Path) -> list[Record]:
    if not (source / "runs").is_dir():
        raise UserError(f"{source} is no results folder: it has no runs/ with records in it.")
    found = list(read_records(source))
    if not found:
        raise UserError(f"{source} holds no finished records: there is nothing to merge.")
    return found


def _take(theirs: Record, ours: dict[str, Record], results: Path, outcome: Merged) -> None:
    mine = ours.get(theirs.cell)
    if mine is None or (mine.status != DONE and theirs.status == DONE):
        _copy(Path(theirs.folder), results / "runs" / theirs.cell)
        ours[theirs.cell] = theirs
        outcome.copied.append(theirs.cell)
        return
    apart = _apart(mine, theirs)
    if apart:
        outcome.conflicts.append(f"{theirs.cell}: {apart}; {theirs.folder} was not taken.")
    else:
        outcome.same.append(theirs.cell)


def _apart(mine: Record, theirs: Record) -> str:
    """The convention under which two finished records lie furthest apart, in words; '' where they agree."""
    if mine.status != DONE or theirs.status != DONE:
        return ""
    shared = [name for name in mine.figures if name in theirs.figures]
    gaps = {name: abs(mine.figures[name].psnr.mean - theirs.figures[name].psnr.mean) for name in shared}
    worst = max(gaps, key=gaps.__getitem__, default="")
    if not worst or not gaps[worst] > TOLERANCE:
        return ""
    ours_mean, their_mean = mine.figures[worst].psnr.mean, theirs.figures[worst].psnr.mean
    return f"ours has {ours_mean:.4f} dB, theirs {their_mean:.4f} dB ({worst})"


def _copy(source: Path, target: Path) -> None:
    # record.json last: a folder without it is not finished
    for name in ("scores.csv", "record.json"):
        if (source / name).is_file():
            with replacing(target / name) as part:
                shutil.copyfile(source / name, part)
