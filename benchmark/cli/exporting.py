"""`export`: records in the form that other places read."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

from benchmark.cli.options import folders, names, output
from benchmark.cli.parser import verb
from benchmark.console import Console

_EXAMPLES = ("r2r --eval-results            a model card; --hub-dataset polyu=ORG/NAME:TASK adds its results",)


def add(verbs: Any) -> None:
    """Add the verb to the command line."""
    with verb(
        verbs, "export", "write the Hub's evaluation results and a model card from records", export, _EXAMPLES
    ) as parser:
        option = parser.add_argument
        option("name", metavar="NAME", help="a method, or the beginning of a cell's id")
        option("--eval-results", action="store_true", required=True, help=".eval_results/*.yaml and README.md")
        about = "data sets of the Hub and their tasks, such as polyu=ORG/NAME:TASK (default: the card alone)"
        option("--hub-dataset", type=names, default=(), metavar="NAME=ORG/NAME:TASK", help=about)
        output(parser, "where to write (default: ./export/NAME)", metavar="DIR")
        folders(parser)


def export(args: Namespace, console: Console) -> int:
    """Write the files; nothing is uploaded."""
    from benchmark.leaderboard.hub_files import eval_results, hub_dataset, model_card, own_records
    from benchmark.records.files import read_records
    from datasets.core.files import write_bytes

    places = dict(map(hub_dataset, args.hub_dataset))
    records = own_records(read_records(args.results, console.error), args.name)
    folder = args.output or Path("export") / args.name
    files = {"README.md": model_card(records), **eval_results(records, places)}
    for name, text in files.items():
        write_bytes(folder / name, text.encode())
    written = [str(folder / name) for name in files]
    console.table("written", ("file",), [(path,) for path in written])
    console.emit(written)
    for record in records:
        if record.data.partial and record.cell.data.name in places:
            console.say(f"{record.id} is of some images only ({record.data.partial}): no evaluation result.")
    absent = sorted({record.cell.data.name for record in records} - set(places))
    if absent:
        console.say(f"No evaluation results for {', '.join(absent)}: --hub-dataset says what they are on the Hub.")
    return 0
