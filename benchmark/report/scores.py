"""Per-image scores and paired differences of one set of images, as parts of the page."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any

from benchmark.leaderboard.compare import paired_scores
from benchmark.report.embedding import packed
from benchmark.report.image_sets import ImageSet
from benchmark.tables.page_table import json_value

METRICS = ("psnr", "ssim")
MOST = 3_000_000  # pairs x conventions x scenes, beyond which only the first convention's intervals are computed
ROWS = 16  # rows beyond which pairs are left to `leaderboard --compare`


def set_part(images: ImageSet) -> dict[str, Any]:
    """Names and scenes of a set's images; scenes as numbers where images share them."""
    scenes = list(dict.fromkeys(images.scenes))
    number = {scene: index for index, scene in enumerate(scenes)}
    return {"names": images.names, "scenes": scenes, "scene": packed([number[s] for s in images.scenes], "u4")}


def score_part(images: ImageSet, convention: str, with_pairs: bool) -> dict[str, Any]:
    """Scores of every row under one convention, and the paired difference of each two rows with its interval.

    Returns:
        ``psnr`` and ``ssim``: a packed float32 array per row (NaN = no score); ``pairs``: lists of
        [a, b, metric, mean, low, high, reason, n], where a and b count the set's rows.
    """
    rows = range(len(images.records))
    columns = {m: [packed(images.column(row, m, convention), "f4") for row in rows] for m in METRICS}
    return {**columns, "pairs": _pairs(images, convention) if with_pairs else []}


def wants_pairs(images: ImageSet, convention: str) -> bool:
    """Whether paired intervals are worth their time here: always for few images, else for the first convention."""
    rows, scenes = len(images.records), len(set(images.scenes))
    work = rows * (rows - 1) // 2 * len(images.conventions) * scenes
    return images.is_scored and rows <= ROWS and (work <= MOST or convention == images.conventions[0])


def _pairs(images: ImageSet, convention: str) -> list[list[Any]]:
    found = []
    rows = [list(scores.values()) for scores in images.scores]
    for a, b in combinations(range(len(rows)), 2):
        for metric in METRICS:
            gap = paired_scores(rows[a], rows[b], f"{metric}[{convention}]")
            if gap is not None:
                ends = [json_value(value) for value in (gap.mean, gap.low, gap.high)]
                found.append([a, b, metric, *ends, gap.reason, gap.n])
    return found


def parts_of(number: int, images: ImageSet, add: Callable[[str, Any], None]) -> dict[str, Any]:
    """Hand the parts of a set to `add`, and return what the page must know to ask for them."""
    add(f"set{number}", set_part(images))
    for index, convention in enumerate(images.conventions):
        add(f"set{number}-c{index}", score_part(images, convention, wants_pairs(images, convention)))
    return {
        "title": images.title,
        "records": [record.id for record in images.records],
        "conventions": images.conventions,
        "degraded": "noisy" if images.records[0].cell.task == "denoise" else "degraded",
        "plain": not images.is_scored,
        "images": len(images.names),
        "scenes": len(set(images.scenes)),
    }
