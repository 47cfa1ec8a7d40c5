"""All conventions in one pass against scikit-image called once per convention, on a block of 256 x 256 x 3."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmark.scoring.conventions import CONVENTIONS, applicable, score_many
from benchmark.scoring.conventions import score as score_one
from tests.benchmark.scoring.oracle import ORACLES, clamped, figures, rounded, wang
from tests.benchmark.scoring.photographs import clean_image, restored_image
from tests.speed.record import COLUMNS, cpu_seconds, record

NAMES = [name for name in CONVENTIONS if applicable(name, 3) is None]
CLEAN = clean_image(height=256, width=256)
FLOAT = restored_image(CLEAN, 0.04)
EIGHT = np.clip(np.rint(FLOAT * 255), 0, 255).astype(np.uint8)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    yield
    cv2.setNumThreads(before)


def _by_scikit_image(restored: np.ndarray) -> None:
    # It has no volume SSIM: its Gaussian one per channel stands in, which costs less than the volume in SciPy.
    stand_in = {
        "matlab-volume-float": figures(clamped, 1, wang),
        "matlab-volume-uint8": figures(rounded, 255, wang),
    }
    for name in NAMES:
        (ORACLES | stand_in)[name](restored, CLEAN)


@pytest.mark.speed
@pytest.mark.parametrize(("kind", "restored"), [("float32", FLOAT), ("uint8", EIGHT)])
def test_all_conventions(kind: str, restored: np.ndarray) -> None:
    ours = cpu_seconds(lambda: score_many(restored, CLEAN, NAMES), 9)
    theirs = cpu_seconds(lambda: _by_scikit_image(restored), 3)
    detail = f"{len(NAMES)} conventions: {ours * 1e3:.1f} ms against {theirs * 1e3:.1f} ms of processor time"
    record(f"scoring, all conventions of a {kind} 256x256x3 block, against scikit-image", theirs / ours, detail, ">= 4")
    assert theirs / ours >= 4, detail


@pytest.mark.speed
def test_sharing() -> None:
    ours = cpu_seconds(lambda: score_many(FLOAT, CLEAN, NAMES), 9)
    single = cpu_seconds(lambda: [score_one(FLOAT, CLEAN, name) for name in NAMES], 5)
    detail = f"{ours * 1e3:.1f} ms against {single * 1e3:.1f} ms of processor time"
    record("scoring, one pass against one call per convention", single / ours, detail, "> 1")
    assert single > ours, detail


def test_record_replaces_the_row_of_its_measure(tmp_path: Path) -> None:
    path = tmp_path / "results" / "speed.csv"
    record("a", 1.0, "first", path=path)
    record("b", 2.5, "other, with a comma", ">= 2", path=path)
    record("a", 3.0, "second", path=path)
    with path.open() as stream:
        rows = list(csv.DictReader(stream))
    assert tuple(rows[0]) == COLUMNS
    assert [(r["measure"], r["ratio"], r["target"], r["detail"]) for r in rows] == [
        ("b", "2.5", ">= 2", "other, with a comma"),
        ("a", "3", "", "second"),
    ]
    assert "numpy" in rows[0]["versions"]
