"""`weights`: import a published checkpoint, verify files against their cards, list what there is."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmark.cli.options import folders, verb
from benchmark.console import Console
from benchmark.paths import shipped

COLUMNS = ("method", "recipe", "role", "trained on", "steps", "seed", "licence", "file")


def add(verbs: Any) -> None:
    """Add the verb to the command line."""
    verb(verbs, "weights", "import, verify or list weights", run, _options, folders)


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("action", choices=("import", "verify", "list"))
    parser.add_argument(
        "path",
        type=Path,
        nargs="*",
        metavar="PATH",
        help="import: a checkpoint (or several, with a network each), or the name of one that is downloaded "
        "(r2r-sidd-weights); verify: the files",
    )
    parser.add_argument("--methods", "--method", dest="method", metavar="NAME", help="import: whose weights they are")
    parser.add_argument("--recipe", help="import: where several recipes fit")


def run(args: Namespace, console: Console) -> int:
    """One of the three actions."""
    return {"import": _import, "verify": _verify, "list": _list}[args.action](args, console)


def files(results: Path) -> Iterator[Path]:
    """Weights files that come with the project and those under a results folder, each once."""
    seen = set()
    for root in (shipped("weights"), results / "weights"):
        for path in sorted(root.rglob("*.safetensors")) if root.is_dir() else ():
            if path.resolve() not in seen:
                seen.add(path.resolve())
                yield path


def found(results: Path) -> list[tuple[Any, ...]]:
    """A line of COLUMNS per weights file."""
    from methods.weights import read_card

    lines: list[tuple[Any, ...]] = []
    for path in files(results):
        card = read_card(path)
        if card is None:
            lines.append(("unknown: no card", "", "", "", "", "", "", path))
        else:
            lines.append(
                (card.method, card.recipe, card.role, card.train_data, card.steps, card.seed, card.train_licence, path)
            )
    return lines


def _list(args: Namespace, console: Console) -> int:
    lines = found(args.results)
    console.table("weights", COLUMNS, lines)
    console.emit([dict(zip(COLUMNS, line, strict=True)) for line in lines])
    return 0


def _verify(args: Namespace, console: Console) -> int:
    """Hashes against cards; 1 when one does not hold."""
    from datasets.ops.errors import UserError
    from methods.weights import read_weights

    lines = []
    for path in args.path or files(args.results):
        try:
            weights = read_weights(path)
            lines.append((str(path), "ok" if weights.card else "no card", weights.sha256))
        except UserError as error:
            lines.append((str(path), f"BROKEN: {error}", ""))
    console.table("weights", ("file", "state", "sha256"), lines)
    console.emit([{"file": path, "state": state, "sha256": sha256} for path, state, sha256 in lines])
    return int(any(state.startswith("BROKEN") for _, state, _ in lines))


def _import(args: Namespace, console: Console) -> int:
    """Turn a checkpoint, of one file or several, into .safetensors with a card under the results folder."""
    from datasets.ops.errors import UserError
    from methods.loading import load_from
    from methods.recipes import settings_of
    from methods.weights import Card, save_weights

    if not args.path or not args.method:
        raise UserError("Importing needs the file and its method: weights import PATH --methods NAME.")
    paths = [_local(path, args.results, console) for path in args.path]
    loaded = load_from(args.method, args.recipe, paths)
    recipe, origin = loaded.method.recipe, loaded.weights
    assert origin is not None  # a path was given
    if origin.card:
        raise UserError(
            f"{paths[0]} has its card already: copy both files to {args.results / 'weights' / args.method}."
        )
    card = Card(
        method=args.method,
        recipe=recipe.name,
        recipe_digest=recipe.digest,
        recipe_settings=settings_of(recipe),
        code_version=loaded.method.version,
        source=f"{' and '.join(path.name for path in paths)}, sha256 {origin.sha256}",
        note=loaded.note,
    )
    target = args.results / "weights" / args.method / f"{recipe.name}-{paths[0].stem}.safetensors"
    # what is not needed to restore, such as MSSR's generators, comes from a training alone
    save_weights(target, loaded.method.roles()["restorer"].state_dict(), card)
    console.table("weights", ("file", "recipe", "note"), [(target, recipe.name, loaded.note)])
    console.emit({"file": str(target), "recipe": recipe.name, "note": loaded.note})
    return 0


def _local(path: Path, results: Path, console: Console) -> Path:
    """The file, after downloading it where the name of a known source is given; its hash is checked."""
    from datasets.sources import SOURCES, download

    if path.exists() or str(path) not in SOURCES:
        return path
    return download(str(path), results / "downloads" / path, report=console.report)[0]
