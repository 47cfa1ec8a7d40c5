"""Perceptual distances of records on the same images: ranks, paired differences, comparisons. Lower is better."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmark.leaderboard.compare import paired_estimate, paired_scores, pairs
from benchmark.leaderboard.contenders import Images, same_images
from benchmark.leaderboard.vs_best import sound_scores
from benchmark.records.record import DONE, Record
from benchmark.scoring.perceptual.definition import PERCEPTUAL, column
from benchmark.tables.formats import WithInterval

if TYPE_CHECKING:
    from benchmark.scoring.statistics import Interval

_STORED = ".6g"


@dataclass(frozen=True)
class Standing:
    """Where a row stands among those on the same images under one perceptual convention.

    Attributes:
        rank: 1 = the lowest mean. best: cell id of that row. gap: the mean minus the best row's, paired: at least about
            0; None for the best row itself, and where one of the two lacks a figure.
    """

    rank: int
    best: str
    gap: Interval | None


def standings(records: Iterable[Record], warn: Callable[[str], None] | None = None) -> dict[str, dict[str, Standing]]:
    """Cell -> convention -> its standing; nothing for a row that has no other beside it.

    Args:
        records: those that were read from a folder count. warn: as in benchmark.leaderboard.vs_best.
    """
    groups: dict[tuple[Images, str], list[Record]] = {}
    for record in records:
        for name, found in record.perceptual.items() if record.status == DONE and record.folder else ():
            if not math.isnan(found.value.mean):
                groups.setdefault((same_images(record), name), []).append(record)
    every: dict[str, dict[str, Standing]] = {}
    for (_, name), group in groups.items():
        for id, standing in _ranked(name, group, warn) if len(group) > 1 else ():
            every.setdefault(id, {})[name] = standing
    return every


def _ranked(name: str, group: Sequence[Record], warn: Callable[[str], None] | None) -> Iterable[tuple[str, Standing]]:
    means = {record.id: record.perceptual[name].value.mean for record in group}
    scores = sound_scores(group, warn)
    best = min(means, key=lambda id: means[id])
    for id, mean in means.items():
        both = id != best and id in scores and best in scores
        gap = paired_scores(scores[id], scores[best], column(name)) if both else None
        yield id, Standing(1 + sum(other < mean for other in means.values()), best, gap)


@dataclass(frozen=True)
class Distance:
    """A minus B under one perceptual convention on the images that both restored; below 0 A is better."""

    title: str
    convention: str
    a: str
    b: str
    value: Interval

    @property
    def sentence(self) -> str:
        """Which of the two is better, or that it is open."""
        form = WithInterval(f"+.{PERCEPTUAL[self.convention].digits}f", _STORED)
        low, high = self.value.low, self.value.high
        word = "which of the two is better stays open"
        if low is not None and high is not None and (high < 0 or low > 0):
            word = f"{self.a if high < 0 else self.b} is better"
        why = f" ({self.value.reason})" if self.value.reason else ""
        rows = f"{self.title}: {self.a} - {self.b} under {self.convention} (lower is better)"
        return f"{rows}: {form.text(self.value)}; {word}{why}"


def distances(records: Sequence[Record], a: str, b: str, *, dataset: str | None = None) -> list[Distance]:
    """Paired differences under every perceptual convention that both rows have. Errors are those of `compare.pairs`."""
    found = []
    for first, second in pairs(records, a, b, dataset=dataset):
        every = [*first.records, *second.records]
        for name in names_of(every):
            if not all(name in record.perceptual for record in every):
                continue
            value = paired_estimate(first.scores, second.scores, column(name))
            if value:
                cell = first.first.cell
                title = " · ".join(part for part in (cell.data.name, cell.data.split, cell.degradation) if part)
                found.append(Distance(title, name, first.label, second.label, value[0]))
    return found


def names_of(records: Iterable[Record]) -> list[str]:
    """The perceptual conventions that any of the records has, in the order of their definition."""
    found = {name for record in records for name in record.perceptual}
    return [name for name in PERCEPTUAL if name in found]


def rank(found: Mapping[str, Standing], name: str) -> int:
    """The rank under a convention; 0 where there is none."""
    return found[name].rank if name in found else 0
