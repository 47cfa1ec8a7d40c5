"""Records -> the leaderboard: one row per cell and convention, beside what the papers print."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.leaderboard_best import Behind, behind_best
from benchmark.published import Published, conventions_agree, find, reasons
from benchmark.records import DONE, NO_WEIGHTS
from datasets.ops.files import canonical, write_bytes
from datasets.ops.phases import passing

if TYPE_CHECKING:
    from benchmark.records import Figures, Record

# fmt: off
COLUMNS = (
    "dataset", "split", "task", "degradation", "method", "recipe", "weights", "seed", "convention", "n",
    "scenes", "psnr", "psnr_low", "psnr_high", "ssim", "ssim_low", "ssim_high", "minus_best_psnr",
    "minus_best_psnr_low", "minus_best_psnr_high", "best", "published_psnr", "published_ssim", "published_source",
    "delta_psnr", "delta_ssim", "comparable", "params", "gmacs", "ms_per_megapixel", "peak_mb", "ensemble", "tile",
    "device", "precision", "train_data", "train_steps", "selected_by", "status", "note", "record",
)
# fmt: on
MINUS_BEST = "minus_best_psnr"
REFERENCE_ORDER = ("input", "blur", "nlm")
_DECIMALS = {"psnr": 4, "ssim": 6, "gmacs": 3, "ms_per_megapixel": 1, "peak_mb": 1}

BoardRow = dict[str, Any]


def rows(
    records: Iterable[Record],
    figures: Iterable[Published] | None = None,
    warn: Callable[[str], None] | None = None,
) -> list[BoardRow]:
    """One row per record and convention, one for a record without figures; see COLUMNS. None is an empty cell.

    Rows of one dataset and split stand together: reference rows first, the dataset's own convention first. `best` is
    the record of the best row on the same images under that convention, where there are several.

    Args:
        figures: published figures; default: those that come with the project. warn: see benchmark.leaderboard_best.
    """
    known = None if figures is None else tuple(figures)
    told = _current(list(records))
    behind = behind_best(told, warn)
    return [row for record in sorted(_placed(told), key=_order) for row in _rows_of(record, known, behind)]


def _current(records: list[Record]) -> list[Record]:
    """Without the records that say that weights are missing, where the method has run on the same data since."""
    done = {_asked(record) for record in records if record.status == DONE}
    return [r for r in records if not (r.reason.startswith(NO_WEIGHTS) and _asked(r) in done)]


def _asked(record: Record) -> tuple[Any, ...]:
    return record.method, record.seed, *_data(record)


def _placed(records: list[Record]) -> list[Record]:
    """An unfinished record knows no degradation: it takes that of its neighbours on the same data."""
    known = {_data(record): record for record in records if record.degradation}
    missing = [record for record in records if not record.degradation and _data(record) in known]
    near = {record.cell: known[_data(record)] for record in missing}
    return [
        replace(record, degradation=near[record.cell].degradation, task=record.task or near[record.cell].task)
        if record.cell in near
        else record
        for record in records
    ]


def _data(record: Record) -> tuple[str, str, str]:
    return record.dataset, record.split, canonical(dict(record.options))


def _order(record: Record) -> tuple[Any, ...]:
    reference = REFERENCE_ORDER.index(record.method) if record.method in REFERENCE_ORDER else len(REFERENCE_ORDER)
    place = (record.dataset, record.split, record.degradation)
    return *place, reference, record.method, record.recipe, record.weights, record.seed, record.cell


def _rows_of(record: Record, figures: tuple[Published, ...] | None, behind: Mapping[Any, Behind]) -> list[BoardRow]:
    names = sorted(record.figures, key=lambda name: (name != record.convention, name))
    if not names:
        return [_common(record) | {"comparable": record.status}]
    return [
        _common(record)
        | _measured(record, name)
        | _against(behind.get((record.cell, name)))
        | _theirs(record, name, figures)
        for name in names
    ]


def _common(record: Record) -> BoardRow:
    row: BoardRow = dict.fromkeys(COLUMNS)
    for name in ("dataset", "split", "task", "degradation", "method", "recipe", "weights", "seed", "tile", "device"):
        row[name] = getattr(record, name)
    for name in ("train_data", "train_steps", "selected_by", "status"):
        row[name] = getattr(record, name)
    for name in ("params", "gmacs", "ms_per_megapixel", "peak_mb"):
        row[name] = getattr(record.costs, name)
    row["ensemble"] = "x8" if record.ensemble else "no"
    row["precision"] = record.precision + ("+tf32" if record.tf32 else "")
    row["note"] = "; ".join(part for part in (record.reason, record.note) if part)
    row["record"] = f"runs/{record.cell}"
    return row


def _measured(record: Record, name: str) -> BoardRow:
    figures: Figures = record.figures[name]
    row: BoardRow = {"convention": name, "n": figures.n, "scenes": figures.scenes}
    for metric in ("psnr", "ssim"):
        interval = getattr(figures, metric)
        if interval is None:
            continue
        row |= {metric: interval.mean, f"{metric}_low": interval.low, f"{metric}_high": interval.high}
    return {key: _finite(value) for key, value in row.items()}


def _against(behind: Behind | None) -> BoardRow:
    if behind is None:
        return {}
    row: BoardRow = {"best": f"runs/{behind.best}"}
    if behind.psnr is not None:
        low, high = f"{MINUS_BEST}_low", f"{MINUS_BEST}_high"
        row |= {MINUS_BEST: behind.psnr.mean, low: behind.psnr.low, high: behind.psnr.high}
    return {key: _finite(value) for key, value in row.items()}


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


def _theirs(record: Record, name: str, known: tuple[Published, ...] | None) -> BoardRow:
    ours = [record.partial] if record.partial else []
    figure = find(record.variant, record.dataset, record.split, record.degradation, name, known)
    if figure is None:
        return {"comparable": "; ".join([*ours, "no published figure"])}
    why = reasons(figure, name, ensemble=record.ensemble, ours=ours)
    row = {"published_psnr": figure.psnr, "published_ssim": figure.ssim, "published_source": figure.citation}
    return (
        row
        | {"comparable": "; ".join(why) or "yes"}
        | ({} if ours else _differences(record.figures[name], figure, name))
    )


def _differences(ours: Figures, theirs: Published, name: str) -> BoardRow:
    psnr, ssim = conventions_agree(theirs, name)
    row: BoardRow = {}
    if psnr:
        row["delta_psnr"] = ours.psnr.mean - theirs.psnr
    if ssim and theirs.ssim is not None and ours.ssim is not None:
        row["delta_ssim"] = ours.ssim.mean - theirs.ssim
    return row


def text(column: str, value: Any) -> str:
    """One value as the CSV holds it: PSNR with four decimals, SSIM with six, '' for None."""
    if value is None:
        return ""
    metric = column.removeprefix("delta_").removeprefix("minus_best_").removesuffix("_low").removesuffix("_high")
    if isinstance(value, float) and metric in _DECIMALS:
        return f"{value:.{_DECIMALS[metric]}f}"
    return str(value)


def csv_text(board: Sequence[Mapping[str, Any]]) -> str:
    """The rows as CSV with the header COLUMNS."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([text(column, row[column]) for column in COLUMNS] for row in board)
    return stream.getvalue()


def write(
    results: Path, records: Iterable[Record] | None = None, warn: Callable[[str], None] | None = None
) -> list[BoardRow]:
    """Write leaderboard.csv and leaderboard.md under `results`, each whole or not at all, from the records there.

    Args:
        records: default: every readable record under ``results/runs``. warn: told of those that cannot be read.
    Returns:
        the rows written.
    """
    from benchmark.leaderboard_text import markdown
    from benchmark.records import read_records

    board = rows(read_records(results, warn) if records is None else records, warn=warn)
    write_bytes(results / "leaderboard.csv", csv_text(board).encode())
    passing("run.leaderboard")
    write_bytes(results / "leaderboard.md", markdown(board).encode())
    return board
