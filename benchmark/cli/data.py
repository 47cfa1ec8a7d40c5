"""`prepare`: a dataset's files into the form that everything else reads."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

from benchmark.cli.options import folders, positive, verb
from benchmark.console import Console


def add(verbs: Any) -> None:
    """Add the verb to the command line."""
    text, examples = (
        "turn a dataset's own files into the form that is read here",
        (
            "demo                              made on the spot",
            "polyu --source ~/PolyU            files that you have; without --source they are downloaded",
            "folder --source pairs/            your own pairs: pairs/clean and pairs/degraded",
        ),
    )
    with verb(verbs, "prepare", text, prepare, examples) as parser:
        option = parser.add_argument
        option("name", metavar="NAME", help="a dataset, such as polyu or folder[clean=no] (see: list datasets)")
        about = "file or folder of the original (default: it is downloaded, where that can be done)"
        option("--source", type=Path, metavar="PATH", help=about)
        option("--workers", type=positive, metavar="N", help="threads (default: by the number of CPUs)")
        folders(parser)


def prepare(args: Namespace, console: Console) -> int:
    """Prepare one dataset; a second time only checks it."""
    import datasets

    datasets.parse_spec(args.name)
    report = datasets.prepare(args.name, args.source, args.data, progress=console.report, workers=args.workers)
    console.say(str(report))
    for note in getattr(report, "notes", ()):
        console.say(f"  {note}")
    console.emit(getattr(report, "__dict__", {"report": str(report)}))
    return 0
