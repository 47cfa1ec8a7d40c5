"""Records made by hand, for the tests of everything that reads them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmark.records import Costs, Figures, ImageScore, Record, write_record
from benchmark.scoring.statistics import Interval


def interval(mean: float, half: float | None = None) -> Interval:
    if half is None:
        return Interval(mean, None, None, "none", "3 scenes are too few", n=12, scenes=12)
    return Interval(mean, mean - half, mean + half, "bootstrap", "", n=12, scenes=12)


def figures(psnr: float, ssim: float | None = 0.9, half: float | None = 0.5, n: int = 12) -> Figures:
    return Figures(interval(psnr, half), None if ssim is None else interval(ssim, half and 0.01), n, n)


def record(method: str = "r2r", dataset: str = "sidd", cell: str = "", **changes: Any) -> Record:
    values: dict[str, Any] = {
        "cell": cell or f"{method}-{dataset}-0123456789ab",
        "status": "done",
        "method": method,
        "dataset": dataset,
        "split": "validation",
        "task": "denoise",
        "degradation": "real",
        "recipe": "" if method in ("input", "blur", "nlm") else "sidd-paper",
        "variant": "R2R" if method == "r2r" else "",
        "reference": method in ("input", "blur", "nlm"),
        "convention": "matlab-volume-float",
        "fingerprint": "f" * 64,
        "figures": {"matlab-volume-float": figures(33.5), "unclamped-float": figures(33.4, None)},
        "costs": Costs(560_000, 146.0, 1500.0, 800.0),
        "n": 12,
    }
    return Record(**{**values, **changes})


def keep(results: Path, kept: Record, scores: Mapping[str, Mapping[str, float | None]] | None = None) -> Record:
    """Write a record with per-image scores: image name -> column -> value; the scene is the name up to its dash."""
    rows = [ImageScore(name, name.split("-")[0], values) for name, values in (scores or {}).items()]
    write_record(results, kept, rows)
    return kept
