"""`leaderboard` and `merge`: what the records say, and records of other machines."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

from benchmark.cli.comparing import compare_rows
from benchmark.cli.options import datasets, folders, verb
from benchmark.console import Console

_MERGES = ("/mnt/gpu1/experiments /mnt/gpu2/experiments   records that contradict each other are told, not taken",)


def add(verbs: Any) -> None:
    """Add the verbs to the command line."""
    text = "write and print the table of all records, or compare two rows"
    examples = (
        "                              every record, as leaderboard.csv and .md too",
        "--compare dgunet blur         is the difference real? paired, with an interval",
        "--dataset demo --wide         one dataset, all columns",
    )
    with verb(verbs, "leaderboard", text, leaderboard, examples) as parser:
        option = parser.add_argument
        about = "A B: which of two rows is better (methods, METHOD:RECIPE or cell ids; B may be published, or "
        about += "published:NAME); all: every row against every other (default: the table)"
        option("--compare", nargs="+", metavar="ROW", help=about)
        about = "with --compare all: critical-difference diagram, .svg (default: none)"
        option("--diagram", type=Path, metavar="FILE", help=about)
        datasets(parser, "only this dataset (default: all)", type=str)
        about = "also put the tables between the page's <!-- leaderboard --> marks (default: no page)"
        option("--page", type=Path, metavar="FILE", help=about)
        option("--figures-only", action="store_true", help="with --page: neither costs nor remarks")
        folders(parser)
    with verb(verbs, "merge", "take over the records of other machines", merge, _MERGES) as parser:
        parser.add_argument("sources", nargs="+", type=Path, metavar="DIR", help="results folders of other machines")
        folders(parser)


def leaderboard(args: Namespace, console: Console) -> int:
    """Refresh leaderboard.csv and .md and print the table, or compare rows."""
    from benchmark.leaderboard.columns import columns_of
    from benchmark.leaderboard.files import write_leaderboard
    from benchmark.leaderboard.markdown_blocks import expect_block, fill_block
    from benchmark.leaderboard.render import main_tables, show_board
    from benchmark.records.files import read_records
    from benchmark.tables.column import plain_values
    from datasets.core.errors import UserError

    records = read_records(args.results, console.error)
    if not records:
        raise UserError(
            f"There are no records under {args.results}: start with `python -m benchmark run --dataset demo`."
        )
    if args.compare:
        return compare_rows(args, records, console)
    if args.page:
        expect_block(args.page, "leaderboard")
    board = write_leaderboard(args.results, records, console.error)
    rows = [row for row in board if args.dataset in (None, row.record.cell.data.name)]
    if not rows:
        had = ", ".join(sorted({row.record.cell.data.name for row in board}))
        raise UserError(f"There are no records of {args.dataset!r} under {args.results}, only of: {had}.")
    show_board(rows, console)
    console.emit(plain_values(columns_of(rows), rows))
    if args.page:
        fill_block(args.page, "leaderboard", main_tables(rows, figures_only=args.figures_only))
    return 0


def merge(args: Namespace, console: Console) -> int:
    """Merge other results folders; 1 when records contradict each other."""
    from benchmark.leaderboard.files import write_leaderboard
    from benchmark.records.merge import merge as merge_results

    outcome = merge_results(args.results, args.sources)
    write_leaderboard(args.results, warn=console.error)
    console.say(f"{len(outcome.copied)} records copied, {len(outcome.same)} were here already.")
    for sentence in outcome.refused:
        console.error(sentence)
    for sentence in outcome.conflicts:
        console.say(f"Conflict: {sentence}")
    console.emit(outcome.__dict__)
    return int(bool(outcome.conflicts or outcome.refused))
