"""What the queue costs beside its cells: cells that sleep, with 1 to 4 workers; written for docs/scale_model.py."""

from __future__ import annotations

import csv
import os
import time
from pathlib import Path

import pytest

from benchmark.planning.plan import PlannedCell
from benchmark.runs.config import RunConfig
from benchmark.runs.engines.settings import EngineSettings
from benchmark.runs.execute import execute
from tests.benchmark.runs.engines.conftest import Toyshop

SLEEP, FEW, MANY = 1.0, 6, 24
STUDY = Path(__file__).resolve().parents[2] / "results" / "studies" / "scale.csv"


def run(root: Path, count: int, workers: int) -> tuple[float, list[float]]:
    """Wall seconds of so many cells, and each cell's own seconds."""
    shop = Toyshop(root)
    cells = [PlannedCell(shop.cell(f"toy{i % 8}", 10 + i // 8)) for i in range(count)]
    config = RunConfig(root / "data", shop.results, "cpu", ("float-gauss",), threads=1)
    began = time.perf_counter()
    records = execute(cells, config, engine=EngineSettings("local", workers=workers))
    return time.perf_counter() - began, [record.environment.seconds for record in records]


@pytest.mark.speed
def test_what_a_queue_costs(tmp_path, monkeypatch):
    monkeypatch.setenv("TOY_SECONDS", str(SLEEP))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.syspath_prepend(str(Toyshop(tmp_path / "installed").path))
    rows: list[tuple[str, object, float, float]] = []
    few, _ = run(tmp_path / "few", FEW, 1)
    for workers in (1, 2, 3, 4):
        wall, own = run(tmp_path / str(workers), MANY, workers)
        load = os.getloadavg()[0]  # at the end of these rows' run
        rows.append(("wall", workers, wall, load))
        if workers == 1:
            each = (wall - few) / (MANY - FEW)
            rows += [("start", "", few - FEW * each, load), ("job", "", each - sum(own) / MANY, load)]
            rows += [("cell", "", seconds, load) for seconds in own]
    with STUDY.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("what", "workers", "seconds", "load"))
        writer.writerows((what, workers, f"{seconds:.4g}", f"{load:.1f}") for what, workers, seconds, load in rows)
    assert all(seconds > 0 for _, _, seconds, _ in rows)
