"""`status`: how far a results folder is."""

from __future__ import annotations

import time
from argparse import Namespace
from dataclasses import asdict
from typing import Any

from benchmark.cli.options import results, verb
from benchmark.console import Console
from benchmark.terminal.work import duration

_EVERY = 5.0  # seconds between two looks


def add(verbs: Any) -> None:
    """Add the verb to the command line."""
    text = "what is done, running, failed and missing in a results folder"
    examples = ("--results /shared/results     from any machine that sees the folder",)
    with verb(verbs, "status", text, status, examples) as parser:
        results(parser)
        parser.add_argument("--all", action="store_true", help="list what is done or skipped too")
        parser.add_argument("--watch", action="store_true", help="look again every five seconds until all is done")


def status(args: Namespace, console: Console) -> int:
    """Show every cell and training that is not done, and how many are; it reads the folder alone."""
    from benchmark.records.record import DONE, SKIPPED
    from benchmark.runs.status import MISSING, RUNNING, counts, minutes_left, standings

    while True:
        rows = standings(args.results, console.error)
        number, left = counts(rows), minutes_left(rows)
        shown = [row for row in rows if args.all or row.state not in (DONE, SKIPPED)]
        columns = ("name", "state", "where", "since", "last step", "minutes", "reason")
        values = ("name", "state", "where", "since", "step", "minutes", "reason")
        cells = [[getattr(row, value) for value in values] for row in shown]
        table = [[f"{cell:.1f}" if isinstance(cell, float) else cell for cell in row] for row in cells]
        if table:
            console.table("status", columns, table)
        text = ", ".join(f"{count} {state}" for state, count in number.items()) or "nothing is there or planned"
        when = f"{time.strftime('%H:%M:%S')}: " if args.watch else ""
        console.remark(when + text + (f"; about {duration(left * 60)} left" if left is not None else ""))
        if not args.watch or not (number.get(RUNNING) or number.get(MISSING)):
            console.emit({"counts": number, "minutes_left": left, "rows": [asdict(row) for row in rows]})
            return 0
        time.sleep(_EVERY)
