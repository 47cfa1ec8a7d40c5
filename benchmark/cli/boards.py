"""`leaderboard` and `merge`: what the records say, and records of other machines."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from benchmark.cli.options import folders, verb
from benchmark.console import Console


def add(verbs: Any) -> None:
    """Add the verbs to the command line."""
    verb(
        verbs,
        "leaderboard",
        "write and print the table of all records, or compare two rows",
        leaderboard,
        _options,
        folders,
    )
    verb(verbs, "merge", "take over the records of other machines", merge, _merge_options, folders)


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("--compare", nargs=2, metavar=("A", "B"), help="paired interval of A - B: methods or cell ids")
    parser.add_argument("--dataset", help="only this dataset")
    parser.add_argument("--page", type=Path, help="also put the tables between the page's <!-- leaderboard --> marks")


def _merge_options(parser: ArgumentParser) -> None:
    parser.add_argument("sources", nargs="+", type=Path, metavar="DIR", help="results folders of other machines")


def leaderboard(args: Namespace, console: Console) -> int:
    """Refresh leaderboard.csv and .md and print the table, or compare two rows."""
    from benchmark.leaderboard import write
    from benchmark.leaderboard_text import main_tables, show
    from benchmark.pages import fill
    from benchmark.records import read_records
    from datasets.ops.errors import UserError

    records = read_records(args.results, console.error)
    if not records:
        raise UserError(
            f"There are no records under {args.results}: start with `python -m benchmark run --dataset demo`."
        )
    if args.compare:
        return _compare(records, args, console)
    board = write(args.results, records)
    rows = [row for row in board if args.dataset in (None, row["dataset"])]
    show(rows, console)
    console.emit(rows)
    if args.page:
        fill(args.page, "leaderboard", main_tables(rows))
    return 0


def _compare(records: list[Any], args: Namespace, console: Console) -> int:
    from benchmark.comparing import compare

    columns = ("dataset", "split", "convention", "n", "PSNR", "95 % interval", "SSIM", "95 % interval", "remark")
    found = compare(records, *args.compare, dataset=args.dataset)
    console.table(f"{args.compare[0]} - {args.compare[1]}", columns, [line.cells() for line in found])
    console.emit([line.as_dict() for line in found])
    return 0


def merge(args: Namespace, console: Console) -> int:
    """Merge other results folders; 1 when records contradict each other."""
    from benchmark.leaderboard import write
    from benchmark.merge import merge as merge_results

    outcome = merge_results(args.results, args.sources)
    write(args.results, warn=console.error)
    console.say(f"{len(outcome.copied)} records copied, {len(outcome.same)} were here already.")
    for sentence in outcome.conflicts:
        console.say(f"Conflict: {sentence}")
    console.emit(outcome.__dict__)
    return int(bool(outcome.conflicts))
