"""Results of several machines in one folder: records are copied, contradictions are told."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmark.records.files import read_records, unsound
from benchmark.records.record import DONE, Record
from datasets.core.errors import UserError
from datasets.core.fault_points import fault_point
from datasets.core.files import clear_parts, replacing
from datasets.core.locks import BusyError, exclusive

FILES = ("scores.csv", "record.json")
TOLERANCE = 1e-3  # dB: two machines' float arithmetic may differ in the last digits, not by this much


@dataclass
class Merged:
    """What became of each cell. `conflicts` holds a sentence for each contradiction; ours was kept.

    `refused` holds one for each record that is damaged, or not what a results folder holds.
    """

    copied: list[str] = field(default_factory=list)
    same: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def merge(results: Path, sources: Sequence[Path]) -> Merged:
    """Copy the records of other results folders into `results`.

    A finished record beats a failed or skipped one. Where both are finished, ours stays; when their mean PSNRs, or
    perceptual distances, lie more than TOLERANCE apart under any convention, that is a conflict. Only plain files are
    copied, and only into the folder of their cell.

    Raises:
        UserError: a source holds no records.
    """
    outcome = Merged()
    ours = {record.id: record for record in read_records(results)} if (results / "runs").is_dir() else {}
    for source in sources:
        if not (source / "runs").is_dir():
            raise UserError(f"{source} is no results folder: it has no runs/ with records in it.")
        found = read_records(source, outcome.refused.append)
        if not found and not outcome.refused:
            raise UserError(f"{source} holds no finished records: there is nothing to merge.")
        for theirs in found:
            _take(theirs, ours, results, outcome)
    return outcome


def _take(theirs: Record, ours: dict[str, Record], results: Path, outcome: Merged) -> None:
    mine = ours.get(theirs.id)
    if mine is None or (mine.status != DONE and theirs.status == DONE):
        if why := _unfit(Path(theirs.folder), theirs):
            outcome.refused.append(f"{theirs.folder} was not taken: {why}")
            return
        try:
            _copy(Path(theirs.folder), results / "runs" / theirs.id)
        except BusyError as error:
            outcome.refused.append(f"{theirs.folder} was not taken: {error}")
            return
        ours[theirs.id] = theirs
        outcome.copied.append(theirs.id)
        return
    apart = _apart(mine, theirs)
    if apart:
        outcome.conflicts.append(f"{theirs.id}: {apart}; {theirs.folder} was not taken.")
    else:
        outcome.same.append(theirs.id)


def _unfit(folder: Path, record: Record) -> str:
    """Why a stranger's record is not taken; '' where it is."""
    if record.id != folder.name:
        return f"its record is that of another folder, {record.id!r}."
    for name in FILES:
        if (folder / name).is_symlink() or ((folder / name).exists() and not (folder / name).is_file()):
            return f"{name} is no plain file."
    return unsound(folder, record)


def _apart(mine: Record, theirs: Record) -> str:
    """The convention under which two finished records lie furthest apart, in words; '' where they agree."""
    if mine.status != DONE or theirs.status != DONE:
        return ""
    shared = [name for name in mine.figures if name in theirs.figures]
    gaps = {name: abs(mine.figures[name].psnr.mean - theirs.figures[name].psnr.mean) for name in shared}
    worst = max(gaps, key=gaps.__getitem__, default="")
    if not worst or not gaps[worst] > TOLERANCE:
        return _distances_apart(mine, theirs)
    ours_mean, their_mean = mine.figures[worst].psnr.mean, theirs.figures[worst].psnr.mean
    return f"ours has {ours_mean:.4f} dB, theirs {their_mean:.4f} dB ({worst})"


def _distances_apart(mine: Record, theirs: Record) -> str:
    for name in [name for name in mine.perceptual if name in theirs.perceptual]:
        ours, other = mine.perceptual[name].value.mean, theirs.perceptual[name].value.mean
        if abs(ours - other) > TOLERANCE * max(1.0, abs(ours)):
            return f"ours has {ours:.4f}, theirs {other:.4f} ({name})"
    return ""


def _copy(source: Path, target: Path) -> None:
    """Copy a cell's files. Raises BusyError where another process is working on the cell."""
    target.mkdir(parents=True, exist_ok=True)
    with exclusive(target / "lock", f"the cell {target.name}"):
        clear_parts(target)
        # record.json last: a folder without it is not finished
        for name in FILES:
            fault_point("merge.file")
            if (source / name).is_file():
                with replacing(target / name) as part:
                    shutil.copyfile(source / name, part)
