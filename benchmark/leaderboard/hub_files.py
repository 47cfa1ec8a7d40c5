"""Records as the Hugging Face Hub reads them: ``.eval_results/*.yaml`` and a model card (README.md).

Entries of `.eval_results` name a data set of the Hub and a task of its ``eval.yaml``, which only its owners can say:
they are written where both are given. The card's ``model-index`` needs neither. Values stand as JSON: YAML too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchmark.leaderboard.columns import COSTS, FIGURES, LABEL, remark
from benchmark.leaderboard.perceptual import columns
from benchmark.leaderboard.rows import BoardRow, board_rows
from benchmark.leaderboard.standings import names_of
from benchmark.records.record import DONE, Record
from benchmark.scoring.perceptual.definition import PERCEPTUAL
from benchmark.tables.markdown_table import markdown_table, markdown_text
from benchmark.version import __version__
from datasets.core.errors import UserError

_ID = re.compile(r"[\w.-]+/[\w.-]+")
_TASK = re.compile(r"[\w.-]+")
_DIGITS = 6


def own_records(records: Iterable[Record], name: str) -> list[Record]:
    """The finished records of a method, or those whose id begins so. Raises UserError where there are none."""
    done = [record for record in records if record.status == DONE and record.figures]
    found = [r for r in done if r.cell.method == name] or [r for r in done if r.id.startswith(name)]
    if not found:
        raise UserError(
            f"No finished record of {name!r} with figures is there: `run` it first, or name another --results."
        )
    return found


def hub_dataset(text: str) -> tuple[str, tuple[str, str]]:
    """``polyu=ORG/NAME:TASK`` -> (polyu, (ORG/NAME, TASK)). Raises UserError for another form."""
    name, _, where = text.partition("=")
    id, _, task = where.partition(":")
    if not name or not _ID.fullmatch(id) or not _TASK.fullmatch(task):
        raise UserError(f"Expected NAME=ORGANISATION/DATASET:TASK for a data set of the Hub, got {text!r}.")
    return name, (id, task)


def eval_results(records: Sequence[Record], places: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """File name -> content, for every record of the named data sets that is of all of its images.

    Args:
        places: name of a dataset -> its id on the Hub, and the task there. The value is the PSNR in dB.
    """
    files = {}
    for record in records:
        place = places.get(record.cell.data.name)
        if place and not record.data.partial:
            entry = _entry(record, *place)
            files[f".eval_results/{record.id}.yaml"] = "\n".join(_yaml([entry])) + "\n"
    return files


def _entry(record: Record, id: str, task: str) -> dict[str, Any]:
    own = record.data.convention
    name = own if own in record.figures else min(record.figures)
    figures = record.figures[name]
    low, high = figures.psnr.low, figures.psnr.high
    interval = "" if low is None or high is None else f", 95 % interval {low:.2f} to {high:.2f}"
    ssim = "" if figures.ssim is None else f"; SSIM {figures.ssim.mean:.4f}"
    notes = f"PSNR in dB under the convention {name}{interval}{ssim}; {figures.n} images of {figures.scenes} scenes; "
    notes += f"weights SHA-256 {record.cell.weights_sha256 or 'none'}; restoration-benchmark {__version__}"
    entry: dict[str, Any] = {"dataset": {"id": id, "task_id": task}, "value": round(figures.psnr.mean, _DIGITS)}
    if record.environment.started:
        entry["date"] = record.environment.started
    return {**entry, "notes": notes}


def model_card(records: Sequence[Record]) -> str:
    """README.md of a model's repository: metadata with every figure, and the tables for people."""
    licences = sorted({r.training.licence for r in records if r.training and r.training.licence})
    tasks = sorted({r.cell.task for r in records if r.cell.task})
    head: dict[str, Any] = {"pipeline_tag": "image-to-image", "tags": ["image-restoration", *tasks]}
    results = [result for record in records for result in _results(record)]
    name = records[0].cell.method
    head["model-index"] = [{"name": name, "results": results}]
    rows: dict[str, BoardRow] = {}  # of each record the first
    for row in board_rows(records):
        rows.setdefault(row.record.id, row)
    seen = columns(names_of(records))
    parts = ["---", *_yaml(head), "---", "", f"# {markdown_text(name)}", ""]
    parts += ["Figures of restoration-benchmark, from its records: means over images, with 95 % intervals.", ""]
    data = [(row.record.cell.data.label, row) for row in rows.values()]
    for label in dict.fromkeys(label for label, _ in data):
        same = [row for other, row in data if other == label]
        parts += [f"## {markdown_text(label)}", "", f"Convention: `{same[0].convention}`", ""]
        parts += [*markdown_table((LABEL, *FIGURES[2:4], *seen), same), "", *markdown_table(COSTS, same), ""]
        parts += [f"- {markdown_text(text)}" for row in same if (text := remark(row))] + [""]
    trained = sorted({r.training.text for r in records if r.training and r.training.text})
    parts += ["## Weights", ""]
    parts += [f"- `{sha}`" for sha in sorted({r.cell.weights_sha256 for r in records if r.cell.weights_sha256})]
    parts += [f"- trained on {markdown_text(text)}" for text in trained]
    parts += [f"- terms of the training data: {markdown_text(text)}" for text in licences]
    return "\n".join(parts).rstrip() + "\n"


def _results(record: Record) -> list[dict[str, Any]]:
    """One entry of the card's model-index per convention; figures that are infinite are left out."""
    cell = record.cell
    data = {"name": cell.data.label, "type": cell.data.name, "split": cell.data.split}
    metrics = []
    for name, figures in record.figures.items():
        for kind, value in (("psnr", figures.psnr), ("ssim", figures.ssim)):
            if value is not None and abs(value.mean) != float("inf"):
                title = f"{kind.upper()} ({name})"
                metrics.append({"type": kind, "name": title, "value": round(value.mean, _DIGITS)})
    for name, found in record.perceptual.items():
        title = f"{PERCEPTUAL[name].title} (lower is better)" if name in PERCEPTUAL else name
        metrics.append({"type": name, "name": title, "value": round(found.value.mean, _DIGITS)})
    if record.data.partial:
        data["name"] += f" ({record.data.partial})"
    return [{"task": {"type": "image-to-image", "name": cell.task}, "dataset": data, "metrics": metrics}]


def _yaml(value: Any, indent: str = "") -> list[str]:
    """Lines of YAML in block style; scalars as JSON."""
    lines: list[str] = []
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if isinstance(inner, (Mapping, list)) and inner:
                lines += [f"{indent}{key}:", *_yaml(inner, indent + "  ")]
            else:
                lines.append(f"{indent}{key}: {json.dumps(inner)}")
        return lines
    for inner in value:
        if isinstance(inner, Mapping) and inner:
            first, *rest = _yaml(inner, indent + "  ")
            lines += [f"{indent}- {first.lstrip()}", *rest]
        else:
            lines.append(f"{indent}- {json.dumps(inner)}")
    return lines
