"""Speed is kept as ratios measured within one run: one row per path in results/speed.csv.

A path and its peer (or floor) run in turn, so that the ratio of a pair holds while the machine's speed drifts. Nothing
is asserted of a time.
"""

from __future__ import annotations

import csv
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmark import environment
from benchmark.leaderboard.markdown_blocks import fill_block
from datasets.core.files import replacing

COLUMNS = ("path", "ours", "peer", "ratio", "spread", "machine")
LIBRARIES = ("numpy", "opencv-python", "opencv-python-headless", "scikit-image", "torch", "h5py")
ROOT = Path(__file__).parents[2]


def speed_file() -> Path:
    """results/speed.csv of this checkout, or the file named by BENCHMARK_SPEED."""
    return Path(os.environ.get("BENCHMARK_SPEED") or ROOT / "results" / "speed.csv")


def rounds(default: int) -> int:
    """Pairs to measure: BENCHMARK_ROUNDS, or what the path has by default."""
    return int(os.environ.get("BENCHMARK_ROUNDS") or default)


def record(
    name: str,
    pairs: Sequence[tuple[float, float]],
    peer: str,
    unit: str = "CPU s",
    path: Path | None = None,
    threads: int | None = None,
) -> None:
    """Write the row of one path; its earlier row is replaced, the others are kept.

    Args:
        name: of the path. pairs: (ours, the peer's) of each pair. peer: what it was held against.
        unit: of both. path: the file, `speed_file()` by default. threads: of the processes that were measured, where
            they had another number than this one.
    """
    path = path or speed_file()
    rows = [row for row in read(path) if row["path"] != name]
    ratios = [theirs / ours for ours, theirs in pairs]
    ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    spread = f"{min(ratios):.3g} to {max(ratios):.3g} of {len(ratios)}" if len(ratios) > 1 else "one pair"
    ratio = f"{statistics.median(ratios):.3g}"
    values = (name, f"{ours:.3g} {unit}", f"{peer}: {theirs:.3g} {unit}", ratio, spread, machine(threads))
    rows.append(dict(zip(COLUMNS, values, strict=True)))
    print("\n" + " | ".join(values[:-1]))
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


def machine(threads: int | None = None) -> str:
    """The processor, its threads in use and its load, the day, and the libraries that the measures lean on."""
    import torch

    found = [environment.describe(torch.device("cpu"), threads), f"load {os.getloadavg()[0]:.1f}"]
    found += [datetime.now(UTC).strftime("%Y-%m-%d"), f"python {platform.python_version()}"]
    for library in LIBRARIES:
        try:
            found.append(f"{library} {version(library)}")
        except ModuleNotFoundError:
            continue
    return ", ".join([*found, sys.platform])


def cpu_seconds(work: Callable[[], object]) -> float:
    """User and system time of this process and of those that it waits for, all threads together."""
    start = _spent()
    work()
    return _spent() - start


def _spent() -> float:
    who = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
    return sum(usage.ru_utime + usage.ru_stime for usage in map(resource.getrusage, who))


def in_turn(ours: Callable[[], object], peer: Callable[[], object], count: int) -> list[tuple[float, float]]:
    """CPU seconds of pairs that run in turn."""
    return [(cpu_seconds(ours), cpu_seconds(peer)) for _ in range(rounds(count))]


def script(code: str, *words: object) -> Any:
    """What a Python process of its own prints last, as JSON. `words` are its arguments."""
    command = [sys.executable, "-c", code, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def page_table(rows: Sequence[dict[str, str]]) -> str:
    """The rows as a Markdown table, without the machine."""
    shown = COLUMNS[:-1]
    lines = [shown, ["---"] * len(shown), *([row[column] for column in shown] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    fill_block(ROOT / "docs" / "performance.md", "speed", page_table(read(ROOT / "results" / "speed.csv")))
