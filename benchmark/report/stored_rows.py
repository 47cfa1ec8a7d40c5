"""Rows of a leaderboard.csv whose records are elsewhere: shown, and said to be without a record here."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path

from benchmark.inference.settings import InferenceSettings, arithmetic_fields
from benchmark.leaderboard.columns import COLUMNS
from benchmark.leaderboard.published import UNKNOWN, PublishedFigure
from benchmark.leaderboard.rows import NO_FIGURE, BoardRow
from benchmark.leaderboard.vs_best import GapToBest
from benchmark.records.cell import CRASHED, Cell, Reason
from benchmark.records.record import DONE, Costs, DataInfo, Environment, Figures, Record, Training
from benchmark.scoring.statistics import Interval
from benchmark.tables.column import stored_names
from datasets.core.dataset_ref import DatasetRef
from datasets.core.earlier_refs import refs_of
from datasets.core.errors import UserError
from datasets.core.files import open_ordinary
from datasets.core.names import printable
from datasets.core.sealed import MOST

Line = Mapping[str, str]


def stored_rows(path: Path, known: Iterable[BoardRow], records: Iterable[Record] = ()) -> list[BoardRow]:
    """The rows of a leaderboard.csv that are not among those `known` from records; [] where there is no such file.

    A row whose cell was measured again since (same images, method, recipe, weights and seed) is left out.

    Args:
        records: that are here, those among them that `known` leaves out as outdated.
    Raises:
        UserError: the file is no leaderboard.csv of this project.
    """
    if not path.is_file():
        return []
    there, ids = {_row_of(row) for row in known}, {printable(record.id) for record in records}
    with open_ordinary(path, MOST) as stream:
        lines = csv.DictReader(io.StringIO(stream.read().decode("utf-8", errors="replace"), newline=""))
    try:
        ours = set(stored_names(COLUMNS)) <= set(lines.fieldnames or ())
        rows = [*map(_row, lines)] if ours else []
        new = [row for row in rows if _row_of(row) not in there and row.record.id not in ids]
    except (ValueError, TypeError, AttributeError, csv.Error) as error:
        raise UserError(f"{path} cannot be read ({error}): write it again by `leaderboard`.") from error
    if not ours:
        raise UserError(f"{path} is no leaderboard.csv of this project: remove it, or give another --results.")
    return new


def _row_of(row: BoardRow) -> tuple[object, ...]:
    cell = row.record.cell
    names = (cell.data.name, cell.data.split, cell.degradation, cell.method, cell.recipe, cell.weights)
    return *map(printable, names), cell.seed  # a CSV has no control characters


def _row(line: Line) -> BoardRow:
    line = {key: _plain(value or "") for key, value in line.items()}
    record = _record(line)
    gap = None
    if line["best"]:
        gap = GapToBest(line["best"].removeprefix("runs/"), _interval(line, "minus_best_psnr"))
    comparable = line["comparable"]
    caveats = tuple(part for part in comparable.split("; ") if part not in ("yes", NO_FIGURE, record.status))
    return BoardRow(
        record,
        line["convention"] if record.figures else "",
        gap,
        _published(line),
        _number(line["delta_psnr"]),
        _number(line["delta_ssim"]),
        caveats if record.figures else (),
    )


def _plain(text: str) -> str:
    """A cell without the apostrophe that keeps a spreadsheet from reading it as a formula."""
    return text[1:] if text[:1] == "'" and text[1:2] in tuple("=+-@\t\r") else text


def _record(line: Line) -> Record:
    inference = InferenceSettings(
        ensemble=line["ensemble"] == "x8",
        tile=_count(line["tile"]) or 0,
        **arithmetic_fields(line["precision"]),
    )
    cell = Cell(
        method=line["method"],
        data=DatasetRef(line["dataset"], split=line["split"]),
        task=line["task"],
        degradation=line["degradation"],
        recipe=line["recipe"],
        seed=_count(line["seed"]) or 0,
        inference=inference,
        weights=line["weights"],
    )
    status, psnr, figures = line["status"], _interval(line, "psnr"), {}
    if psnr and line["convention"]:
        figures[line["convention"]] = Figures(psnr, _interval(line, "ssim"), psnr.n, psnr.scenes)
    training = None
    if line["train_data"] or line["train_steps"]:
        sets = refs_of(line["train_data"]) if line["train_data"] else ()
        training = Training(sets, steps=_count(line["train_steps"]), selected_by=line["selected_by"])
    return Record(
        id=line["record"].removeprefix("runs/"),
        cell=cell,
        status=status,
        reason=None if status == DONE else Reason(CRASHED, line["note"]),
        tier="",
        data=DataInfo(convention=line["convention"], images=psnr.n if psnr else 0),
        training=training,
        figures=figures,
        costs=Costs(_count(line["params"]), *(_number(line[key]) for key in ("gmacs", "ms_per_megapixel", "peak_mb"))),
        environment=Environment(device=line["device"]),
        note=line["note"] if status == DONE else "",
    )


def _interval(line: Line, name: str) -> Interval | None:
    mean = _number(line[name])
    if mean is None:
        return None
    low, high = _number(line[f"{name}_low"]), _number(line[f"{name}_high"])
    kind, reason = ("none", "the table has none") if low is None else ("stored", "")
    return Interval(mean, low, high, kind, reason, _count(line["n"]) or 0, _count(line["scenes"]) or 0)


def _published(line: Line) -> PublishedFigure | None:
    """What the table keeps of a published figure: values and source; the rest is unknown."""
    psnr = _number(line["published_psnr"])
    if psnr is None:
        return None
    where = (line["method"], "", line["dataset"], line["split"], line["degradation"])
    ssim, source = _number(line["published_ssim"]), line["published_source"]
    return PublishedFigure(*where, psnr, ssim, None, UNKNOWN, UNKNOWN, False, source, "", False, True, "")


def _number(text: str) -> float | None:
    return float(text) if text else None


def _count(text: str) -> int | None:
    return int(text) if text else None
