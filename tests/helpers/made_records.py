"""Records made by hand, for the tests of everything that reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from benchmark.inference.settings import InferenceSettings
from benchmark.records.cell import NO_WEIGHTS, WRONG, Cell, Reason
from benchmark.records.files import write_record
from benchmark.records.record import Costs, DataInfo, Environment, Figures, ImageScore, Record
from benchmark.scoring.statistics import Interval
from datasets.core.dataset_ref import DatasetRef


def interval(mean: float, half: float | None = None) -> Interval:
    if half is None:
        return Interval(mean, None, None, "none", "3 scenes are too few", n=12, scenes=12)
    return Interval(mean, mean - half, mean + half, "bootstrap", "", n=12, scenes=12)


def figures(psnr: float, ssim: float | None = 0.9, half: float | None = 0.5, n: int = 12) -> Figures:
    return Figures(interval(psnr, half), None if ssim is None else interval(ssim, half and 0.01), n, n)


def record(method: str = "r2r", dataset: str = "sidd", cell: str = "", **changes: Any) -> Record:
    """A finished record; `changes` are fields of the record, its cell, the inference settings or the data."""
    values: dict[str, Any] = {
        "status": "done",
        "split": "validation",
        "task": "denoise",
        "degradation": "real",
        "recipe": "" if method in ("input", "blur", "nlm") else "sidd-paper",
        "variant": "R2R" if method == "r2r" else "",
        "convention": "matlab-volume-float",
        "fingerprint": "f" * 64,
        "figures": {"matlab-volume-float": figures(33.5), "unclamped-float": figures(33.4, None)},
        "costs": Costs(560_000, 146.0, 1500.0, 800.0),
        "images": 12,
        **changes,
    }

    def taken(kind: type) -> dict[str, Any]:
        return {f.name: values.pop(f.name) for f in fields(kind) if f.name in values}

    if isinstance(values.get("reason"), str):
        code = NO_WEIGHTS if values["reason"].startswith("No weights") else WRONG
        values["reason"] = Reason(code, values["reason"])
    data = DatasetRef(dataset, values.pop("options", {}), values.pop("split"))
    inference, info, environment = taken(InferenceSettings), taken(DataInfo), taken(Environment)
    known = taken(Record)
    made = Cell(method=method, data=data, inference=InferenceSettings(**inference), **taken(Cell))
    assert not values, f"unknown fields {sorted(values)}"
    return Record(
        id=cell or f"{method}-{dataset}-0123456789ab",
        cell=made,
        data=DataInfo(**info),
        environment=Environment(**environment),
        **known,
    )


def keep(results: Path, kept: Record, scores: Mapping[str, Mapping[str, float | None]] | None = None) -> Record:
    """Write a record with per-image scores: image name -> column -> value; the scene is the name up to its dash."""
    rows = [ImageScore(name, name.split("-")[0], values) for name, values in (scores or {}).items()]
    write_record(results, kept, rows)
    return kept
