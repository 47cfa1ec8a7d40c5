"""`run` and `train`: cells and trainings."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.cli import config_file, reporting
from benchmark.cli.engine_options import engine_settings, engines, shard
from benchmark.cli.options import (
    arithmetic,
    code,
    datasets,
    folders,
    hardware,
    inference,
    inference_settings,
    methods,
    minutes,
    model,
    names,
    numbers,
    own_results,
    positive,
    train_settings,
    verb,
    weights,
)
from benchmark.console import Console
from benchmark.planning.embedded import prepare_embedded
from benchmark.progress import Task, numbered
from datasets.core.errors import UserError

if TYPE_CHECKING:
    from benchmark.leaderboard.rows import BoardRow
    from benchmark.planning.plan import Plan
    from benchmark.planning.request import RunRequest
    from benchmark.progress import Report
    from benchmark.runs.config import RunConfig
    from benchmark.runs.engines.jobs import Trained, Untrained
    from benchmark.training import TrainingRequest

_RUNS = (
    "--methods all --dataset demo                    every method on the set that needs no download",
    "--methods r2r --dataset polyu --weights w.pth   the authors' checkpoint on real photographs",
    "--methods r2r,lir --dataset bsd68[sigma=25] --dry-run",
    "--config experiment.toml --dataset demo         options from a file; what stands here wins",
)
_TRAININGS = (
    "--methods r2r --recipe tiny --dataset demo      a minute on a CPU",
    "--methods r2r --dataset demo --minutes 10 --validate demo:validation",
    "--methods dgunet --dataset demo --set train.rate=1e-4 --seeds 0,1,2",
)


_METHODS = "all, or names with commas between them; NAME=FILE for a checkpoint, code (net.py:build) or an archive"


def add(verbs: Any) -> None:
    """Add the verbs to the command line."""
    with verb(verbs, "run", "restore, score and rank: one cell per method and dataset", run, _RUNS) as parser:
        option = parser.add_argument
        methods(parser, _METHODS, default=("all",))
        datasets(parser, "one or several, such as polyu,bsd68[sigma=25] (see: list datasets)", required=True)
        option("--split", metavar="NAME", help="part of the dataset (default: its own)")
        about = "of trainings, a row for each, such as 0,1,2 (default: that of the best weights)"
        option("--seeds", type=numbers, metavar="N,N", help=about)
        about = "auto: find weights, or say how to make them; never: the same; always: train first"
        option("--train", choices=("auto", "never", "always"), default="auto", help=about)
        about = "score under these only (default: all that apply; perceptual ones come beside; see: list conventions)"
        option("--conventions", type=names, default=(), metavar="NAMES", help=about)
        about = "only the first N images; then no figure is comparable (default: all)"
        option("--limit", type=positive, metavar="N", help=about)
        option("--save-images", action="store_true", help="keep the restored images as PNG")
        option("--save-outputs", action="store_true", help="keep the float32 outputs, for `score`")
        option("--force", action="store_true", help="run cells again that are done")
        option("--dry-run", action="store_true", help="print the cells, their weights and minutes; run nothing")
        option("--report", action="store_true", help="also write the page RESULTS/report (see: report)")
        option("--no-baselines", action="store_true", help="without the rows input, blur and nlm")
        about = "only the I-th of N equal parts of the cells (default: all)"
        option("--shard", type=shard, default=(1, 1), metavar="I/N", help=about)
        for group in (_budget, weights, code, inference, folders, hardware, model, engines, config_file.add):
            group(parser)
    parser.set_defaults(parser=parser)
    with verb(verbs, "train", "train a method and leave its weights with their card", train, _TRAININGS) as parser:
        option = parser.add_argument
        methods(parser, "names with commas between them", required=True)
        datasets(parser, "training data (default: the recipe's first)")
        option("--split", metavar="NAME", help="part of the dataset (default: the one for training)")
        about = "score on this while training, such as demo:validation (default: nothing)"
        option("--validate", metavar="DATASET:SPLIT", help=about)
        option("--seeds", type=numbers, default=(0,), metavar="N,N", help="a training for each, such as 0,1,2")
        option("--force", action="store_true", help="train again although the weights are there")
        for group in (_budget, folders, hardware, model, arithmetic, engines):
            group(parser)


def _budget(parser: ArgumentParser) -> None:
    budget = parser.add_mutually_exclusive_group()
    budget.add_argument("--steps", type=positive, metavar="N", help="train for N steps (default: the recipe's)")
    about = "train for about M minutes, turned into steps once (default: the recipe's steps)"
    budget.add_argument("--minutes", type=minutes, metavar="M", help=about)


def request(args: Namespace, report: Report = None) -> RunRequest:
    """What `run` was asked for; weights at addresses are fetched."""
    from benchmark.planning.remote_weights import local
    from benchmark.planning.request import RunRequest

    return RunRequest(
        methods=tuple(local(entry, args.results, report) for entry in args.methods),
        datasets=args.dataset,
        split=args.split,
        recipe=args.recipe,
        weights=local(args.weights, args.results, report),
        seeds=args.seeds,
        train=args.train,
        inference=inference_settings(args),
        training=train_settings(args, force=False),
        limit=args.limit,
        settings=dict(args.set),
        baselines=not args.no_baselines,
        allow_code=args.allow_code,
        timed=not args.dry_run,
        data=args.data,
        results=args.results,
    )


def config(args: Namespace) -> RunConfig:
    """Where and how `run` runs."""
    from benchmark.runs.config import RunConfig
    from benchmark.scoring.perceptual.names import split

    split(args.conventions)
    return RunConfig(
        data=args.data,
        results=args.results,
        device=args.device,
        conventions=args.conventions,
        save_images=args.save_images,
        save_outputs=args.save_outputs,
        force=args.force,
        deterministic=args.deterministic,
        debug=args.debug,
    )


def run(args: Namespace, console: Console) -> int:
    """Run the cells, refresh the leaderboard, print it and what it says; 1 when a cell failed."""
    from benchmark.leaderboard.files import write_leaderboard
    from benchmark.planning.planner import plan
    from benchmark.records.files import read_records
    from benchmark.runs.execute import execute
    from benchmark.runs.expected import seconds_of_cells

    asked, how = request(args, console.report), config(args)
    if args.report:
        reporting.check(args)
    asked.check()  # before `demo` is prepared: a mistyped name or setting must not leave files behind
    if args.save_config:
        config_file.save(args.save_config, args.parser, args)
    prepare_embedded(args.dataset, args.data, console.report, console.say)
    console.report(Task("looking for weights"), 0, 0)
    part, parts = args.shard
    todo = plan(asked)[part - 1 :: parts]
    if args.dry_run:
        code = _dry_run(todo, args.results, console)
        if args.engine == "slurm":
            from benchmark.runs.engines.slurm import sbatch_text

            console.remark(sbatch_text(todo, how, engine_settings(args)))
        return code
    again = args.force or args.save_images or args.save_outputs
    told = numbered(console.report, len(todo), seconds_of_cells(todo, read_records(args.results), again))
    records = execute(todo, how, told, engine=engine_settings(args), say=console.say)
    board = write_leaderboard(args.results, warn=console.error)
    failed = {record.id: record for record in records if record.status == "failed"}
    _show(board, {record.id for record in records}, failed, args, console)
    _advise(records, asked, console)
    for record in failed.values():
        console.error(f"{record.cell.method} on {record.cell.data.name} failed: {record.why}")
    if args.report:
        reporting.write(args, console)
    else:
        console.say(reporting.hint(args))
    return int(bool(failed))


def _show(board: list[BoardRow], ran: set[str], failed: Any, args: Namespace, console: Console) -> None:
    """The table of the cells that ran, what it says, and what to do next."""
    from benchmark.leaderboard.columns import columns_of
    from benchmark.leaderboard.meaning import meaning, next_steps
    from benchmark.leaderboard.render import show_board
    from benchmark.tables.column import plain_values

    rows = [row for row in board if row.record.id in ran]
    show_board(rows, console, told=failed)
    console.emit(plain_values(columns_of(rows), rows))
    places = {(row.record.cell.data.name, row.record.cell.data.split) for row in rows}
    beside = [row for row in board if (row.record.cell.data.name, row.record.cell.data.split) in places]
    where = "" if args.results == own_results() else f" --results {args.results}"
    for sentence in (*meaning(beside, ran), *next_steps(rows, args.results, where)):
        console.say(sentence)


def _advise(records: list[Any], asked: RunRequest, console: Console) -> None:
    """What is odd about outputs, and whose published weights would suit the data."""
    from benchmark.planning.published_weights import hints
    from benchmark.runs.plausibility import SAID
    from datasets import facts, parse_spec

    for record in records:
        if SAID in record.note:
            console.say(f"{record.cell.method} on {record.cell.data.name}: {record.note}.")
    if not asked.weights:
        for spec in asked.datasets:
            for hint in hints(asked.method_names, facts(parse_spec(spec)[0])):
                console.say(hint)


def _dry_run(todo: Plan, results: Path, console: Console) -> int:
    """Print what each cell would do. Minutes are those of the last run of the same row, where there was one.

    The minutes of a missing training stand in its command.
    """
    from benchmark.records.files import read_records
    from benchmark.records.record import DONE
    from benchmark.runs.expected import row_of, seconds_of_rows

    before = read_records(results)
    done = {record.id for record in before if record.status == DONE}
    spent = seconds_of_rows(before)
    rows = []
    for planned in todo:
        cell, blocked = planned.cell, planned.cell.blocked
        seconds = spent.get(row_of(cell))
        if planned.training:
            state = f"to train, then to run: {planned.training.command()}"
        elif blocked:
            state = f"skipped: {blocked.text}" if blocked.skips else blocked.text
        else:
            state = "done" if cell.id in done else "to run"
        shown = "" if seconds is None else f"{seconds / 60:.1f}"
        rows.append((cell.id, cell.method, cell.recipe, cell.data.label, cell.weights, shown, state))
    columns = ("cell", "method", "recipe", "dataset", "weights", "minutes", "state")
    console.table("cells", columns, rows)
    console.emit([dict(zip(columns, row, strict=True)) for row in rows])
    return 0


def train(args: Namespace, console: Console) -> int:
    """Train each method with each seed and name the files that it leaves, the restorer's first; 1 when one failed."""
    from benchmark.runs.engines.jobs import Trained, Untrained

    trainings = [training(args, name, seed) for name in args.methods for seed in args.seeds]
    for each in trainings:
        each.check()  # before `demo` is prepared
    specs = [*(args.dataset or ()), *([args.validate.partition(":")[0]] if args.validate else [])]
    prepare_embedded(specs, args.data, console.report, console.say)
    console.report(Task("starting the training"), 0, 0)
    outcomes = _trained(trainings, args, console)
    written: list[Path] = []
    for outcome in outcomes:
        if isinstance(outcome, Trained):
            paths = dict(outcome.paths)
            written += [paths.pop("restorer"), *paths.values()]
        else:
            console.error(f"Not trained: {outcome.reason.text}")
    console.table("weights", ("file",), [(path,) for path in written])
    console.emit([str(path) for path in written])
    for each, outcome in zip(trainings, outcomes, strict=True):
        if isinstance(outcome, Trained):
            console.say(f"Run with them: python -m benchmark run --methods {each.method} --dataset {_tested(each)}")
    return int(any(isinstance(outcome, Untrained) for outcome in outcomes))


