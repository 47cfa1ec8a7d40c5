"""Many rows at once: every pair with Holm's correction, intervals for ranks, mean ranks and their critical difference.

Two questions are asked. By how many decibels do rows differ: paired differences, whose p-values are corrected for there
being many (S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6,
1979), which also bounds the rank of each row. Which row is ahead scene by scene: mean ranks after Friedman, and the
difference of two that Nemenyi's test calls significant (J. Demsar, Journal of Machine Learning Research 7, 2006).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from benchmark.leaderboard.compare import Difference, difference
from benchmark.leaderboard.contenders import Contender, contenders
from benchmark.records.record import Record
from benchmark.scoring.estimates import CONFIDENCE, FEWEST_SCENES
from datasets.core.errors import UserError


@dataclass(frozen=True)
class Pair:
    """Two rows, by their numbers: the first minus the second, its p-value after Holm's correction (None = none)."""

    first: int
    second: int
    difference: Difference
    p_value: float | None

    @property
    def separated(self) -> bool:
        """Whether the two differ, with a chance of one in twenty of any false claim among all pairs."""
        return self.p_value is not None and self.p_value < 1 - CONFIDENCE


@dataclass(frozen=True)
class Standing:
    """One row among many.

    Attributes:
        label: of the row. psnr: mean over images and seeds, in dB. mean_rank: over scenes, 1 = the best of each.
        best, worst: the ranks that it may have by its mean, all rows together at 95 %.
    """

    label: str
    seeds: int
    psnr: float
    mean_rank: float
    best: int
    worst: int


