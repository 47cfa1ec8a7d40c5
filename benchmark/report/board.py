"""The leaderboard of the page: rows with their selectors, and the records that they come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmark.leaderboard import perceptual
from benchmark.leaderboard.columns import COLUMNS, LABEL, remark
from benchmark.leaderboard.render import groups
from benchmark.leaderboard.rows import BoardRow
from benchmark.leaderboard.standings import names_of
from benchmark.records.record import Record
from benchmark.report.cards import supervision
from benchmark.report.command import command
from benchmark.scoring.conventions import CONVENTIONS, ON_REQUEST
from benchmark.tables.column import Column, pick
from benchmark.tables.page_table import json_value, page_table

_FIRST = (LABEL, *pick(COLUMNS, "convention psnr ssim minus_best_psnr"))
_LAST = pick(COLUMNS, "published_psnr delta_psnr comparable n params gmacs ms_per_megapixel peak_mb device")
SHOWN = (*_FIRST, *_LAST)


def shown(board: Sequence[BoardRow]) -> tuple[Column[BoardRow], ...]:
    """SHOWN, and the perceptual distances that any row has."""
    names = names_of(row.record for row in board)
    return *_FIRST, *perceptual.columns(names), *perceptual.gap_columns(names), *_LAST


def board_values(board: Sequence[BoardRow], results: Path) -> dict[str, Any]:
    """Sections of rows (one per dataset, split and degradation), and the records by id.

    Each row has its ``texts`` and ``values`` by `shown`, and what selectors and charts need: ``record``,
    ``convention``, ``first`` (under the dataset's own one), ``reasons``, ``psnr`` and ``ssim`` as [mean, low, high].
    """
    sections, used = [], shown(board)
    for title, rows in groups(board):
        lines = page_table(used, rows)["rows"]
        seen: set[str] = set()
        for line, row in zip(lines, rows, strict=True):
            line |= _selected_by(row) | {"first": row.record.id not in seen}
            seen.add(row.record.id)
        sections.append({"title": title, "dataset": rows[0].record.cell.data.name, "rows": lines})
    records = {row.record.id: row for row in reversed(board)}
    return {
        "columns": page_table(used, [])["columns"],
        "sections": sections,
        "records": {key: record_values(row, results) for key, row in sorted(records.items())},
        "conventions": {name: convention_facts(name) for name in dict.fromkeys(r.convention for r in board) if name},
    }


def _selected_by(row: BoardRow) -> dict[str, Any]:
    return {
        "record": row.record.id,
        "convention": row.convention,
        "reasons": row.reasons,
        "best": row.is_best,
        "source": row.published.citation if row.published else "",
        "psnr": _ends(row.psnr),
        "ssim": _ends(row.ssim),
        "why": "" if row.psnr is None else row.psnr.reason,
    }


def _ends(value: Any) -> list[Any] | None:
    return None if value is None else [json_value(part) for part in (value.mean, value.low, value.high)]


def convention_facts(name: str) -> dict[str, str]:
    """How a convention computes PSNR and SSIM, and who uses it; {} for one that is not known here."""
    found = (CONVENTIONS | ON_REQUEST).get(name)
    if found is None:
        return {}
    said = {"PSNR on": found.psnr_input, "SSIM on": found.ssim_input or "none", "plane": found.plane}
    return said | {"used by": found.used_by}


def record_values(row: BoardRow, results: Path) -> dict[str, Any]:
    """What the page says of a record: label, selectors, and its provenance as pairs of words."""
    record = row.record
    cell = record.cell
    here = bool(record.folder)
    return {
        "label": LABEL.cell_text(row),
        "method": cell.method,
        "baseline": cell.is_baseline,
        "dataset": cell.data.name,
        "task": cell.task,
        "supervision": supervision(record),
        "status": record.status,
        "remark": remark(row),
        "here": here,
        "folder": f"runs/{record.id}",
        "command": command(record, results) if here else "",
        "costs": [json_value(value) for value in asdict(record.costs).values()],
        "facts": [[name, text] for name, text in _provenance(record).items() if text] if here else [],
    }


def _provenance(record: Record) -> dict[str, str]:
    cell, where, training = record.cell, record.environment, record.training
    versions = ", ".join(f"{name} {version}" for name, version in where.versions.items())
    inference = ", ".join(f"{name} = {value}" for name, value in cell.inference.changed.items())
    return {
        "method": f"{cell.method}, version {cell.method_version}",
        "recipe": f"{cell.recipe} ({record.tier}), digest {cell.recipe_digest[:12]}" if cell.recipe else "",
        "settings": ", ".join(f"{key} = {value}" for key, value in cell.settings.items()),
        "inference": inference,
        "weights": cell.weights,
        "sha256 of the weights": cell.weights_sha256,
        "trained on": training.text if training else "",
        "steps": f"{training.steps:,}" if training and training.steps else "",
        "checkpoint chosen by": training.selected_by if training else "",
        "licence of the training data": training.licence if training else "",
        "dataset": cell.data.text,
        "fingerprint of the images": cell.fingerprint,
        "images": f"{record.data.images}" + (f" ({record.data.partial})" if record.data.partial else ""),
        "device": where.device,
        "versions": versions,
        "commit": where.commit,
        "started": where.started,
        "seconds": f"{where.seconds:.1f}" if where.seconds else "",
        "checksum of the scores": record.scores,
    }
