"""How long a queue of cells takes on many workers: a simulation of the queue, fed with what was measured.

    python docs/scale_model.py measured.csv --cells 1000 --workers 64

`measured.csv` has the columns ``what, seconds``: ``plan`` (per cell, in the driver, before the first starts), ``start``
(a worker, until it takes its first job), ``dispatch`` (per job, in the driver, one after another), ``job`` (per job, in
its worker, beside the cell's own work), ``end`` (per cell, in the driver, after the last), one row ``cell`` for each
cell that was timed, and ``wall`` (a whole run of those cells, with the number of its `workers`), which the simulation
is held against. The cells of the queue are drawn from the timed ones, or from the records of a results folder
(``--records``), with a key, so that a run can be repeated. `tox -e speed` measures results/studies/scale.csv.
"""

from __future__ import annotations

import argparse
import csv
import heapq
import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from datasets.ops.noise import keyed_generator


@dataclass(frozen=True)
class Costs:
    """Seconds beside the cells' own work; see the module."""

    plan: float = 0.0
    start: float = 0.0
    dispatch: float = 0.0
    job: float = 0.0
    end: float = 0.0


@dataclass(frozen=True)
class Outcome:
    """Wall seconds, and the share of the workers' time that went into cells."""

    seconds: float
    utilisation: float


def simulated(cells: Sequence[float], workers: int, costs: Costs) -> Outcome:
    """A driver that plans, hands each job to the worker that is free first, and writes the tables at the end.

    Args:
        cells: seconds of each cell, in the queue's order.
    """
    driver = costs.plan * len(cells)
    free = [driver + costs.start] * workers
    heapq.heapify(free)
    last = driver
    for seconds in cells:
        begun = max(heapq.heappop(free), driver)
        driver = begun + costs.dispatch
        done = driver + costs.job + seconds
        heapq.heappush(free, done)
        last = max(last, done)
    total = last + costs.end * len(cells)
    return Outcome(total, sum(cells) / (total * workers))


def read(path: Path) -> tuple[list[float], Costs, dict[int, float]]:
    """The cells that were timed; the costs, of several rows of one kind the median; workers -> wall seconds."""
    found: dict[str, list[float]] = {}
    walls: dict[int, float] = {}
    with path.open(newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            if row["what"] == "wall":
                walls[int(row["workers"])] = float(row["seconds"])
            else:
                found.setdefault(row["what"], []).append(float(row["seconds"]))
    cells = found.pop("cell", [])
    if not cells or set(found) - {f.name for f in fields(Costs)}:
        raise SystemExit(f"{path} needs rows of cells, and no others than {[f.name for f in fields(Costs)]}.")
    return cells, Costs(**{what: float(np.median(values)) for what, values in found.items()}), walls


def recorded(results: Path) -> list[float]:
    """Seconds of the finished cells of a results folder."""
    records = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(results.glob("runs/*/record.json"))]
    found = [float(r["environment"]["seconds"]) for r in records if r["status"] == "done"]
    if not found:
        raise SystemExit(f"{results} has no finished cells to draw from: run some, or leave --records out.")
    return found


def drawn(cells: Sequence[float], count: int) -> list[float]:
    """A queue of `count` cells like those that were timed."""
    chosen = keyed_generator("scale", count).integers(0, len(cells), count)
    return [cells[i] for i in chosen]


def main() -> None:
    """A table in Markdown: workers, wall time, utilisation, and what is serial."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("measured", type=Path)
    parser.add_argument("--records", type=Path, metavar="RESULTS", help="draw the cells from these records")
    parser.add_argument("--cells", type=int, default=1000)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4, 8, 16, 64])
    args = parser.parse_args()
    cells, costs, walls = read(args.measured)
    if walls:
        print("| workers | measured, s | simulated, s |\n|---|---|---|")
        for workers, wall in walls.items():
            print(f"| {workers} | {wall:.1f} | {simulated(cells, workers, costs).seconds:.1f} |")
        print()
    queue = drawn(recorded(args.records) if args.records else cells, args.cells)
    serial = (costs.plan + costs.dispatch + costs.end) * len(queue)
    print(f"{len(queue)} cells of {sum(queue) / len(queue):.3g} s on average, {serial:.3g} s in the driver alone\n")
    print("| workers | wall time, s | utilisation |\n|---|---|---|")
    for workers in args.workers:
        found = simulated(queue, workers, costs)
        print(f"| {workers} | {found.seconds:,.0f} | {found.utilisation:.0%} |")


if __name__ == "__main__":
    main()
