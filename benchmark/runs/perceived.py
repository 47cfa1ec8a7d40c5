"""Perceptual figures of a cell: the means over its images, and which images have none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmark.records.record import ImageScore, Perceived
from benchmark.scoring.perceptual.definition import PERCEPTUAL, column
from benchmark.scoring.perceptual.measure import paths
from benchmark.scoring.statistics import intervals
from datasets.core.files import sha256_file


def perceived(scores: Sequence[ImageScore], names: Iterable[str]) -> dict[str, Perceived]:
    """Means with intervals per perceptual convention, over the images that have a figure."""
    found = {}
    for name in names:
        rows = [row for row in scores if row.values.get(column(name)) is not None]
        if rows:
            values = [row.values[column(name)] for row in rows]
            scenes = [row.scene for row in rows]
            (value,) = intervals([values], scenes)  # type: ignore[list-item]
            chosen = PERCEPTUAL[name]
            files = {path.name: sha256_file(path) for path in paths(chosen)}
            found[name] = Perceived(value, len(rows), len(set(scenes)), chosen.definition, files)
    return found


def unmeasured(scores: Sequence[ImageScore], names: Iterable[str]) -> list[str]:
    """A remark for each perceptual convention that has no figure of some images."""
    remarks = []
    for name in names:
        lacking = sum(row.values.get(column(name)) is None for row in scores)
        if lacking:
            why = f"a side below {PERCEPTUAL[name].side} pixels, fewer than two blocks, or no ground truth"
            remarks.append(f"no {name} of {lacking} of {len(scores)} images ({why})")
    return remarks