@dataclass(frozen=True)
class Ranking:
    """All rows on one set of images under its own convention.

    Attributes:
        title, convention: of the images and scores. scenes: over which is ranked.
        standings: by PSNR, the best first; `pairs` number them so. pairs: every two of them.
        friedman: p-value of all rows ranking alike; None for two rows. critical: the difference of two mean ranks that
            Nemenyi's test calls significant. groups: rows that it does not tell apart, by their numbers.
        reason: why there is no verdict; '' = there is one.
    """

    title: str
    convention: str
    scenes: int
    standings: tuple[Standing, ...]
    pairs: tuple[Pair, ...]
    friedman: float | None = None
    critical: float | None = None
    groups: tuple[tuple[int, ...], ...] = ()
    reason: str = ""

    def pair(self, first: int, second: int) -> tuple[Pair, int]:
        """The pair of two rows and its sign: -1 where it is the second minus the first."""
        for pair in self.pairs:
            if (pair.first, pair.second) == (first, second):
                return pair, 1
            if (pair.first, pair.second) == (second, first):
                return pair, -1
        raise KeyError((first, second))

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for machines."""
        pairs = [{**p.difference.as_dict(), "p_holm": p.p_value, "separated": p.separated} for p in self.pairs]
        whole = {
            name: getattr(self, name) for name in ("title", "convention", "scenes", "friedman", "critical", "reason")
        }
        groups = [[self.standings[k].label for k in group] for group in self.groups]
        return {**whole, "rows": [vars(s) for s in self.standings], "pairs": pairs, "groups": groups}


def rankings(records: Iterable[Record], *, dataset: str | None = None) -> list[Ranking]:
    """A ranking for each set of images that several rows have restored, under its own convention.

    Raises:
        UserError: no set has two rows, or scores that cannot be read.
    """
    sets = contenders(record for record in records if dataset in (None, record.cell.data.name))
    found = [ranking(rows) for rows in sets.values() if len(rows) > 1]
    if not found:
        raise UserError("No set of images has two finished rows to compare: run a second method on one first.")
    return sorted(found, key=lambda each: each.title)


def ranking(rows: Sequence[Contender]) -> Ranking:
    """All of some rows on the same images. Raises UserError for scores that are missing or cannot be read."""
    convention = next((name for name in rows[0].conventions if all(name in row.conventions for row in rows)), "")
    if not convention:
        raise UserError(f"The rows on {rows[0].first.cell.data.label} have no convention in common: score them again.")
    scores = scene_scores(rows, f"psnr[{convention}]")
    means = [float(np.mean([record.figures[convention].psnr.mean for record in row.records])) for row in rows]
    order = sorted(range(len(rows)), key=lambda k: (-means[k], rows[k].label))
    rows, means, scores = [rows[k] for k in order], [means[k] for k in order], scores[order]
    pairs = holm_pairs(rows, convention)
    ranks = mean_ranks(scores)
    standings = tuple(
        Standing(row.label, len(row.records), means[k], float(ranks[k]), *rank_interval(k, len(rows), pairs))
        for k, row in enumerate(rows)
    )
    cell, scenes = rows[0].first.cell, scores.shape[1]
    title = " · ".join(part for part in (cell.data.name, cell.data.split, cell.degradation) if part)
    if scenes < FEWEST_SCENES:
        reason = f"{scenes} scene{'s' if scenes > 1 else ''}: a verdict needs at least {FEWEST_SCENES}"
        return Ranking(title, convention, scenes, standings, pairs, reason=reason)
    critical = critical_difference(len(rows), scenes)
    return Ranking(
        title, convention, scenes, standings, pairs, friedman(scores), critical, tuple(groups(ranks, critical))
    )


def scene_scores(rows: Sequence[Contender], column: str) -> np.ndarray:
    """(rows, scenes) means over the images of each scene and over seeds. Raises UserError where a score is missing."""
    names = [name for name in rows[0].scores[0] if all(name in scores for row in rows for scores in row.scores)]
    places = sorted({rows[0].scores[0][name].scene for name in names})
    found = np.zeros((len(rows), len(places)))
    for k, row in enumerate(rows):
        by_scene: dict[str, list[float]] = {place: [] for place in places}
        for name in names:
            values = [scores[name].values.get(column) for scores in row.scores]
            known = [value for value in values if value is not None]
            if len(known) < len(values):
                raise UserError(f"The per-image scores of {row.first.id} lack {column}: run the cell with --force.")
            by_scene[rows[0].scores[0][name].scene] += known
        found[k] = [float(np.mean(by_scene[place])) for place in places]
    if not names:
        raise UserError(f"The rows on {rows[0].first.cell.data.label} have no image in common: run them again.")
    return found


def holm_pairs(rows: Sequence[Contender], convention: str) -> tuple[Pair, ...]:
    """Every two rows, with p-values corrected for how many pairs there are."""
    places = [(i, j) for i in range(len(rows)) for j in range(i + 1, len(rows))]
    found = [difference(rows[i], rows[j], convention) for i, j in places]
    raw = [line.estimate.p_value() if line.estimate else None for line in found]
    corrected = iter(holm([p for p in raw if p is not None]))
    adjusted = [None if p is None else next(corrected) for p in raw]
    return tuple(Pair(i, j, line, p) for (i, j), line, p in zip(places, found, adjusted, strict=True))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values, in the order given: those below 0.05 may all be claimed together."""
    adjusted, largest, count = [0.0] * len(p_values), 0.0, len(p_values)
    for place, index in enumerate(sorted(range(count), key=lambda k: p_values[k])):
        largest = max(largest, min(1.0, (count - place) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def rank_interval(row: int, count: int, pairs: Iterable[Pair]) -> tuple[int, int]:
    """The best and the worst rank that a row may have: one more than those surely above it, `count` less those below.

    Since the pairs hold together at 95 %, so do the ranks of all rows.
    """
    above = below = 0
    for pair in pairs:
        if pair.separated and row in (pair.first, pair.second):
            ahead = (pair.difference.psnr.mean > 0) == (row == pair.first)
            above, below = above + (not ahead), below + ahead
    return 1 + above, count - below


def mean_ranks(scores: np.ndarray) -> np.ndarray:
    """(rows, scenes) scores -> (rows,) mean ranks over scenes; 1 is the highest score, equal scores share theirs."""
    from scipy.stats import rankdata

    return np.asarray(rankdata(-scores, axis=0).mean(axis=1))


def friedman(scores: np.ndarray) -> float | None:
    """Friedman's test that all rows rank alike: its p-value; None for two rows, or where all scores are equal."""
    from scipy.stats import friedmanchisquare

    if len(scores) < 3 or bool(np.all(scores == scores[0])):
        return None
    return float(friedmanchisquare(*scores).pvalue)


@lru_cache(maxsize=64)
def critical_difference(rows: int, scenes: int) -> float:
    """Nemenyi's: two mean ranks that lie further apart differ at 95 %, all pairs together."""
    from scipy.stats import studentized_range

    quantile = float(studentized_range.ppf(CONFIDENCE, rows, math.inf)) / math.sqrt(2)
    return quantile * math.sqrt(rows * (rows + 1) / (6 * scenes))


def groups(ranks: Sequence[float] | np.ndarray, critical: float) -> list[tuple[int, ...]]:
    """Largest sets of at least two rows whose mean ranks all lie within the critical difference; best first."""
    order = [int(k) for k in np.argsort(ranks, kind="stable")]
    found: list[tuple[int, ...]] = []
    end = 0
    for start in range(len(order)):
        within = [k for k in order[start:] if ranks[k] - ranks[order[start]] <= critical]
        if len(within) > 1 and start + len(within) > end:
            found.append(tuple(within))
            end = start + len(within)
    return found
