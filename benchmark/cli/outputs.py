"""`restore`, `score` and `submit`: restored images, where they go and what they are worth."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.cli.options import (
    code,
    datasets,
    folders,
    hardware,
    inference,
    inference_settings,
    level,
    model,
    names,
    one_method,
    one_method_or_none,
    output,
    results,
    verb,
    white,
)
from benchmark.cli.options import weights as weights_option
from benchmark.cli.reporting import tell
from benchmark.console import Console
from benchmark.planning.embedded import prepare_embedded
from datasets.core.errors import UserError

if TYPE_CHECKING:
    import numpy as np

    from benchmark.inference.photos import Outcome
    from benchmark.inference.restorer import Restorer
    from benchmark.inference.submission import Images
    from datasets.base import Dataset


_RESTORES = (
    "photos/ --methods r2r --output restored/",
    "photo.jpg --methods dgunet --output better.png --tile 512    where memory is short",
)
_SCORES = (
    "--folder outputs/ --dataset polyu --name mine      outputs of another program, <sample>.png or .npy",
    "--outputs experiments/runs/CELL --conventions uint8-gauss    of `run --save-outputs`",
)
_SUBMITS = (
    "sidd --methods r2r                     restores the benchmark's blocks and writes the server's CSV",
    "dnd --folder outputs/                  of outputs that are there",
)


def add(verbs: Any) -> None:
    """Add the verbs to the command line."""
    how = (model, weights_option, code, inference, hardware)
    text = "restore one picture, or a folder of them, into PNG files"
    with verb(verbs, "restore", text, restore, _RESTORES) as parser:
        option = parser.add_argument
        option("source", type=Path, metavar="SOURCE", help="a picture or a folder of pictures")
        about = "folder (default ./restored), or one .png"
        output(parser, about, default=Path("restored"))
        about = "of the pictures, on the scale of 0 to 255 (default: unknown)"
        option("--noise-level", type=level, metavar="SIGMA", help=about)
        option("--report", action="store_true", help="also write a page that shows them before and after")
        for group in (one_method, *how, results):
            group(parser)
    text = "score saved outputs, or outputs of another program as a row of their own"
    with verb(verbs, "score", text, score, _SCORES) as parser:
        option = parser.add_argument
        _which_outputs(parser, required=True)
        datasets(parser, "with --folder, which needs it: what was restored (no default)", type=str)
        option("--split", metavar="NAME", help="with --folder: part of the dataset (default: its own)")
        option("--name", metavar="NAME", help="with --folder, which needs it: the row's method (no default)")
        option("--conventions", type=names, default=(), metavar="NAMES", help="default: every one that applies")
        folders(parser)
    text = "write the file that a benchmark's server takes, of a method's outputs or of those that are there"
    with verb(verbs, "submit", text, submit, _SUBMITS) as parser:
        option = parser.add_argument
        option("benchmark", choices=("sidd", "dnd"), help="whose server: sidd or dnd")
        about = "folder (default ./submission)"
        output(parser, about, default=Path("submission"), metavar="DIR")
        option("--format", choices=("csv", "mat"), default="csv", help="of SIDD: today's CSV, or the old .mat")
        _which_outputs(parser, required=False)
        for group in (one_method_or_none, *how, folders):
            group(parser)


def _which_outputs(parser: ArgumentParser, required: bool) -> None:
    """Outputs that are there already: of a run, or of another program."""
    what = parser.add_mutually_exclusive_group(required=required)
    about = "folder of a cell of `run --save-outputs` (no default)"
    what.add_argument("--outputs", type=Path, metavar="RUN", help=about)
    about = "another program's: a folder of <name>.png or .npy, a .mat of blocks or cells, SIDD's .csv (no default)"
    what.add_argument("--folder", type=Path, metavar="PATH", help=about)
    about = "with --folder: of a .mat that holds several (default: the only one)"
    parser.add_argument("--variable", metavar="NAME", help=about)
    about = "with --folder: what white is in outputs of floats, such as 255 (default: 1)"
    parser.add_argument("--range", type=white, metavar="WHITE", help=about)


def restorer(args: Namespace, console: Console) -> Restorer:
    """The method that the options name, ready to restore; without --weights the best that are at hand."""
    from benchmark.environment import device
    from benchmark.inference.restorer import Restorer
    from benchmark.planning.remote_weights import local
    from benchmark.planning.sources import one_method
    from benchmark.planning.weights_search import Wanted, for_pictures
    from methods.loading import load_from
    from methods.outside.source import as_settings

    named, file = (local(text, args.results, console.report) for text in (args.method, args.weights))
    of, weights = one_method(named, file, args.allow_code)
    if isinstance(of, str):
        weights = weights or for_pictures(Wanted(of, args.recipe), args.results)
    console.say(f"Restoring with {weights or args.method}.")
    method = load_from(of, args.recipe, weights, as_settings(dict(args.set))).method
    return Restorer(method, device(args.device), inference_settings(args))


def restore(args: Namespace, console: Console) -> int:
    """Restore pictures; 1 when one of them could not be."""
    from benchmark.inference.photos import left_out, pictures, restore_pictures, targets
    from benchmark.report.photos import photo_page, photo_report

    sources, root = pictures(args.source, args.output), args.source if args.source.is_dir() else None
    targets(sources, args.output, root)
    level = None if args.noise_level is None else args.noise_level / 255
    files = photo_page(args.output) if args.report else None
    tool = restorer(args, console)
    outcome = restore_pictures(tool, sources, args.output, noise_level=level, report=console.report, root=root)
    outcome.notes += left_out(args.source, args.output)
    code = report_pictures(outcome, len(sources), args.output, console)
    if files and outcome.written:
        written = set(outcome.written)
        pairs = [pair for pair in zip(sources, targets(sources, args.output, root), strict=True) if pair[1] in written]
        tell(photo_report(pairs, f"{args.method} {tool.method.recipe.name}", files, console.report), console)
    return code


def report_pictures(outcome: Outcome, total: int, output: Path, console: Console) -> int:
    """Print which of `total` pictures were written and which failed; return the exit code."""
    console.emit({"written": outcome.written, "failed": outcome.failed, "notes": outcome.notes})
    more = f": {outcome.summary()}" if outcome.summary() else ""
    console.say(f"Wrote {len(outcome.written)} of {total} pictures to {output}{more}.")
    for note in outcome.notes:
        console.say(f"  {note}")
    for sentence in outcome.failed:
        console.error(sentence)
    return int(bool(outcome.failed))


def score(args: Namespace, console: Console) -> int:
    """Score outputs and print the row under each convention."""
    from benchmark.leaderboard import perceptual
    from benchmark.leaderboard.columns import COLUMNS, columns_of
    from benchmark.leaderboard.files import write_leaderboard
    from benchmark.leaderboard.rows import board_rows
    from benchmark.leaderboard.standings import names_of
    from benchmark.runs.rescore import rescore, score_foreign
    from benchmark.tables.column import pick, plain_values

    if args.outputs:
        record = rescore(args.outputs, args.data, args.conventions, console.report)
    elif not (args.dataset and args.name):
        raise UserError("Outputs of another program need --dataset (what was restored) and --name (the row's method).")
    else:
        prepare_embedded([args.dataset], args.data, console.report, console.say)
        where = {"data": args.data, "results": args.results, "split": args.split}
        where |= {"variable": args.variable, "white": args.range}
        record = score_foreign(
            args.folder, args.dataset, args.name, **where, conventions=args.conventions, report=console.report
        )
    write_leaderboard(Path(record.folder).resolve().parent.parent)
    rows = board_rows([record])
    title = f"{record.cell.method} on {record.cell.data.label}"
    console.show(title, pick(COLUMNS, "convention psnr ssim n comparable"), rows)
    if record.perceptual:
        console.show("perceptual, lower is better", perceptual.columns(names_of([record])), rows[:1])
    console.emit(plain_values(columns_of(rows), rows))
    if record.note:
        console.say(record.note)
    return 0


def submit(args: Namespace, console: Console) -> int:
    """Restore the benchmark's images, or take outputs that are there, and write what its server takes."""
    from benchmark.inference.submission import submit_dnd, submit_sidd
    from datasets import open_dataset

    data = open_dataset(args.benchmark, args.data, split="benchmark" if args.benchmark == "sidd" else None)
    images = _made(args, data, console) if args.folder or args.outputs else _restored(args, data, console)
    if args.benchmark == "sidd":
        written = [submit_sidd(images, args.output, args.format)]
    else:
        written = submit_dnd(images, data, args.output)
    for sentence in images.remarks():
        console.say(sentence)
    if args.benchmark == "sidd" and args.format == "mat" and images.seconds() is None:
        console.say("How long restoring took is not known: TimeMPSrgb is 0.")
    console.table("submission", ("file",), [(path,) for path in written])
    console.emit([str(path) for path in written])
    return 0


