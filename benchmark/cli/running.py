"""`run` and `train`: cells and trainings."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.cli.data import prepare_embedded
from benchmark.cli.options import folders, hardware, inference, minutes, model, names, numbers, positive, verb
from benchmark.console import Console

if TYPE_CHECKING:
    from benchmark.cell import Cell, Context
    from benchmark.grid import Selection
    from benchmark.records import Record


def add(verbs: Any) -> None:
    """Add the verbs to the command line."""
    shared = (folders, hardware, model)
    verb(
        verbs, "run", "restore, score and rank: one cell per method and dataset", run, _run_options, inference, *shared
    )
    verb(verbs, "train", "train a method and leave its weights with their card", train, _train_options, *shared)


def _budget(parser: ArgumentParser) -> None:
    budget = parser.add_mutually_exclusive_group()
    budget.add_argument("--steps", type=positive, metavar="N", help="train for N steps")
    budget.add_argument(
        "--minutes", type=minutes, metavar="M", help="train for about M minutes (turned into steps once)"
    )


def _run_options(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("--methods", type=names, default=("all",), help="all, or names with commas between them")
    add("--dataset", type=names, required=True, help="one or several, such as polyu,bsd68[sigma=25]")
    add("--split", help="default: each dataset's own")
    add("--seeds", type=numbers, default=(0,), help="of trainings, a row for each, such as 0,1,2")
    add(
        "--train",
        choices=("auto", "never", "always"),
        default="auto",
        help="auto: find weights, or say how to make them",
    )
    add("--conventions", type=names, default=(), help="score under these only (default: all)")
    add("--limit", type=positive, metavar="N", help="only the first N images (then no figure is comparable)")
    add("--grey-as-rgb", action="store_true", help="give grey images to methods that take RGB only")
    add("--save-images", action="store_true", help="keep the restored images as PNG")
    add("--save-outputs", action="store_true", help="keep the float32 outputs, for `score`")
    add("--force", action="store_true", help="run cells again that are done")
    add("--dry-run", action="store_true", help="print the cells, their weights and minutes; run nothing")
    add(
        "--engine",
        choices=("auto", "here", "gpus", "ray"),
        default="auto",
        help="one process, one per GPU, or a cluster",
    )
    _budget(parser)


def _train_options(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("--methods", type=names, required=True, help="names with commas between them")
    add("--dataset", type=names, help="training data (default: the recipe's first)")
    add("--split", help="default: the dataset's training split")
    add("--validate", metavar="DATASET:SPLIT", help="score on this while training, such as demo:validation")
    add("--seeds", type=numbers, default=(0,), help="a training for each, such as 0,1,2")
    add("--force", action="store_true", help="train again although the weights are there")
    _budget(parser)


def selection(args: Namespace) -> Selection:
    """What `run` was asked for."""
    from benchmark.grid import Selection

    return Selection(
        methods=args.methods,
        datasets=args.dataset,
        split=args.split,
        recipe=args.recipe,
        weights=args.weights,
        seeds=args.seeds,
        train=args.train,
        steps=args.steps,
        minutes=args.minutes,
        dry_run=args.dry_run,
        limit=args.limit,
        ensemble=args.self_ensemble,
        tile=args.tile,
        precision=args.precision,
        tf32=args.tf32,
        grey_as_rgb=args.grey_as_rgb,
        settings=dict(args.set),
        data=args.data,
        results=args.results,
        device=args.device,
        deterministic=args.deterministic,
    )


def context(args: Namespace) -> Context:
    """Where and how `run` runs."""
    from benchmark.cell import Context
    from benchmark.scoring.conventions import convention

    for name in args.conventions:
        convention(name)
    return Context(
        data=args.data,
        results=args.results,
        device=args.device,
        conventions=args.conventions,
        save_images=args.save_images,
        save_outputs=args.save_outputs,
        force=args.force,
        deterministic=args.deterministic,
    )


def run(args: Namespace, console: Console) -> int:
    """Run the cells, refresh the leaderboard, print it; 1 when a cell failed."""
    from benchmark import leaderboard
    from benchmark.engines import run as run_cells
    from benchmark.grid import cells, check
    from benchmark.leaderboard_text import show

    wanted, how = selection(args), context(args)
    check(wanted)
    prepare_embedded(args.dataset, args.data, console)
    todo = list(cells(wanted, console.report))
    if args.dry_run:
        return _dry_run(todo, args.results, console)
    records = run_cells(todo, how, console.report, args.engine)
    board = leaderboard.write(args.results, warn=console.error)
    mine = {f"runs/{record.cell}" for record in records}
    rows = [row for row in board if row["record"] in mine]
    show(rows, console)
    console.emit(rows)
    console.say(f"Wrote {args.results / 'leaderboard.md'} and {args.results / 'leaderboard.csv'}.")
    return _failures(records, console)


def _failures(records: Sequence[Record], console: Console) -> int:
    failed = [record for record in records if record.status == "failed"]
    for record in failed:
        console.error(f"{record.method} on {record.dataset} failed: {record.reason}")
    return int(bool(failed))


def _dry_run(todo: Sequence[Cell], results: Path, console: Console) -> int:
    """Minutes are those of the last run of the same row, where there was one; a missing training's are in its state."""
    from benchmark.records import DONE, read_records

    before = read_records(results)
    done = {record.cell for record in before if record.status == DONE}
    spent = {(r.method, r.recipe, r.dataset, r.split): r.seconds / 60 for r in before if r.status == DONE}
    rows = []
    for cell in todo:
        minutes = spent.get((cell.method, cell.recipe, cell.dataset, cell.split))
        state = "skipped: " + cell.skip if cell.skip else cell.missing or ("done" if cell.id in done else "to run")
        shown = "" if minutes is None else f"{minutes:.1f}"
        rows.append((cell.id, cell.method, cell.recipe, f"{cell.dataset} {cell.split}", cell.weights, shown, state))
    columns = ("cell", "method", "recipe", "dataset", "weights", "minutes", "state")
    console.table("cells", columns, rows)
    console.emit([dict(zip(columns, row, strict=True)) for row in rows])
    return 0


def train(args: Namespace, console: Console) -> int:
    """Train each method with each seed and name the files that it leaves."""
    from benchmark.training import train_named

    prepare_embedded(args.dataset or (), args.data, console)
    written: list[Path] = []
    for name in args.methods:
        for seed in args.seeds:
            written += train_named(name, seed, args, console.report)
    console.table("weights", ("file",), [(path,) for path in written])
    console.emit([str(path) for path in written])
    return 0
