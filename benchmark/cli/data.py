"""`prepare`: a dataset's files into the form that everything else reads."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmark.cli.options import folders, positive, verb
from benchmark.console import Console


def add(verbs: Any) -> None:
    """Add the verb to the command line."""
    verb(verbs, "prepare", "turn a dataset's own files into the form that is read here", prepare, _options)


def _options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "name", metavar="NAME", help="a dataset, such as polyu or folder[clean=no] (see: list datasets)"
    )
    parser.add_argument(
        "--source", type=Path, help="file or folder of the original; some sets are downloaded without it"
    )
    parser.add_argument("--workers", type=positive, help="threads (default: by the number of CPUs)")
    folders(parser)


def prepare(args: Namespace, console: Console) -> int:
    """Prepare one dataset; a second time only checks it."""
    import datasets

    report = datasets.prepare(args.name, args.source, args.data, progress=console.report, workers=args.workers)
    console.say(str(report))
    console.emit(getattr(report, "__dict__", {"report": str(report)}))
    return 0


def prepare_embedded(specs: Iterable[str], data: Path, console: Console) -> None:
    """Prepare those of the datasets that need no source (demo) and are not prepared yet.

    Raises UserError for an unknown dataset; a set that needs a source is left to whoever opens it.
    """
    import datasets

    for spec in specs:
        name, _ = datasets.parse_spec(spec)
        if datasets.facts(name).embedded and not (data / name / "manifest.csv").is_file():
            console.say(f"Preparing {name} under {data / name}.")
            datasets.prepare(name, None, data, progress=console.report)
