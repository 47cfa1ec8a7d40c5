"""`weights`: import a published checkpoint, verify files against their cards, list what there is."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmark.cli.options import folders, verb
from benchmark.console import Console
from benchmark.paths import shipped

COLUMNS = ("method", "recipe", "role", "trained on", "steps", "seed", "licence", "size", "file")


def add(verbs: Any) -> None:
    """Add the verb to the command line."""
    examples = (
        "list                                       what is shipped, and what was trained here",
        "import pre_trained.pth --methods r2r       a checkpoint as its authors published it",
        "verify                                     hashes against cards",
    )
    with verb(verbs, "weights", "import, verify or list weights", run, examples) as parser:
        option = parser.add_argument
        option("action", choices=("import", "verify", "list"), help="what to do with weights")
        about = (
            "import: a checkpoint (or several, with a network each), or the name of one that is downloaded "
            "(r2r-sidd-weights); verify: the files (default: all that are here)"
        )
        option("path", type=Path, nargs="*", metavar="PATH", help=about)
        about = "import, which needs it: whose they are (no default)"
        option("--methods", "--method", dest="method", metavar="NAME", help=about)
        option("--recipe", metavar="NAME", help="import: where several recipes fit (default: the one that fits)")
        folders(parser)


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


def at_hand(results: Path) -> dict[str, str]:
    """Method -> what its restorers that are here were trained on, such as ``demo, polyu``; read from their cards."""
    from datasets.core.errors import UserError
    from methods.cards import read_card

    found: dict[str, list[str]] = {}
    for path in files(results):
        try:
            card = read_card(path)
        except UserError:  # `list weights` names it
            continue
        if card is not None and card.role == "restorer":
            found.setdefault(card.method, []).extend(ref.name for ref in card.train_data)
    return {method: ", ".join(sorted(set(names))) for method, names in found.items()}


def listed(results: Path) -> list[tuple[Any, ...]]:
    """A line of COLUMNS per weights file; what is wrong with its card stands in the first one."""
    from datasets.core.errors import UserError
    from methods.cards import read_card

    lines: list[tuple[Any, ...]] = []
    for path in files(results):
        try:
            card = read_card(path)
        except UserError as error:
            lines.append((f"BROKEN: {error}", "", "", "", "", "", "", _size(path), path))
            continue
        if card is None:
            lines.append(("unknown: no card", "", "", "", "", "", "", _size(path), path))
        else:
            made = card.method, card.recipe, card.role, card.trained_on, card.steps, card.seed, card.train_licence
            lines.append((*made, _size(path), path))
    return lines


def all_listed(results: Path) -> list[tuple[Any, ...]]:
    """The lines of `listed`, then what can be fetched: authors' weights and feature networks, there or not."""
    from benchmark.planning.gathering import fetchable

    lines = listed(results)
    for each in fetchable(results):
        where = str(each.path) if each.path else f"not here: python -m benchmark fetch {each.command}"
        lines.append((each.method, each.recipe, each.role, "", "", "", each.licence, _bytes(each.size), where))
    return lines


def _size(path: Path) -> str:
    return _bytes(path.stat().st_size)


def _bytes(size: int) -> str:
    return "" if not size else f"{size / 1e6:.2f} MB" if size >= 10_000 else f"{size} B"


def _list(args: Namespace, console: Console) -> int:
    lines = all_listed(args.results)
    console.table("weights", COLUMNS, lines)
    console.emit([dict(zip(COLUMNS, line, strict=True)) for line in lines])
    return 0


def _verify(args: Namespace, console: Console) -> int:
    """Hashes against cards; 1 when one does not hold."""
    from datasets.core.errors import UserError
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
    from datasets.core.errors import UserError
    from datasets.sources import SOURCES, download
    from methods.importing import import_weights

    if not args.path or not args.method:
        raise UserError("Importing needs the file and its method: weights import PATH --methods NAME.")
    paths = []
    for path in args.path:
        if not path.exists() and str(path) in SOURCES:  # the name of a known source: downloaded, its hash is checked
            path = download(str(path), args.results / "downloads" / path, report=console.report)[0]
        paths.append(path)
    target, card = import_weights(args.method, args.recipe, paths, args.results / "weights" / args.method)
    console.table("weights", ("file", "recipe", "note"), [(target, card.recipe, card.note)])
    console.emit({"file": str(target), "recipe": card.recipe, "note": card.note})
    return 0
