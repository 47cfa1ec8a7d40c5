"""`report`: a results folder as one page."""

from __future__ import annotations

import shlex
from argparse import Namespace
from pathlib import Path
from typing import Any

from benchmark.cli.options import datasets, folders, output, own_data, own_results, positive, verb
from benchmark.console import Console


def add(verbs: Any) -> None:
    """Add the verb to the command line."""
    text = "write one page that shows tables, images and charts, and opens from disk"
    examples = ("--open                     the page of your results, in the browser", "--dataset demo --single-file")
    with verb(verbs, "report", text, report, examples) as parser:
        option = parser.add_argument
        output(parser, "folder of the page (default RESULTS/report)", metavar="DIR")
        option("--single-file", action="store_true", help="everything in one .html, to send by mail")
        datasets(parser, "only this dataset (default: all)", type=str)
        option("--images", type=positive, metavar="N", help="images of a split to compare (default 12)")
        option("--open", action="store_true", help="open it in the browser")
        folders(parser)


def report(args: Namespace, console: Console) -> int:
    """Write the page and say how it is opened."""
    how = {"out": args.output, "single": args.single_file, "dataset": args.dataset, "images": args.images}
    index = write(args, console, show=args.open, **{key: value for key, value in how.items() if value})
    console.emit({"page": str(index)})
    return 0


def write(args: Namespace, console: Console, show: bool = False, **how: Any) -> Path:
    """Write the page of ``args.results`` and say the line that opens it; returns its path.

    Args:
        show: whether to open it in the browser. how: fields of `benchmark.report.make.PageRequest`.
    """
    from benchmark.report.make import PageRequest, make_report

    request = PageRequest(args.results, args.data, **{"out": _folder(args), **how})
    index = make_report(request, console.error, console.report)
    tell(index, console, show)
    return index


def check(args: Namespace) -> None:
    """Raise UserError where the page of a run could not be written, before the run."""
    from benchmark.report.page import PageFiles

    PageFiles(_folder(args), single=False)


def _folder(args: Namespace) -> Path:
    folder: Path = args.results / "report"
    return folder


def tell(index: Path, console: Console, show: bool = False) -> None:
    """Say where the page lies, as an address that a terminal opens; open it where that is asked for."""
    address = index.resolve().as_uri()
    console.remark(f"Open {address}")
    if show:
        import webbrowser

        webbrowser.open(address)


def hint(args: Namespace) -> str:
    """The command that writes and opens the page of a run that is over."""
    words = ["python", "-m", "benchmark", "report", "--open"]
    for name, usual in (("results", own_results()), ("data", own_data())):
        given = getattr(args, name)
        if given != usual:
            words += [f"--{name}", str(given)]
    return f"Look at it: {shlex.join(words)}"
