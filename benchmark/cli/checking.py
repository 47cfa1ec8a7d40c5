"""`check`: shipped weights on small images against results/baseline.csv."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.cli.options import methods, verb
from benchmark.console import Console
from benchmark.paths import shipped

if TYPE_CHECKING:
    from benchmark.regression.checking import Outcome

_SHOWN = 40  # lines of what moved; the rest is under --json


def add(verbs: Any) -> None:
    """Add the verb to the command line."""
    text = "check that no change moved a figure of the shipped weights on small images"
    examples = (
        "                             minutes on a CPU; 1 where a figure moved",
        "--methods r2r,lir            of these only",
        '--update --reason "TEXT"     the figures were meant to change',
    )
    with verb(verbs, "check", text, check, examples) as parser:
        option = parser.add_argument
        methods(parser, "all, or names of methods and of rows such as input", default=("all",))
        option("--baseline", type=Path, metavar="FILE", help="default: results/baseline.csv of the project")
        option("--update", action="store_true", help="rewrite the baseline and measure its tolerances again (minutes)")
        option("--new", action="store_true", help="with --update: only rows without a figure yet; the others stay")
        option("--reason", metavar="TEXT", help="with --update, which needs it: why the figures changed (no default)")
        option("--spread", action="store_true", help="measure how far harmless variations move the figures; no writing")
        about = "also put the table of --spread between the page's <!-- spread --> marks (default: no page)"
        option("--page", type=Path, metavar="FILE", help=about)


def check(args: Namespace, console: Console) -> int:
    """Compare (1 where something moved), or measure the spread, or rewrite the baseline."""
    from datasets.core.errors import UserError

    if args.update and not (args.reason or "").strip():
        raise UserError('A new baseline needs the reason why the figures changed: give --update --reason "...".')
    if args.new and not args.update:
        raise UserError("--new goes with --update: it adds the rows that the baseline has no figures of.")
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
    from benchmark.regression.checking import COLUMNS, MOVED
    from benchmark.tables.column import plain_values

    if outcome.changes:
        console.show("moved", MOVED, outcome.changes[:_SHOWN])
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
    console.emit(
        {
            "green": outcome.green,
            "compared": outcome.compared,
            "changes": plain_values(COLUMNS, outcome.changes),
            "problems": outcome.problems,
            "remarks": outcome.remarks,
        }
    )


def _renew(args: Namespace, console: Console) -> int:
    """Measure the spread; with --update write the baseline: in the checkout, or where --baseline says."""
    from benchmark.leaderboard.markdown_blocks import expect_block, fill_block
    from benchmark.regression.measuring import rows
    from benchmark.regression.renewing import COLUMNS, renew, spreads
    from benchmark.tables.column import plain_values
    from benchmark.tables.markdown_table import markdown_table
    from datasets.core.errors import UserError

    if args.page:
        expect_block(args.page, "spread")
    if args.update:
        path = args.baseline or shipped("baseline.csv")
        if not args.baseline and path.parent.name == "shipped":  # part of an installed package
            raise UserError(
                "The installed baseline is not rewritten: name a file with --baseline FILE, or use a checkout."
            )
        measured = renew(args.methods, path, args.reason, console.report, args.new)
        console.say(f"Wrote {path}.")
    else:
        measured = spreads(rows(args.methods), console.report)
    largest = measured.largest()
    console.show("spread", COLUMNS, largest)
    console.emit(plain_values(COLUMNS, largest))
    if args.page:
        fill_block(args.page, "spread", "\n".join(markdown_table(COLUMNS, largest)))
    return 0
