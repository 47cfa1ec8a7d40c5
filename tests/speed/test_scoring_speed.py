"""Scoring against scikit-image called once per convention; its memory; a whole row beside its reading and scoring."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

import datasets
from benchmark.scoring.conventions import CONVENTIONS, applicable, score_many
from datasets.ops.images import write_png
from tests.helpers.photographs import clean_image, restored_image
from tests.helpers.scoring_oracle import ORACLES, clamped, figures, rounded, wang
from tests.helpers.speed_record import COLUMNS, ROOT, in_turn, page_table, read, record, rounds, script

NAMES = [name for name in CONVENTIONS if applicable(name, 3) is None]
PHOTOGRAPHS = {12: (3000, 4000), 24: (4000, 6000)}
SCENES = 1024

MEMORY = """
import json, sys
import numpy as np
from benchmark.scoring.conventions import CONVENTIONS, applicable, score_many
names = [name for name in CONVENTIONS if applicable(name, 3) is None]
def status(field):
    lines = open("/proc/self/status").read().splitlines()
    return int(next(line for line in lines if line.startswith(field)).split()[1]) / 1e6
clean = np.random.default_rng(0).integers(0, 256, (int(sys.argv[1]), int(sys.argv[2]), 3), np.uint8)
restored = clean / np.float32(255)
restored += np.float32(0.01)
open("/proc/self/clear_refs", "w").write("5")
before = status("VmRSS")
score_many(restored, clean, names)
print(json.dumps(status("VmHWM") - before))
"""
ROW = """
import json, os, sys, time
from pathlib import Path
from benchmark.planning.planner import plan
from benchmark.planning.request import RunRequest
from benchmark.runs.config import RunConfig
from benchmark.runs.runner import open_data, run_cell
from benchmark.scoring.conventions import score_many
data, results = map(Path, sys.argv[1:])
request = RunRequest(methods=("input",), datasets=("folder",), data=data, results=results)
cell = next(one.cell for one in plan(request) if one.cell.method == "input")
config = RunConfig(data=data, results=results, device="cpu", threads=1)
start = time.process_time()
record = run_cell(cell, config)
row = time.process_time() - start
assert record.status == "done", record.why
names = list(record.figures)
start = time.process_time()
images = open_data(cell, config)
for index in range(len(images)):
    sample = images[index]
    score_many(sample.degraded, sample.clean, names)
print(json.dumps([row, time.process_time() - start]))
"""


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    yield
    cv2.setNumThreads(before)


def _by_scikit_image(restored: np.ndarray, clean: np.ndarray) -> None:
    # It has no volume SSIM: its Gaussian one per channel stands in, which costs less than the volume in SciPy.
    stand_in = {
        "matlab-volume-float": figures(clamped, 1, wang),
        "matlab-volume-uint8": figures(rounded, 255, wang),
    }
    for name in NAMES:
        (ORACLES | stand_in)[name](restored, clean)


@pytest.mark.speed
@pytest.mark.parametrize("kind", ["float32", "uint8"])
def test_blocks(kind: str) -> None:
    clean = clean_image(height=256, width=256)
    restored = restored_image(clean, 0.04)
    if kind == "uint8":
        restored = np.clip(np.rint(restored * 255), 0, 255).astype(np.uint8)
    score_many(restored, clean, NAMES)
    pairs = in_turn(lambda: score_many(restored, clean, NAMES), lambda: _by_scikit_image(restored, clean), 9)
    record(f"scoring a {kind} block of 256x256x3, {len(NAMES)} conventions", pairs, "scikit-image per convention")


@pytest.mark.speed
@pytest.mark.parametrize("megapixels", PHOTOGRAPHS)
def test_photographs(megapixels: int) -> None:
    height, width = PHOTOGRAPHS[megapixels]
    tile = clean_image(height=500, width=500, at=0)
    clean = np.ascontiguousarray(np.tile(tile, (height // 500 + 1, width // 500 + 1, 1))[:height, :width])
    restored = restored_image(clean, 0.04)
    pairs = in_turn(lambda: score_many(restored, clean, NAMES), lambda: _by_scikit_image(restored, clean), 1)
    what = f"scoring a {megapixels}-megapixel pair, {len(NAMES)} conventions"
    record(what, pairs, "scikit-image per convention")


@pytest.mark.speed
@pytest.mark.parametrize("megapixels", PHOTOGRAPHS)
def test_memory(megapixels: int) -> None:
    pair = script(MEMORY, *PHOTOGRAPHS[megapixels]), 1.5
    what = f"memory over the images, scoring a {megapixels}-megapixel pair, {len(NAMES)} conventions"
    record(what, [pair], "goal", "GB")
    assert pair[0] < 1.5


@pytest.mark.speed
def test_the_row_of_many_scenes(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    for number in range(SCENES):
        clean = generator.integers(0, 256, (128, 128, 3), np.uint8)
        for side, image in (("clean", clean), ("degraded", clean // 2 + 40)):
            (tmp_path / "source" / side).mkdir(parents=True, exist_ok=True)
            write_png(tmp_path / "source" / side / f"{number:04d}.png", image)
    datasets.prepare("folder", tmp_path / "source", tmp_path / "data")
    pairs = [tuple(script(ROW, tmp_path / "data", tmp_path / f"results{k}")) for k in range(rounds(3))]
    record(f"input row of {SCENES} scenes of 128x128", pairs, "reading and scoring alone")


def test_record_replaces_the_row_of_its_path(tmp_path: Path) -> None:
    path = tmp_path / "results" / "speed.csv"
    record("a", [(1.0, 2.0)], "first", path=path)
    record("b", [(1.0, 2.5), (2.0, 8.0), (1.0, 3.0)], "other, with a comma", path=path)
    record("a", [(1.0, 3.0)], "second", path=path)
    with path.open() as stream:
        rows = list(csv.DictReader(stream))
    assert tuple(rows[0]) == COLUMNS
    assert [(r["path"], r["ours"], r["peer"], r["ratio"], r["spread"]) for r in rows] == [
        ("b", "1 CPU s", "other, with a comma: 3 CPU s", "3", "2.5 to 4 of 3"),
        ("a", "1 CPU s", "second: 3 CPU s", "3", "one pair"),
    ]
    assert "numpy" in rows[0]["machine"]


def test_the_page_shows_the_rows_that_were_measured() -> None:
    page = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    assert page_table(read(ROOT / "results" / "speed.csv")) in page, "run: python -m tests.helpers.speed_record"
