"""`reproduce`: a protocol from training to table."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.cli.data import prepare_embedded
from benchmark.cli.options import folders, hardware, names, numbers, verb
from benchmark.console import Console

if TYPE_CHECKING:
    from benchmark.protocols import Protocol
    from benchmark.reproducing_order import Order


def add(verbs: Any) -> None:
    """Add the verb to the command line."""
    text = "carry out a protocol: train what is missing, run every row, write its table"
    verb(verbs, "reproduce", text, reproduce, _options, folders, hardware)


def _options(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("name", metavar="NAME", help="a protocol, such as polyu-scenes (see: list protocols), or a .toml file")
    add("--tier", help="budget (a GPU) or cpu; default: budget where there is a GPU, else cpu")
    add("--methods", type=names, default=(), help="names with commas between them; default: all of the protocol")
    add("--seeds", type=numbers, default=(), help="of trainings, such as 0,1,2; default: the protocol's")
    add("--train", choices=("auto", "never"), default="auto", help="auto: train what is missing; never: only run")
    add("--page", type=Path, metavar="FILE", help="also put the tables between the page's <!-- NAME --> marks")
    add("--dry-run", action="store_true", help="print what would be trained and run; do nothing")


def reproduce(args: Namespace, console: Console) -> int:
    """Carry out a protocol and print its table; 1 when a training or a cell failed."""
    from benchmark import leaderboard, pages, reproducing, reproducing_text

    order = _order(args)
    if args.page:
        pages.expect(args.page, order.protocol.name)
    places = [*order.protocol.tests, *([order.protocol.train] if order.trains else [])]
    prepare_embedded([place.partition(":")[0] for place in places], args.data, console)
    if args.dry_run:
        return _plan(order, console)
    outcome = reproducing.reproduce(order, console.report, console.say)
    leaderboard.write(args.results, warn=console.error)
    found = reproducing_text.write(order)
    for tier, test, rows in found:
        shown = [reproducing_text.cells(line) for line in rows if line.record]
        console.table(f"{test.replace(':', ' ')} ({tier})", reproducing_text.HEAD, shown)
        for remark in reproducing_text.remarks(rows):
            console.remark(remark.removeprefix("- "))
    console.emit(reproducing_text.plain_rows(order, found))
    console.say(f"Wrote {reproducing_text.page(args.results, order.protocol.name)} and the .csv beside it.")
    if args.page:
        pages.fill(args.page, order.protocol.name, reproducing_text.excerpt(order, found))
    for sentence in outcome.failures:
        console.error(f"Failed: {sentence}")
    return int(bool(outcome.failures))


def _order(args: Namespace) -> Order:
    from benchmark.protocols import protocol
    from benchmark.reproducing_order import Order

    found = protocol(args.name)
    return Order(
        protocol=found,
        tier=args.tier or _tier(found, args.device),
        methods=args.methods,
        seeds=args.seeds,
        train=args.train == "auto",
        data=args.data,
        results=args.results,
        device=args.device,
        precision=args.precision,
        tf32=args.tf32,
        deterministic=args.deterministic,
    )


def _tier(found: Protocol, device: str) -> str:
    """The tier for this machine, or the only one that there is."""
    from benchmark.environment import device as chosen

    suits = "budget" if chosen(device).type == "cuda" else "cpu"
    return suits if suits in found.tiers else next(iter(found.tiers))


def _plan(order: Order, console: Console) -> int:
    from benchmark.reproducing import jobs, state
    from benchmark.reproducing_order import check, label

    check(order)
    columns = ("row", "seed", "training", "cells")
    rows = [(label(job.entry), job.seed, *state(order, job)) for job in jobs(order)]
    console.table(f"{order.protocol.name} ({order.tier}): {order.rows.budget}", columns, rows)
    console.emit([dict(zip(columns, row, strict=True)) for row in rows])
    return 0
