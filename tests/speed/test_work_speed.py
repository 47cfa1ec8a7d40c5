"""Cost against work: one piece of it costs as much among many as among few, and memory does not grow.

BENCHMARK_WORK multiplies the greater amounts: with 20 the images are 20,000 and the records 10,000.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import datasets
from benchmark.leaderboard.files import write_leaderboard
from benchmark.scoring.conventions import score_many
from datasets.ops.images import write_png
from tests.helpers.made_records import record as made
from tests.helpers.photographs import clean_image, restored_image
from tests.helpers.speed_record import cpu_seconds, record, rounds, script

pytestmark = pytest.mark.speed
TIMES = int(os.environ.get("BENCHMARK_WORK") or 1)
STRAIGHT = 0.25  # a line that bends quadratically falls far below it, a busy machine hardly reaches it

ROW = """
import json, resource, sys, time
from pathlib import Path
from benchmark.planning.planner import plan
from benchmark.planning.request import RunRequest
from benchmark.runs.config import RunConfig
from benchmark.runs.runner import run_cell
data, results, limit = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
config = RunConfig(data=data, results=results, device="cpu", threads=1)
def row(count):
    request = RunRequest(methods=("input",), datasets=("folder",), data=data, results=results, limit=count)
    cell = next(one.cell for one in plan(request) if one.cell.method == "input")
    start = time.process_time()
    assert run_cell(cell, config).status == "done"
    return time.process_time() - start
row(4)
seconds = row(limit)
print(json.dumps([seconds / limit * 1e3, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6]))
"""


def straight(what: str, unit: str, few: int, many: int, cost: Callable[[int], float]) -> None:
    """Record milliseconds per unit among many against those among few."""
    pairs = [(cost(many), cost(few)) for _ in range(rounds(3))]
    record(f"{what}: per {unit} of {many}", pairs, f"of {few}", "CPU ms")
    assert max(theirs / ours for ours, theirs in pairs) > STRAIGHT


def test_pixels_of_a_scored_image() -> None:
    tile = clean_image(height=500, width=500, at=0)
    names = ("float-gauss", "matlab-volume-uint8")

    def cost(megapixels: int) -> float:
        clean = np.ascontiguousarray(np.tile(tile, (megapixels * 2, 2, 1)))  # 1000 pixels wide, so many thousand high
        restored = restored_image(clean, 0.04)
        return cpu_seconds(lambda: score_many(restored, clean, names)) / megapixels * 1e3

    cost(1)
    straight("scoring under two conventions", "megapixel", 1, 8, cost)


def test_images_of_a_row(tmp_path: Path) -> None:
    few, many = 100, 1000 * TIMES
    generator = np.random.default_rng(0)
    for side in ("clean", "degraded"):
        (tmp_path / "source" / side).mkdir(parents=True)
    for number in range(many):
        for side in ("clean", "degraded"):
            image = generator.integers(0, 256, (32, 32, 3), np.uint8)
            write_png(tmp_path / "source" / side / f"{number:05d}.png", image)
    datasets.prepare("folder", tmp_path / "source", tmp_path / "data")
    memory: dict[int, float] = {}
    calls = iter(range(1000))

    def cost(images: int) -> float:
        each, memory[images] = script(ROW, tmp_path / "data", tmp_path / f"results{next(calls)}", images)
        return float(each)

    straight("input row of 32x32 images", "image", few, many, cost)
    record(f"input row of {many} images, memory at the most", [(memory[many], memory[few])], f"of {few}", "GB")
    assert memory[many] < memory[few] + 5e-5 * many  # of each image a few scores are kept, and no picture


def test_records_of_a_leaderboard(tmp_path: Path) -> None:
    calls = iter(range(1000))

    def cost(count: int) -> float:
        records = [made(f"method{k % 10}", f"set{k // 10}") for k in range(count)]
        folder = tmp_path / str(next(calls))
        return cpu_seconds(lambda: write_leaderboard(folder, records)) / count * 1e3

    cost(10)
    straight("leaderboard", "record", 10, 500 * TIMES, cost)
