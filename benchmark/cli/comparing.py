"""`leaderboard --compare`: a sentence first, then what it rests on."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.console import Console
from datasets.core.errors import UserError

if TYPE_CHECKING:
    from benchmark.records.record import Record
    from benchmark.verdict.many import Ranking

ALL = "all"


def compare_rows(args: Namespace, records: Sequence[Record], console: Console) -> int:
    """Compare two rows, a row with a published figure, or all rows."""
    if args.compare == [ALL]:
        return _all(args, records, console)
    if len(args.compare) != 2:
        raise UserError(f"--compare takes two rows, or the word all; got {' '.join(args.compare)!r}.")
    if args.diagram:
        raise UserError("--diagram goes with --compare all: two rows have no ranks to draw.")
    from benchmark.verdict.published import is_published

    if is_published(args.compare[0]):
        raise UserError("A published figure is the second of the two: give --compare ROW published.")
    return (_published if is_published(args.compare[1]) else _two)(args, records, console)


def _two(args: Namespace, records: Sequence[Record], console: Console) -> int:
    from benchmark.leaderboard.standings import distances
    from benchmark.verdict.conditions import conditions_below
    from benchmark.verdict.pair import verdicts
    from benchmark.verdict.table import CONDITIONS, condition_lines
    from benchmark.verdict.words import further, sentence

    found = verdicts(records, *args.compare, dataset=args.dataset, conditions=conditions_below(args.data))
    for verdict in found:
        console.remark(sentence(verdict))
    for verdict in found:
        for line in further(verdict):
            console.remark(line if len(found) == 1 else f"{verdict.main.title}: {line}")
        title = f"{verdict.main.a} - {verdict.main.b}: {verdict.main.title}"
        console.show(title, CONDITIONS, condition_lines(verdict))
    seen = distances(records, *args.compare, dataset=args.dataset)
    for distance in seen:
        console.remark(distance.sentence)
    every = [{"sentence": sentence(each), "further": further(each), **each.as_dict()} for each in found]
    console.emit([*every, *({"sentence": each.sentence, **asdict(each)} for each in seen)])
    return 0


def _published(args: Namespace, records: Sequence[Record], console: Console) -> int:
    from benchmark.verdict.published import against_published, sentence

    found = against_published(records, *args.compare, dataset=args.dataset)
    for line in found:
        console.remark(sentence(line))
    console.emit([line.as_dict() for line in found])
    return 0


def _all(args: Namespace, records: Sequence[Record], console: Console) -> int:
    from benchmark.verdict.many import rankings
    from benchmark.verdict.table import headline, matrix, ranks_sentence

    found = rankings(records, dataset=args.dataset)
    if args.diagram and len(found) > 1:
        sets = ", ".join(ranking.title for ranking in found)
        raise UserError(
            f"--diagram draws one set of images, and here are {len(found)} ({sets}): name one by --dataset."
        )
    for ranking in found:
        console.remark(headline(ranking))
    for ranking in found:
        console.table(f"{ranking.title} ({ranking.convention}); * holds at 95 % among all pairs", *matrix(ranking))
        if ranks_sentence(ranking):
            console.remark(ranks_sentence(ranking))
    console.emit([{"sentence": headline(each), **each.as_dict()} for each in found])
    if args.diagram:
        _draw(args.diagram, found[0], console)
    return 0


def _draw(path: Path, ranking: Ranking, console: Console) -> None:
    from benchmark.verdict.diagram import diagram_svg
    from datasets.core.files import write_bytes

    picture = diagram_svg(ranking)
    if not picture:
        raise UserError(f"There is no diagram to draw for {ranking.title}: {ranking.reason}.")
    write_bytes(path, picture.encode())
    console.say(f"The critical-difference diagram is at {path}.")
