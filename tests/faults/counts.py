"""results/faults.csv: what was tried in the long part of the fault suite, and what was lost or wrong."""

from __future__ import annotations

import csv
import os
from pathlib import Path

from datasets.core.files import replacing

COLUMNS = ("kind", "what", "tries", "detected", "harmless", "lost")


def count(kind: str, what: str, tries: int, lost: int, detected: int = 0, harmless: int = 0) -> None:
    """Put a row in its place, or replace it; the others stay. BENCHMARK_FAULTS names another file."""
    path = Path(os.environ.get("BENCHMARK_FAULTS") or Path(__file__).parents[2] / "results" / "faults.csv")
    rows = {}
    if path.is_file():
        with path.open(newline="", encoding="utf-8") as stream:
            rows = {(row["kind"], row["what"]): row for row in csv.DictReader(stream)}
    values = (kind, what, tries, detected, harmless, lost)
    rows[kind, what] = dict(zip(COLUMNS, map(str, values), strict=True))
    with replacing(path) as part, part.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows.values())