def _trained(requests: list[TrainingRequest], args: Namespace, console: Console) -> Sequence[Trained | Untrained]:
    """Carry trainings out. One alone is carried out here, where nothing says otherwise: it ends as its error says."""
    from benchmark.runs.config import RunConfig
    from benchmark.runs.engines.jobs import Job, Trained
    from benchmark.runs.execute import train_all

    engine = engine_settings(args)
    is_alone = len(requests) == 1 and not Job(0, requests[0]).plugin and engine.engine in ("auto", "here")
    if is_alone and not (engine.isolate or engine.timeout or engine.workers or engine.threads):
        return [Trained(requests[0].run(console.report))]
    config = RunConfig(args.data, args.results, args.device, debug=args.debug)
    return train_all(requests, config, console.report, engine=engine, say=console.say)


def _tested(made: TrainingRequest) -> str:
    """A dataset to run new weights on: that of the training, where it has images of another split."""
    from datasets import facts, parse_spec

    spec, split = made.source
    return spec if facts(parse_spec(spec)[0]).default_split != split else "NAME"


def training(args: Namespace, method: str, seed: int) -> TrainingRequest:
    """What `train` was asked for, of one method and seed."""
    from benchmark.training import TrainingRequest

    if args.dataset and len(args.dataset) > 1:
        raise UserError(f"{method} is trained on one dataset; came {', '.join(args.dataset)}: give --dataset NAME.")
    return TrainingRequest(
        method=method,
        recipe=args.recipe,
        settings=dict(args.set),
        dataset=args.dataset[0] if args.dataset else None,
        split=args.split,
        validation=args.validate or "",
        training=train_settings(args, seed=seed),
        data=args.data,
        results=args.results,
    )
