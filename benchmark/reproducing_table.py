"""A protocol's table, from the records: means and spread over seeds, differences over the same images, what it cost."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from benchmark.comparing import paired_scores
from benchmark.leaderboard import rows as board_rows
from benchmark.protocols import Entry
from benchmark.records import DONE, ImageScore, Record, read_records, read_scores
from benchmark.reproducing import cells_of, jobs, kept, references
from benchmark.reproducing_order import Job, Order, label, missing
from benchmark.reproducing_records import recorded, tests_of
from benchmark.scoring.statistics import Interval
from methods.weights import Card, read_card


@dataclass(frozen=True)
class Spread:
    """Mean over seeds and sample standard deviation; None where one seed leaves no spread."""

    mean: float
    deviation: float | None


@dataclass(frozen=True)
class Line:
    """One row of the table on one test.

    Attributes:
        name: method, recipe, label; or of a reference row. asked: the protocol's seeds. seeds: those with a record.
        convention: of psnr, ssim and the differences. psnr, ssim: over seeds.
        scores: per image, means over seeds. minus_blur, minus_best: paired differences in PSNR, with intervals.
        best: whether it is the best row itself. patch_pixels: that one training looked at.
        cards: of the weights, one per seed. record: the first seed's.
        published, difference: the paper's PSNR, and ours minus theirs. comparable: ``yes``, or why not.
        reason: why there are no figures.
    """

    name: str
    entry: Entry | None = None
    asked: tuple[int, ...] = ()
    seeds: tuple[int, ...] = ()
    convention: str = ""
    psnr: Spread | None = None
    ssim: Spread | None = None
    scores: tuple[ImageScore, ...] = ()
    minus_blur: Interval | None = None
    minus_best: Interval | None = None
    best: bool = False
    patch_pixels: int | None = None
    cards: tuple[Card, ...] = ()
    record: Record | None = None
    published: float | None = None
    difference: float | None = None
    comparable: str = ""
    reason: str = ""


def lines(order: Order, test: str) -> list[Line]:
    """The rows of one tier on one test: references first, then the methods in the protocol's order.

    All of the tier, whatever methods and seeds the order is for; nothing is trained or run.
    """
    everything = replace(order, methods=(), seeds=())
    found = [
        _measured(record.method, [record]) for record in kept(order, references(order, test)) if record.status == DONE
    ]
    todo = jobs(everything)
    for entry in order.rows.entries:
        if test in tests_of(order, entry):
            found.append(_line(everything, test, entry, [job for job in todo if job.entry is entry]))
    return _compared(found)


def _line(order: Order, test: str, entry: Entry, mine: Sequence[Job]) -> Line:
    pairs = [(job, record) for job in mine for record in _records(order, job, test)]
    done = [(job, record) for job, record in pairs if record.status == DONE and record.convention in record.figures]
    asked = tuple(job.seed for job in mine)
    if not done:
        return Line(label(entry), entry, asked, reason=_why(order, mine, [record for _, record in pairs]))
    cards = [card for job, _ in done if job.weights and (card := read_card(job.weights))]
    measured = _measured(label(entry), [record for _, record in done])
    return replace(
        measured,
        entry=entry,
        asked=asked,
        seeds=tuple(job.seed for job, _ in done),
        cards=tuple(cards),
        patch_pixels=patch_pixels(order, entry, done[0][1]),
    )


def _records(order: Order, job: Job, test: str) -> list[Record]:
    if not job.recorded:
        return kept(order, cells_of(order, job, test))
    found = recorded(order, job.entry, job.seed, test, read_records(order.results))
    return [found] if found else []


def _why(order: Order, mine: Sequence[Job], records: Sequence[Record]) -> str:
    """One reason for the row: what was said of its cell, or of its weights, or that nobody has run it."""
    said = [record.reason for record in records if record.reason] + [job.reason for job in mine if job.reason]
    said += [missing(order, job) for job in mine if job.command]
    return said[0] if said else f"not run yet: python -m benchmark reproduce {order.protocol.name} --tier {order.tier}"


def _measured(name: str, records: Sequence[Record]) -> Line:
    first = records[0]
    figures = [record.figures[first.convention] for record in records]
    board = [_beside_the_paper(record) for record in records]
    known = [row["delta_psnr"] for row in board if row["delta_psnr"] is not None]
    return Line(
        name,
        convention=first.convention,
        psnr=spread([one.psnr.mean for one in figures]),
        ssim=spread([one.ssim.mean for one in figures if one.ssim]),
        scores=mean_scores([read_scores(record.folder) for record in records]),
        record=first,
        published=board[0]["published_psnr"],
        difference=statistics.fmean(known) if known else None,
        comparable=board[0]["comparable"],
    )


def _beside_the_paper(record: Record) -> dict[str, Any]:
    """The record's row of the leaderboard under the paper's convention, or under its own where that is not known."""
    board = board_rows([record])
    return next((row for row in board if row["delta_psnr"] is not None), board[0])


def spread(values: Sequence[float]) -> Spread | None:
    """Mean and sample standard deviation of one figure per seed; None where there is no figure."""
    known = [value for value in values if math.isfinite(value)]
    if not known or len(known) < len(values):
        return None
    return Spread(statistics.fmean(known), statistics.stdev(known) if len(known) > 1 else None)


def mean_scores(by_seed: Sequence[Sequence[ImageScore]]) -> tuple[ImageScore, ...]:
    """Per image and column the mean over seeds; None where one seed has no score."""
    found = []
    for same in zip(*by_seed, strict=True):
        columns = {key: [row.values.get(key) for row in same] for key in same[0].values}
        means = {key: None if None in values else statistics.fmean(values) for key, values in columns.items()}
        found.append(ImageScore(same[0].name, same[0].scene, means))
    return tuple(found)


def _compared(found: list[Line]) -> list[Line]:
    """With the paired differences against the row `blur` and against the best row."""
    measured = [line for line in found if line.psnr]
    if not measured:
        return found
    best = max(measured, key=lambda line: line.psnr.mean if line.psnr else -math.inf)
    blur = next((line for line in measured if line.name == "blur"), None)
    return [
        replace(
            line,
            best=line is best,
            minus_best=None if line is best else _minus(line, best),
            minus_blur=None if blur is None or line is blur else _minus(line, blur),
        )
        for line in found
    ]


def _minus(line: Line, other: Line) -> Interval | None:
    return paired_scores(line.scores, other.scores, f"psnr[{line.convention}]") if line.psnr else None


def patch_pixels(order: Order, entry: Entry, record: Record) -> int:
    """Pixels that one training looked at: its steps times the pixels of a step in its largest stream."""
    from benchmark.reproducing_training import step_pixels

    return (record.train_steps or 0) * step_pixels(order.options(entry))
