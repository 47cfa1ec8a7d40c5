"""The charts: quality against cost, and how trainings went."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.leaderboard.contenders import Contender
from benchmark.paper.drawing import WIDTH, figure, look, save, short
from benchmark.paper.rows import Paper, row_name
from benchmark.training.identity import weights_left
from benchmark.training.log import read_log

_ACROSS = 2  # panels beside each other


@dataclass(frozen=True)
class Point:
    """One row on one set: its name, PSNR in dB, and what restoring costs."""

    name: str
    psnr: float
    cost: float


@dataclass(frozen=True)
class Costs:
    """One panel: title, name of the cost and its points, one for each row that has both figures."""

    title: str
    unit: str
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Curve:
    """One training: whose it is, the value's name, and the value after so many steps."""

    name: str
    value: str
    points: tuple[tuple[int, float], ...]


def costs(paper: Paper) -> list[Costs]:
    """Quality against cost, a panel for each set with at least two points.

    The cost is the wall time of restoring, where all rows of a set were measured on one device, else the
    multiply-accumulates, which do not depend on it.
    """
    panels = []
    for each in paper.sets:
        devices = {row.first.environment.device for row in each.rows}
        timed = len(devices) == 1 and all(row.first.costs.ms_per_megapixel for row in each.rows)
        points = []
        for row in each.rows:
            cost = row.first.costs.ms_per_megapixel if timed else row.first.costs.gmacs
            entry = each.entries.get((row_name(row), "psnr"))
            if cost and entry and math.isfinite(entry.value.mean):
                points.append(Point(row_name(row), entry.value.mean, cost))
        unit = f"ms per megapixel ({next(iter(devices))})" if timed else "GMAC for 256x256 pixels"
        if len(points) > 1:
            panels.append(Costs(f"{each.title} ({each.convention})", unit, tuple(points)))
    return panels


def draw_costs(panels: Sequence[Costs], path: Path) -> list[Path]:
    """Draw quality against cost. Rows have one look in all panels."""
    known = list(dict.fromkeys(point.name for panel in panels for point in panel.points))
    down = math.ceil(len(panels) / _ACROSS)
    with figure(WIDTH, 2.4 * down + 0.2 * math.ceil(len(known) / 4)) as drawn:
        grid = drawn.subplots(down, min(_ACROSS, len(panels)), squeeze=False)
        for axes, panel in zip(grid.flat, panels, strict=False):
            for point in panel.points:
                axes.plot(point.cost, point.psnr, linestyle="", markersize=5, **look(known.index(point.name)))
            axes.set_xscale("log")
            axes.set_title(short(panel.title, 48), fontsize=8)
            axes.set_xlabel(short(panel.unit, 60), fontsize=7)
            axes.set_ylabel("PSNR (dB)")
            axes.grid(True, linewidth=0.3, alpha=0.5)
        for axes in grid.flat[len(panels) :]:
            axes.set_axis_off()
        _legend(drawn, known)
        return save(drawn, path)


def curves(results: Path, rows: Iterable[Contender]) -> list[Curve]:
    """The trainings of a results folder that have left a log: PSNR where validated more than once, else the first loss.

    A training is named after the row whose weights it left; one that left none of them is not shown. Losses of two rows
    are of different kinds and sizes, so that each row's is a value of its own.
    """
    owners = {
        record.cell.weights_sha256: (row_name(row), f", seed {record.cell.seed}" if len(row.records) > 1 else "")
        for row in rows
        for record in row.records
        if record.cell.weights_sha256
    }
    found = []
    for folder in sorted((results / "training").glob("*")):
        owner = next((owners[each] for each in weights_left(folder) if each in owners), None)
        log = read_log(folder / "log.csv")
        if owner and log:
            found.append(_curve(*owner, log))
    return sorted((curve for curve in found if len(curve.points) > 1), key=lambda curve: (curve.value, curve.name))


def _curve(row: str, seed: str, log: Sequence[dict[str, str]]) -> Curve:
    """Steps are counted through all stages. One score alone is no curve: then its loss is shown."""
    scored = sum(bool(line.get("psnr")) for line in log) > 1
    losses = [key for key in log[0] if key not in ("stage", "step", "lr", "seconds", "psnr") and log[-1][key]]
    value = "psnr" if scored else next(iter(losses), "")
    points, passed, stage = [], 0, log[0]["stage"]
    for before, line in zip([log[0], *log], log, strict=False):
        if line["stage"] != stage:
            passed, stage = passed + int(before["step"]), line["stage"]
        number = _number(line.get(value, ""))
        if number is not None:
            points.append((passed + int(line["step"]), number))
    return Curve(row + seed, "validation PSNR (dB)" if scored else f"{value} of {row}", tuple(points))


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def draw_curves(found: Sequence[Curve], path: Path) -> list[Path]:
    """Draw the curves, a panel for each kind of value."""
    values = list(dict.fromkeys(curve.value for curve in found))
    known = list(dict.fromkeys(curve.name for curve in found))
    with figure(WIDTH, 2.4 * math.ceil(len(values) / _ACROSS) + 0.2 * math.ceil(len(known) / 4)) as drawn:
        grid = drawn.subplots(math.ceil(len(values) / _ACROSS), min(_ACROSS, len(values)), squeeze=False)
        for axes, value in zip(grid.flat, values, strict=False):
            for curve in (curve for curve in found if curve.value == value):
                steps, numbers = zip(*curve.points, strict=True)
                style = look(known.index(curve.name))
                axes.plot(steps, numbers, linewidth=1, markersize=3, markevery=max(1, len(steps) // 8), **style)
            axes.set_xlabel("steps")
            axes.set_ylabel(short(value, 40))
            axes.grid(True, linewidth=0.3, alpha=0.5)
        for axes in grid.flat[len(values) :]:
            axes.set_axis_off()
        _legend(drawn, known)
        return save(drawn, path)


def _legend(drawn, names: Sequence[str]) -> None:
    """Below all panels: the looks of the rows."""
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], linestyle="", markersize=5, **look(k)) for k in range(len(names))]
    lines = math.ceil(len(names) / 4)
    room = 0.2 * lines / drawn.get_figheight()
    drawn.legend(handles, [short(name, 32) for name in names], loc="lower center", ncols=4, frameon=False, fontsize=7)
    drawn.tight_layout(rect=(0, room + 0.02, 1, 1))
