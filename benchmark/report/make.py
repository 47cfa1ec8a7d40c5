"""A results folder -> its page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.leaderboard.rows import BoardRow, board_rows
from benchmark.progress import Report
from benchmark.records.files import read_records
from benchmark.records.record import DONE, Record
from benchmark.report.board import board_values
from benchmark.report.cards import cards
from benchmark.report.curves import curves
from benchmark.report.image_sets import ImageSet, image_sets
from benchmark.report.noise import noise_values
from benchmark.report.page import PageFiles
from benchmark.report.pictures import Shown, picture_values, shown_images
from benchmark.report.scores import parts_of
from benchmark.report.stored_rows import stored_rows
from benchmark.version import __version__
from datasets.core.errors import UserError

IMAGES = 12  # of a split, in the comparator
Warn = Callable[[str], None] | None


@dataclass(frozen=True)
class PageRequest:
    """What page is wanted.

    Attributes:
        results: folder with ``runs/``; its leaderboard.csv adds rows whose records are elsewhere. data: root of the
            prepared datasets, for degraded and clean images. out, single: see `page.PageFiles`.
        dataset: only this one; None = all. images: how many of a split the comparator shows.
    """

    results: Path
    data: Path
    out: Path
    single: bool = False
    dataset: str | None = None
    images: int = IMAGES


def make_report(request: PageRequest, warn: Warn = None, report: Report = None) -> Path:
    """Write the page of a results folder; returns the file to open.

    Args:
        warn: called with a sentence for each record that cannot be read. report: progress.
    Raises:
        UserError: nothing to show, or an `out` that holds something else.
    """
    files = PageFiles(request.out, request.single)
    records = read_records(request.results, warn)
    board = board_rows(records, warn=warn)
    board += stored_rows(request.results / "leaderboard.csv", board, records)
    board = [row for row in board if request.dataset in (None, row.record.cell.data.name)]
    if not board:
        what = f" of {request.dataset}" if request.dataset else ""
        raise UserError(
            f"There are no records{what} under {request.results}: start with `python -m benchmark run --dataset demo`, "
            "or name another folder by --results."
        )
    files.begin()
    shown = {row.record.id: row.record for row in board}
    sets = image_sets((record for record in shown.values() if record.folder), warn)
    main = {
        "version": __version__,
        "results": request.results.name or "results",
        "board": board_values(board, request.results),
        "cards": cards(shown.values(), request.results),
        "sets": [_set_values(number, each, request, files, report) for number, each in enumerate(sets)],
        "curves": bool(_curves(request, files)),
        "headline": headline(board),
    }
    return files.finish(f"Report: {request.results.name or 'results'}", main)


def headline(board: Sequence[BoardRow]) -> str:
    """What the page shows, in one sentence."""
    records: dict[str, Record] = {row.record.id: row.record for row in board}
    states = [record.status for record in records.values()]
    sets = len({(r.cell.data.name, r.cell.data.split, r.cell.degradation) for r in records.values() if r.figures})
    parts = [f"{states.count(DONE)} finished"] + [f"{states.count(s)} {s}" for s in dict.fromkeys(states) if s != DONE]
    missing = sum(not record.folder for record in records.values())
    elsewhere = f" The records of {missing} are not in this folder." if missing else ""
    where = f" on {sets} set{'s' if sets != 1 else ''} of images" if sets else ""
    return f"{len(records)} record{'s' if len(records) != 1 else ''}{where}: {', '.join(parts)}.{elsewhere}"


def _set_values(
    number: int, images: ImageSet, request: PageRequest, files: PageFiles, report: Report
) -> dict[str, Any]:
    value = parts_of(number, images, files.add)
    found, count, missing = shown_images(images, request.data, request.images)
    pictures, seen = [], list[Shown]()
    for done, image in enumerate(found, 1):
        pictures.append(picture_values(image, files.image))
        if images.records[0].cell.task == "denoise":
            seen.append(image)
        if report:
            report(f"pictures of {images.records[0].cell.data.name}", done, count)
    if pictures:
        files.add(f"set{number}-pictures", pictures)
    return value | {"pictures": len(pictures), "missing": missing, "noise": noise_values(seen)}


def _curves(request: PageRequest, files: PageFiles) -> list[dict[str, Any]]:
    found = curves(request.results)
    if found:
        files.add("curves", found)
    return found
