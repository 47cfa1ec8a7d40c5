"""Training curves: the logs of a results folder, thinned to what a chart can show."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from benchmark.training.log import FIXED, read_log

POINTS, TRAININGS = 240, 60  # of one curve; of one page


def curves(results: Path) -> list[dict[str, Any]]:
    """Each training's curves: name, and of each stage and loss its steps and values; PSNR where it was validated.

    Losses are means over neighbouring steps where there are more than 240; scores are shown as they are.
    """
    found = []
    for path in sorted((results / "training").glob("*/log.csv"))[:TRAININGS]:
        rows = read_log(path)
        losses = [name for name in (rows[0] if rows else {}) if name not in FIXED]
        lines = [line for name in losses for line in _lines(rows, name)]
        if lines:
            found.append({"name": path.parent.name, "lines": lines})
    return found


def _lines(rows: list[dict[str, str]], name: str) -> list[dict[str, Any]]:
    lines = []
    for stage in dict.fromkeys(row["stage"] for row in rows):
        points = [(int(row["step"]), _number(row[name])) for row in rows if row["stage"] == stage]
        kept = [(step, value) for step, value in points if value is not None]
        if kept and name != "psnr":
            width = -(-len(kept) // POINTS)
            groups = [kept[at : at + width] for at in range(0, len(kept), width)]
            kept = [(group[-1][0], float(f"{sum(v for _, v in group) / len(group):.6g}")) for group in groups]
        if kept:
            lines.append({"stage": stage, "loss": name, "steps": [s for s, _ in kept], "values": [v for _, v in kept]})
    return lines


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
