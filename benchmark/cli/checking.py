"""`check`: shipped weights on small images against results/baseline.csv."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.cli.options import names, verb
from benchmark.console import Console
from benchmark.paths import shipped

if TYPE_CHECKING:
    from benchmark.regression.checking import Outcome

_SHOWN = 40  # lines of what moved; the rest is under --json


def add(verbs: Any) -> None:
    """Add the verb to the command line."""
    verb(verbs, "check", "check that no change moved a figure of the shipped weights on small images", check, _options)


def _options(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("--methods", type=names, default=("all",), help="all, or names of methods and of rows such as input")
    add("--baseline", type=Path, metavar="FILE", help="default: results/baseline.csv of the project")
    add("--update", action="store_true", help="write the baseline anew, tolerances measured anew (minutes)")
    add("--reason", metavar="TEXT", help="with --update: why the figures changed; kept in the baseline")
    add("--spread", action="store_true", help="measure how far harmless variations move the figures; writes nothing")
    add("--page", type=Path, help="also put the table of --spread between the page's <!-- spread --> marks")


def check(args: Namespace, console: Console) -> int:
    """Compare (1 where something moved), or measure the spread, or write the baseline anew."""
    from datasets.ops.errors import UserError

    if args.update and not (args.reason or "").strip():
        raise UserError('A new baseline needs the reason why the figures changed: give --update --reason "...".')
    if (args.reason and not args.update) or (args.page and not (args.spread or args.update)):
        raise UserError("--reason goes with --update, and --page with --spread or --update; see check --help.")
    if args.spread or args.update:
        return _renew(args, console)
    from benchmark.regression.checking import check as run

    outcome = run(args.methods, args.baseline or shipped("baseline.csv"), console.report)
    _show(outcome, console)
    return int(not outcome.green)


def _show(outcome: Outcome, console: Console) -> None:
    from benchmark.regression.baseline import command
    from benchmark.regression.checking import COLUMNS

    if outcome.changes:
        console.table("moved", COLUMNS, [change.cells() for change in outcome.changes[:_SHOWN]])
    if len(outcome.changes) > _SHOWN:
        console.remark(f"... and {len(outcome.changes) - _SHOWN} more; --json has them all.")
    for sentence in (*outcome.problems, *outcome.remarks):
        console.remark(sentence)
    if outcome.green:
        console.remark(f"Nothing moved: {outcome.compared} figures are within their tolerances.")
    else:
        console.remark(
            f"{len(outcome.changes)} figures moved, {len(outcome.problems)} rows or sets are not as they were, "
            f"{outcome.compared} figures were compared. Where that is meant: {command()}"
        )
    console.emit(_plain(outcome))


def _plain(outcome: Outcome) -> dict[str, Any]:
    changes = [
        {**c.key._asdict(), "was": c.was, "is": c.now, "tolerance": c.tolerance or None} for c in outcome.changes
    ]
    return {
        "green": outcome.green,
        "compared": outcome.compared,
        "changes": changes,
        "problems": outcome.problems,
        "remarks": outcome.remarks,
    }


def _renew(args: Namespace, console: Console) -> int:
    from benchmark.leaderboard_text import table
    from benchmark.pages import expect, fill
    from benchmark.regression.renewing import SPREAD_COLUMNS, renew, spreads

    if args.page:
        expect(args.page, "spread")
    if args.update:
        path = _target(args)
        found = renew(args.methods, path, args.reason, console.report)
        console.say(f"Wrote {path}.")
    else:
        found = spreads(args.methods, console.report)
    lines = found.table()
    console.table("spread", SPREAD_COLUMNS, lines)
    console.emit([dict(zip(SPREAD_COLUMNS, line, strict=True)) for line in lines])
    if args.page:
        fill(args.page, "spread", "\n".join(table(SPREAD_COLUMNS, lines)))
    return 0


def _target(args: Namespace) -> Path:
    """Where the baseline is written: in the checkout, or where it was said; what is installed stays as it is."""
    from datasets.ops.errors import UserError

    path: Path = args.baseline or shipped("baseline.csv")
    if not args.baseline and path.parent.name == "shipped":
        raise UserError("The installed baseline is not rewritten: name a file with --baseline FILE, or use a checkout.")
    return path
