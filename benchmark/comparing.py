"""Whether two rows of the leaderboard really differ: paired intervals over the images that both restored."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from benchmark.records import DONE, ImageScore, Record, read_scores
from datasets.ops.errors import UserError
from datasets.ops.names import unknown

if TYPE_CHECKING:
    from benchmark.scoring.statistics import Interval

Key = tuple[Any, ...]
Pair = tuple[ImageScore, ImageScore]


@dataclass(frozen=True)
class Difference:
    """A minus B under one convention over `n` common images; intervals at 95 %, clustered by scene."""

    dataset: str
    split: str
    convention: str
    n: int
    psnr: Interval
    ssim: Interval | None

    def cells(self) -> list[str]:
        """The line of a table."""
        remark = self.psnr.reason or ""
        psnr, ssim = interval_texts(self.psnr, 3), interval_texts(self.ssim, 5)
        return [self.dataset, self.split, self.convention, str(self.n), *psnr, *ssim, remark]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for machines."""
        return asdict(self)


def interval_texts(interval: Interval | None, digits: int) -> tuple[str, str]:
    """A mean and its interval as tables show them, with signs; both '' for None, ``none`` for a mean alone."""
    if interval is None or interval.mean is None or math.isnan(interval.mean):
        return "", ""
    if interval.low is None or math.isnan(interval.low):
        return f"{interval.mean:+.{digits}f}", "none"
    return f"{interval.mean:+.{digits}f}", f"[{interval.low:+.{digits}f}, {interval.high:+.{digits}f}]"


def compare(records: Iterable[Record], a: str, b: str, *, dataset: str | None = None) -> list[Difference]:
    """Paired differences A - B on every split that both have, under every convention that both have.

    Args:
        a, b: a method's name, or a cell id or its beginning where a method has several rows on one split.
    Raises:
        UserError: unknown names, several rows to choose from, no common split or image.
    """
    done = [r for r in records if r.status == DONE and dataset in (None, r.dataset)]
    first, second = _choose(done, a), _choose(done, b)
    common = [key for key in first if key in second]
    if not common:
        raise UserError(f"{a!r} and {b!r} have no finished record of the same split: run both on one dataset first.")
    return [line for key in common for line in _differences(first[key], second[key])]


def same_images(record: Record) -> Key:
    """What two records have in common that were measured on the same images."""
    return record.dataset, record.split, record.degradation, record.fingerprint, record.noise_seed


def _choose(records: Sequence[Record], name: str) -> dict[Key, Record]:
    found = [r for r in records if r.method == name] or [r for r in records if r.cell.startswith(name)]
    if not found:
        raise unknown("row", name, {r.method for r in records} | {r.cell for r in records})
    chosen: dict[Key, Record] = {}
    for record in found:
        if same_images(record) in chosen:
            ids = ", ".join(r.cell for r in found if same_images(r) == same_images(record))
            raise UserError(
                f"{name!r} has several rows on {record.dataset} {record.split}: name one of the cells {ids}."
            )
        chosen[same_images(record)] = record
    return chosen


def _differences(a: Record, b: Record) -> list[Difference]:
    ours, theirs = (read_scores(record.folder) for record in (a, b))
    pairs = _pairs(ours, theirs)
    if not pairs:
        raise UserError(f"The cells {a.cell} and {b.cell} have no image in common: run both without --limit.")
    names = [name for name in a.figures if name in b.figures]
    return [_difference(a, name, pairs) for name in names]


def _pairs(ours: Sequence[ImageScore], theirs: Sequence[ImageScore]) -> list[Pair]:
    known = {row.name: row for row in theirs}
    return [(row, known[row.name]) for row in ours if row.name in known]


def paired_scores(ours: Sequence[ImageScore], theirs: Sequence[ImageScore], column: str) -> Interval | None:
    """Mean paired difference ours - theirs in one column of scores.csv, over the images that both have.

    None where there is none, or where one has a score that the other lacks.
    """
    return _paired(_pairs(ours, theirs), column)


def _difference(record: Record, name: str, pairs: Sequence[Pair]) -> Difference:
    psnr, ssim = _paired(pairs, f"psnr[{name}]"), _paired(pairs, f"ssim[{name}]")
    if psnr is None:
        raise UserError(f"The per-image scores of {record.cell} lack {name}: run the cell again with --force.")
    return Difference(record.dataset, record.split, name, psnr.n, psnr, ssim)


def _paired(pairs: Sequence[Pair], column: str) -> Interval | None:
    """Over the images that have a score; None where there is none, or one row lacks a score that the other has."""
    from benchmark.scoring.statistics import paired

    values = [(ours.values.get(column), theirs.values.get(column), ours.scene) for ours, theirs in pairs]
    known = [(a, b, scene) for a, b, scene in values if a is not None and b is not None]
    if not known or any((a is None) != (b is None) for a, b, _ in values):
        return None
    return paired([a for a, _, _ in known], [b for _, b, _ in known], [scene for _, _, scene in known])
