"""The rows of a protocol's table, from the records: means and spread over seeds, paired differences, costs."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from benchmark.leaderboard.compare import paired_estimate
from benchmark.leaderboard.rows import board_rows
from benchmark.protocols import Entry
from benchmark.protocols.finished import recorded, tests_of
from benchmark.protocols.reproduce import kept, plan_baselines, plan_row, seeded_rows
from benchmark.protocols.request import ReproduceRequest, SeededRow, label, missing
from benchmark.records.files import read_records, read_scores
from benchmark.records.record import DONE, ImageScore, Record
from benchmark.scoring.statistics import Interval, Spread, spread
from methods.weights import Card, read_card


@dataclass(frozen=True)
class ProtocolRow:
    """One row of a protocol's table on one test.

    Attributes:
        name: method, recipe, label; or of a baseline. protocol, tier, test: where the row stands.
        asked: the protocol's seeds. seeds: those with a record.
        convention: of psnr, ssim and the differences. psnr, ssim: over seeds. perceptual: convention -> over seeds,
            where every seed's record has it; lower is better. scores: for each seed, image name -> its scores.
        minus_blur, minus_best: paired differences in PSNR, with intervals over scenes and seeds.
        best: whether it is the best row itself. patch_pixels: that one training looked at.
        cards: of the weights, one per seed. record: the first seed's.
        published, difference: the paper's PSNR, and ours minus theirs. comparable: ``yes``, or why not; verdict: the
            same for people (see BoardRow).
        reason: why there are no figures.
    """

    name: str
    entry: Entry | None = None
    protocol: str = ""
    tier: str = ""
    test: str = ""
    asked: tuple[int, ...] = ()
    seeds: tuple[int, ...] = ()
    convention: str = ""
    psnr: Spread | None = None
    ssim: Spread | None = None
    perceptual: Mapping[str, Spread] = field(default_factory=dict)
    scores: tuple[Mapping[str, ImageScore], ...] = ()
    minus_blur: Interval | None = None
    minus_best: Interval | None = None
    best: bool = False
    patch_pixels: int | None = None
    cards: tuple[Card, ...] = ()
    record: Record | None = None
    published: float | None = None
    difference: float | None = None
    comparable: str = ""
    verdict: str = ""
    reason: str = ""


def protocol_rows(request: ReproduceRequest, test: str) -> list[ProtocolRow]:
    """The rows of one tier on one test: baselines first, then the methods in the protocol's order.

    All of the tier, whatever methods and seeds are asked for; nothing is trained or run.
    """
    everything = replace(request, methods=(), seeds=())
    baselines = [record for record in kept(request, plan_baselines(request, test)) if record.status == DONE]
    rows = [measured(record.cell.method, [record]) for record in baselines]
    todo = seeded_rows(everything)
    for entry in request.rows.entries:
        if test in tests_of(request, entry):
            rows.append(_row(everything, test, entry, [seeded for seeded in todo if seeded.entry is entry]))
    placed = [replace(row, protocol=request.protocol.name, tier=request.tier, test=test) for row in rows]
    return with_differences(placed)


def _row(request: ReproduceRequest, test: str, entry: Entry, own_rows: Sequence[SeededRow]) -> ProtocolRow:
    pairs: list[tuple[SeededRow, Record]] = []
    for seeded in own_rows:
        if seeded.recorded:
            finished = recorded(request, entry, seeded.seed, test, read_records(request.results))
            pairs += [(seeded, finished)] if finished else []
        else:
            pairs += [(seeded, record) for record in kept(request, plan_row(request, seeded, test))]
    done = [(seeded, r) for seeded, r in pairs if r.status == DONE and r.data.convention in r.figures]
    asked = tuple(seeded.seed for seeded in own_rows)
    if not done:  # the first reason that is known: of a cell, of the row, of its weights; else that it has not been run
        reasons = [record.why for _, record in pairs if record.why] + [
            seeded.reason for seeded in own_rows if seeded.reason
        ]
        reasons += [missing(request, seeded) for seeded in own_rows if seeded.command]
        reasons += [f"not run yet: python -m benchmark reproduce {request.protocol.name} --tier {request.tier}"]
        return ProtocolRow(label(entry), entry, asked=asked, reason=reasons[0])
    return replace(
        measured(label(entry), [record for _, record in done]),
        entry=entry,
        asked=asked,
        seeds=tuple(seeded.seed for seeded, _ in done),
        cards=tuple(card for seeded, _ in done if seeded.weights and (card := read_card(seeded.weights))),
        patch_pixels=patch_pixels(request, entry, done[0][1]),
    )


def measured(name: str, records: Sequence[Record]) -> ProtocolRow:
    """A row of finished records, one per seed, under their dataset's own convention."""
    first = records[0]
    figures = [record.figures[first.data.convention] for record in records]
    # A row of the leaderboard for each: under the paper's convention, or under its own where that is not known.
    lines = [board_rows([record]) for record in records]
    board = [next((row for row in rows if row.delta_psnr is not None), rows[0]) for rows in lines]
    known = [row.delta_psnr for row in board if row.delta_psnr is not None]
    shared = [key for key in first.perceptual if all(key in record.perceptual for record in records)]
    distances = {key: spread([record.perceptual[key].value.mean for record in records]) for key in shared}
    return ProtocolRow(
        name,
        convention=first.data.convention,
        psnr=spread([one.psnr.mean for one in figures]),
        ssim=spread([one.ssim.mean for one in figures if one.ssim]),
        perceptual={key: found for key, found in distances.items() if found},
        scores=tuple({score.name: score for score in read_scores(r.folder, r)} for r in records),
        record=first,
        published=board[0].published.psnr if board[0].published else None,
        difference=statistics.fmean(known) if known else None,
        comparable=board[0].comparable,
        verdict=board[0].verdict,
    )


def with_differences(rows: Sequence[ProtocolRow]) -> list[ProtocolRow]:
    """With the paired differences against the row `blur` and against the best row."""
    scored = [(row.psnr.mean, row) for row in rows if row.psnr]
    if not scored:
        return list(rows)
    best = max(scored, key=lambda pair: pair[0])[1]
    blur = next((row for _, row in scored if row.name == "blur"), None)
    return [
        replace(row, best=row is best, minus_best=_minus(row, best), minus_blur=_minus(row, blur) if blur else None)
        for row in rows
    ]


def _minus(row: ProtocolRow, other: ProtocolRow) -> Interval | None:
    if row is other or row.psnr is None:
        return None
    found = paired_estimate(row.scores, other.scores, f"psnr[{row.convention}]")
    return found[0] if found else None


def patch_pixels(request: ReproduceRequest, entry: Entry, record: Record) -> int:
    """Pixels that one training looked at: its steps times the pixels of a step in its largest stream."""
    steps = (record.training and record.training.steps) or 0
    return steps * request.training(entry, record.cell.seed).step_pixels()
