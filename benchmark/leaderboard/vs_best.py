"""Each row of the leaderboard against the best row on the same images: is the difference real?"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmark.leaderboard.compare import paired_scores
from benchmark.leaderboard.contenders import Images, same_images
from benchmark.records.files import read_scores
from benchmark.records.record import DONE, ImageScore, Record
from datasets.core.errors import UserError

if TYPE_CHECKING:
    from benchmark.scoring.statistics import Interval

Warn = Callable[[str], None] | None


@dataclass(frozen=True)
class GapToBest:
    """How far a row is from the best one on the same images.

    Attributes:
        best: cell id of the best row. psnr: PSNR minus the best row's, paired; None for the best row itself, and where
            one of the two lacks a score.
    """

    best: str
    psnr: Interval | None


def gaps_to_best(records: Iterable[Record], warn: Warn = None) -> dict[tuple[str, str], GapToBest]:
    """(cell, convention) -> its gap; nothing for a row that has no other beside it.

    Args:
        records: those that were read from a folder count. warn: called with a sentence for per-image scores that
            cannot be read; their rows are left out.
    """
    done = [record for record in records if record.status == DONE and record.folder]
    groups: dict[Images, list[Record]] = {}
    for record in done:
        groups.setdefault(same_images(record), []).append(record)
    gaps: dict[tuple[str, str], GapToBest] = {}
    for group in groups.values():
        if len(group) > 1:
            gaps |= _within(group, warn)
    return gaps


def sound_scores(group: Sequence[Record], warn: Warn) -> dict[str, list[ImageScore]]:
    """Record id -> the scores of its images; `warn` gets the sentences on those that cannot be read."""
    scores = {}
    for record in group:
        try:
            scores[record.id] = read_scores(record.folder, record)
        except UserError as error:
            if warn:
                warn(str(error))
    return scores


def _within(group: Sequence[Record], warn: Warn) -> dict[tuple[str, str], GapToBest]:
    """The gaps of records on the same images, under each convention that two of them have."""
    scores, gaps = sound_scores(group, warn), {}
    for name in dict.fromkeys(name for record in group for name in record.figures):
        means = {r.id: r.figures[name].psnr.mean for r in group if scores.get(r.id) and name in r.figures}
        means = {id: mean for id, mean in means.items() if not math.isnan(mean)}
        if len(means) > 1:
            best = max(means, key=lambda id: means[id])
            for id in means:
                gap = None if id == best else paired_scores(scores[id], scores[best], f"psnr[{name}]")
                gaps[id, name] = GapToBest(best, gap)
    return gaps
