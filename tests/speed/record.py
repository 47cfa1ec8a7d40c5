"""Speed is kept as ratios measured within one run: one row per measure in results/speed.csv."""

from __future__ import annotations

import csv
import os
import platform
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from time import process_time

from datasets.ops.files import replacing

COLUMNS = ("measure", "ratio", "target", "detail", "date", "versions")
LIBRARIES = ("numpy", "opencv-python", "opencv-python-headless", "scikit-image", "torch", "h5py")


def speed_file() -> Path:
    """results/speed.csv of this checkout, or the file named by BENCHMARK_SPEED."""
    return Path(os.environ.get("BENCHMARK_SPEED") or Path(__file__).parents[2] / "results" / "speed.csv")


def record(name: str, ratio: float, detail: str, target: str = "", path: Path | None = None) -> None:
    """Write one measure; the row of the same measure is replaced, the others are kept.

    Args:
        name: of the measure. ratio: what was measured, without a unit. target: such as ``>= 4``; '' for none.
        detail: absolute figures, machine-dependent. path: the file, `speed_file()` by default.
    """
    path = path or speed_file()
    rows = [row for row in read(path) if row["measure"] != name]
    now = datetime.now(UTC).strftime("%Y-%m-%d")
    values = (name, f"{ratio:.3g}", target, detail, now, versions())
    rows.append(dict(zip(COLUMNS, values, strict=True)))
    with replacing(path) as part, part.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a speed file; [] where there is none."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def versions() -> str:
    """Python and the libraries that the measures lean on."""
    found = [f"python {platform.python_version()}"]
    for library in LIBRARIES:
        try:
            found.append(f"{library} {version(library)}")
        except ModuleNotFoundError:
            continue
    return ", ".join([*found, sys.platform])


def cpu_seconds(work: Callable[[], object], repeats: int = 5) -> float:
    """Least processor time of several runs, after one to warm up; other programs on the machine disturb it little."""
    work()
    times = []
    for _ in range(repeats):
        start = process_time()
        work()
        times.append(process_time() - start)
    return min(times)
