"""`reproduce`: a protocol from training to table."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.cli.engine_options import engine_settings, engines
from benchmark.cli.options import arithmetic, folders, hardware, methods, minutes, numbers, size, train_settings, verb
from benchmark.console import Console
from benchmark.planning.embedded import prepare_embedded
from benchmark.progress import Task
from datasets.core.errors import UserError

if TYPE_CHECKING:
    from benchmark.protocols.queue.lines import Line
    from benchmark.protocols.queue.work import QueueRequest
    from benchmark.protocols.request import ReproduceRequest


_EXAMPLES = (
    "polyu-scenes --tier cpu --dry-run      what would be trained and run; needs no data",
    "polyu-scenes --tier cpu                five methods, the same scenes, the same budget",
    "mine.toml --methods r2r --seeds 0      a protocol of your own (docs/protocols.md)",
)


def add(verbs: Any) -> None:
    """Add the verb to the command line."""
    text = "carry out a protocol: train what is missing, run every row, write its table"
    with verb(verbs, "reproduce", text, reproduce, _EXAMPLES) as parser:
        option = parser.add_argument
        about = "a protocol, such as polyu-scenes (see: list protocols), or a .toml file; none with --queue"
        option("name", metavar="NAME", nargs="?", default="", help=about)
        option("--tier", metavar="NAME", help="budget (a GPU) or cpu; default: budget where there is a GPU, else cpu")
        methods(parser, "names with commas between them; default: all of the protocol", default=())
        about = "of trainings, such as 0,1,2; default: the protocol's"
        option("--seeds", type=numbers, default=(), metavar="N,N", help=about)
        option(
            "--train", choices=("auto", "never"), default="auto", help="auto: train what is missing; never: only run"
        )
        about = "also put the tables between the page's <!-- NAME --> marks (default: no page)"
        option("--page", type=Path, metavar="FILE", help=about)
        about = "work through the queue (docs/reproduce.md) instead (default: no queue; its file the project's)"
        option("--queue", nargs="?", const="", metavar="FILE", help=about)
        about = "--queue: how long; what is left waits (default: until all is done)"
        option("--minutes", dest="within", type=minutes, metavar="N", help=about)
        about = "--queue: state to go on from, and to leave (default: none)"
        option("--state", type=Path, metavar="DIR", help=about)
        option("--max-file-size", type=size, metavar="SIZE", help="--state: of a file, such as 16M (default: any)")
        option("--max-total-size", type=size, metavar="SIZE", help="--state: of all files together (default: any)")
        option("--dry-run", action="store_true", help="print what would be trained and run; do nothing")
        for group in (folders, hardware, arithmetic, engines):
            group(parser)


def reproduce(args: Namespace, console: Console) -> int:
    """Carry out a protocol and print its table; 1 when a training or a cell failed."""
    if args.queue is not None:
        return queued(args, console)
    if not args.name:
        raise UserError("Name a protocol (see: list protocols), or give --queue to work through the queue.")
    from benchmark.leaderboard.files import write_leaderboard
    from benchmark.leaderboard.markdown_blocks import expect_block, fill_block
    from benchmark.protocols import render, reproduce
    from benchmark.protocols.columns import COLUMNS, FIGURES
    from benchmark.protocols.request import check_names
    from benchmark.tables.column import plain_values

    asked = request(args)
    if args.page:
        expect_block(args.page, asked.protocol.name)
    check_names(asked)
    if args.dry_run:
        return _plan(asked, console)
    places = [*asked.protocol.tests, *asked.sources]
    prepare_embedded([place.partition(":")[0] for place in places], args.data, console.report, console.say)
    console.report(Task("looking for weights"), 0, 0)
    outcome = reproduce.reproduce(asked, console.report, console.say, engine_settings(args))
    write_leaderboard(args.results, warn=console.error)
    sections = render.write_tables(asked)
    for section in sections:
        console.show(f"{section.test.replace(':', ' ')} ({section.tier})", FIGURES, section.measured)
        for remark in render.remarks(section.rows):
            console.remark(remark)
    console.emit(plain_values(COLUMNS, render.all_rows(sections)))
    console.say(f"Wrote {render.page_path(args.results, asked.protocol.name)} and the .csv beside it.")
    if args.page:
        fill_block(args.page, asked.protocol.name, render.excerpt(asked, sections))
    for sentence in outcome.failures:
        console.error(f"Failed: {sentence}")
    return int(bool(outcome.failures))


def request(args: Namespace) -> ReproduceRequest:
    """What `reproduce` was asked for; without --tier the one that suits the machine, or the only one there is."""
    from benchmark.environment import device
    from benchmark.protocols import protocol
    from benchmark.protocols.request import ReproduceRequest

    chosen = protocol(args.name)
    suits = "budget" if device(args.device).type == "cuda" else "cpu"
    return ReproduceRequest(
        protocol=chosen,
        tier=args.tier or (suits if suits in chosen.tiers else next(iter(chosen.tiers))),
        methods=args.methods,
        seeds=args.seeds,
        train=args.train == "auto",
        data=args.data,
        results=args.results,
        settings=train_settings(args),
    )


def _plan(asked: ReproduceRequest, console: Console) -> int:
    from benchmark.protocols.reproduce import seeded_rows, state
    from benchmark.protocols.request import label

    columns = ("row", "seed", "training", "cells")
    rows = [(label(seeded.entry), seeded.seed, *state(asked, seeded)) for seeded in seeded_rows(asked)]
    console.table(f"{asked.protocol.name} ({asked.tier}): {asked.rows.budget}", columns, rows)
    console.emit([dict(zip(columns, row, strict=True)) for row in rows])
    return 0


def queued(args: Namespace, console: Console) -> int:
    """Work through the queue for the given minutes; 1 when something failed, or nothing could be worked on."""
    from benchmark.protocols.queue.lines import OWN, lines
    from benchmark.protocols.queue.work import QueueRequest, work

    if args.name or args.tier or args.methods or args.seeds or args.page:
        raise UserError("The queue says what is carried out: give --queue without NAME, --tier, --methods and --seeds.")
    known = lines(Path(args.queue) if args.queue else OWN)
    if not (args.dry_run or args.within):
        raise UserError("Say how long to work through the queue: give --minutes N.")
    asked = QueueRequest(
        lines=known,
        minutes=args.within or 0,
        settings=train_settings(args),
        data=args.data,
        results=args.results,
        state=args.state or (args.results / "state" if args.max_file_size or args.max_total_size else None),
        most_of_one=args.max_file_size,
        most_of_all=args.max_total_size,
    )
    if args.dry_run:
        return _queue_plan(asked, console)
    worked = work(asked, console.report, console.say)
    for line in worked.done:
        console.say(f"Line {line.number} is finished: {line.row}")
    if worked.stopped:
        console.say(f"The minutes are over in line {worked.stopped.number}; the same command goes on from there.")
    for sentence in worked.waiting:
        console.say(sentence)
    shown = ("method", "recipe", "device", "steps", "seconds a step", "minutes in all")
    rows = [
        (t.method, t.recipe, t.device, f"{t.done} of {t.steps}", f"{t.seconds_per_step:.3g}", f"{t.minutes:.3g}")
        for t in worked.timings
    ]
    console.table("What trainings take", shown, rows)
    console.emit([dict(zip(shown, row, strict=True)) for row in rows])
    for path in worked.files:
        console.say(f"State: {path} ({path.stat().st_size:,} bytes)")
    for sentence in worked.failures:
        console.error(f"Failed: {sentence}")
    idle = not (worked.done or worked.stopped) and bool(worked.waiting)
    return int(bool(worked.failures) or idle)


def _queue_plan(asked: QueueRequest, console: Console) -> int:
    from benchmark.protocols.queue.work import unfinished
    from benchmark.protocols.request import check

    def state(line: Line) -> str:
        if not line.open or line.command:
            return "closed"
        try:
            request = asked.of(line)
            check(request)
            return "open" if unfinished(request) else "done"
        except UserError as error:
            return f"waits: {error}"

    columns = ("#", "row", "command", "state")
    rows = [(line.number, line.row, line.line, state(line)) for line in asked.lines]
    console.table("The queue", columns, rows)
    console.emit([dict(zip(columns, row, strict=True)) for row in rows])
    return 0
