"""`restore`, `score` and `submit`: restored images, where they go and what they are worth."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.cli.options import folders, hardware, inference, model, names, one_method, verb
from benchmark.console import Console

if TYPE_CHECKING:
    from benchmark.photographs import Outcome
    from benchmark.restoring import Restorer


def add(verbs: Any) -> None:
    """Add the verbs to the command line."""
    method = (one_method, model, inference, hardware)
    verb(
        verbs, "restore", "restore one picture, or a folder of them, into PNG files", restore, _restore_options, *method
    )
    verb(
        verbs, "score", "score saved outputs, or somebody else's as a row of their own", score, _score_options, folders
    )
    verb(verbs, "submit", "write the file that a benchmark's server takes", submit, _submit_options, *method, folders)


def _restore_options(parser: ArgumentParser) -> None:
    parser.add_argument("source", type=Path, metavar="SOURCE", help="a picture or a folder of pictures")
    parser.add_argument(
        "--output", type=Path, default=Path("restored"), help="folder (default ./restored), or one .png"
    )
    parser.add_argument("--noise-level", type=float, metavar="SIGMA", help="of the pictures, on the scale of 0 to 255")


def _score_options(parser: ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--outputs", type=Path, metavar="RUN", help="results/runs/<cell> of `run --save-outputs`")
    what.add_argument("--folder", type=Path, metavar="PATH", help="a folder of PNG or .npy, or a .mat, of other origin")
    parser.add_argument("--dataset", help="with --folder: what the outputs were restored from")
    parser.add_argument("--split", help="with --folder: default the dataset's own")
    parser.add_argument("--name", help="with --folder: the row's method")
    parser.add_argument("--conventions", type=names, default=(), help="default: every one that applies")


def _submit_options(parser: ArgumentParser) -> None:
    parser.add_argument("benchmark", choices=("sidd", "dnd"))
    parser.add_argument("--output", type=Path, default=Path("submission"), help="folder (default ./submission)")
    parser.add_argument("--format", choices=("csv", "mat"), default="csv", help="of SIDD: today's CSV, or the old .mat")


def restorer(args: Namespace, console: Console) -> Restorer:
    """The method that the options name, ready to restore; without --weights the best that are at hand."""
    import methods
    from benchmark.environment import device
    from benchmark.finding import for_pictures
    from benchmark.restoring import Restorer

    cls = methods.get(args.method)
    weights = args.weights or for_pictures(cls, args.recipe, getattr(args, "results", Path("results")))
    console.say(f"Restoring with {weights}.")
    method = methods.load(args.method, args.recipe, weights, settings=dict(args.set))
    return Restorer(method, device(args.device), args.precision, args.tf32, args.tile, args.self_ensemble)


def restore(args: Namespace, console: Console) -> int:
    """Restore pictures; 1 when one of them could not be."""
    from benchmark.photographs import pictures, restore_pictures, targets

    sources = pictures(args.source)
    targets(sources, args.output)
    level = None if args.noise_level is None else args.noise_level / 255
    outcome = restore_pictures(restorer(args, console), sources, args.output, noise_level=level, report=console.report)
    return told(outcome, len(sources), args.output, console)


def told(outcome: Outcome, wanted: int, output: Path, console: Console) -> int:
    """Print what became of pictures; the exit code."""
    console.emit({"written": outcome.written, "failed": outcome.failed})
    console.say(f"Wrote {len(outcome.written)} of {wanted} pictures to {output}.")
    for sentence in outcome.failed:
        console.error(sentence)
    return int(bool(outcome.failed))


def score(args: Namespace, console: Console) -> int:
    """Score outputs and print the row under each convention."""
    from benchmark import leaderboard
    from benchmark.leaderboard_text import figure
    from benchmark.rescoring import rescore, score_foreign
    from datasets.ops.errors import UserError

    if args.outputs:
        record = rescore(args.outputs, args.data, args.conventions, console.report)
    elif not (args.dataset and args.name):
        raise UserError("Outputs of other origin need --dataset (what was restored) and --name (the row's method).")
    else:
        where = {"data": args.data, "results": args.results, "split": args.split}
        record = score_foreign(
            args.folder, args.dataset, args.name, **where, conventions=args.conventions, report=console.report
        )
    leaderboard.write(Path(record.folder).resolve().parent.parent)
    rows = leaderboard.rows([record])
    lines = [(row["convention"], figure(row, "psnr"), figure(row, "ssim"), row["n"], row["comparable"]) for row in rows]
    title = f"{record.method} on {record.dataset} {record.split}"
    console.table(title, ("convention", "PSNR", "SSIM", "n", "comparable"), lines)
    console.emit(rows)
    if record.note:
        console.say(record.note)
    return 0


def submit(args: Namespace, console: Console) -> int:
    """Restore the benchmark's images and write what its server takes."""
    from benchmark.submitting import submit_dnd, submit_sidd
    from datasets import open_dataset

    data = open_dataset(args.benchmark, args.data, split="benchmark" if args.benchmark == "sidd" else None)
    tool = restorer(args, console)
    if args.benchmark == "sidd":
        written = [submit_sidd(tool, data, args.output, args.format, console.report)]
    else:
        written = submit_dnd(tool, data, args.output, console.report)
    console.table("submission", ("file",), [(path,) for path in written])
    console.emit([str(path) for path in written])
    return 0