def _restored(args: Namespace, data: Dataset, console: Console) -> Images:
    from benchmark.inference.submission import restored_by

    if not args.method:
        raise UserError(
            "Name the method whose outputs are submitted (--methods NAME), or outputs that are there: --folder PATH, "
            "or --outputs RUN."
        )
    return restored_by(restorer(args, console), data, console.report)


def _made(args: Namespace, data: Dataset, console: Console) -> Images:
    """Outputs that are there: of a run that kept them, or of other origin. Each is checked."""
    from benchmark.inference.submission import Images
    from benchmark.runs.external import open_foreign
    from benchmark.runs.outputs import check_saved
    from benchmark.runs.outputs import names as names_of
    from benchmark.runs.plausibility import doubt, look_at

    if args.method:
        raise UserError("Give --methods, to restore, or --folder or --outputs, to submit what is restored; not both.")
    if args.outputs:
        check_saved(args.outputs, data)
    folder = args.folder or args.outputs / "outputs"
    foreign, looks, seen = open_foreign(folder, names_of(data), args.variable, args.range), [], []

    def images() -> Iterator[np.ndarray]:
        for done, (sample, restored) in enumerate(foreign.of(data), 1):
            looks.append(look_at(sample, restored))
            seen.append(sample.name)
            console.report("reading", done, len(data))
            yield restored

    def remarks() -> list[str]:
        sentence = doubt(looks, seen)
        return [f"Look at these outputs before you send them: {sentence}."] if sentence else []

    return Images(images(), lambda: None, remarks)
