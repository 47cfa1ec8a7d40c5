"""Each row of the leaderboard against the best row on the same images: is the difference real?"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from benchmark.comparing import paired_scores, same_images
from benchmark.records import DONE, ImageScore, Record, read_scores
from datasets.ops.errors import UserError

if TYPE_CHECKING:
    from benchmark.scoring.statistics import Interval

Warn = Callable[[str], None] | None


@dataclass(frozen=True)
class Behind:
    """How far a row is behind the best one: PSNR minus the best row's, paired; None for the best row itself."""

    best: str
    psnr: Interval | None


def behind_best(records: Iterable[Record], warn: Warn = None) -> dict[tuple[str, str], Behind]:
    """(cell, convention) -> how far behind; nothing for a row that has no other beside it.

    Args:
        records: those that were read from a folder, the others are passed over. warn: told of per-image scores that
            cannot be read; their rows stay out.
    """
    done = [record for record in records if record.status == DONE and record.folder]
    found: dict[tuple[str, str], Behind] = {}
    for _, group in groupby(sorted(done, key=_order), key=_order):
        mine = list(group)
        if len(mine) > 1:
            found |= _within(mine, warn)
    return found


def _order(record: Record) -> str:
    return repr(same_images(record))


def _within(group: Sequence[Record], warn: Warn) -> dict[tuple[str, str], Behind]:
    scores = {record.cell: rows for record in group if (rows := _scores(record, warn))}
    found = {}
    for name in dict.fromkeys(name for record in group for name in record.figures):
        ranked = [r for r in group if r.cell in scores and name in r.figures and not math.isnan(_mean(r, name))]
        if len(ranked) > 1:
            best = max(ranked, key=lambda record: _mean(record, name))
            for record in ranked:
                against = (
                    None if record is best else paired_scores(scores[record.cell], scores[best.cell], f"psnr[{name}]")
                )
                found[record.cell, name] = Behind(best.cell, against)
    return found


def _mean(record: Record, name: str) -> float:
    return record.figures[name].psnr.mean


def _scores(record: Record, warn: Warn) -> list[ImageScore]:
    try:
        return read_scores(record.folder)
    except UserError as error:
        if warn:
            warn(str(error))
        return []
