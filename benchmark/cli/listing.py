"""`list`, `cite` and `conformance`: what there is, whom to cite, and whether an adapter keeps the rules."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from typing import Any

from benchmark.cli import weights
from benchmark.cli.options import FROM_FILES, code, folders, names, settings, verb
from benchmark.console import Console
from benchmark.paths import OWN
from datasets.core.errors import UserError

Table = tuple[tuple[str, ...], list[tuple[Any, ...]]]


def add(verbs: Any) -> None:
    """Add the verbs to the command line."""
    text = "list methods, recipes, datasets, conventions, weights, protocols or architectures"
    examples = ("methods            tasks, what training needs, weights at hand, reproduced or not", "datasets --json")
    with verb(verbs, "list", text, show, examples) as parser:
        parser.add_argument("what", choices=tuple(_LISTS), help="what to list")
        folders(parser)
    examples = ("                   everything", "r2r polyu          one method and one dataset")
    with verb(verbs, "cite", "print the BibTeX entries of methods and datasets", cite, examples) as parser:
        about = "methods and datasets; default: all"
        parser.add_argument("names", type=names, nargs="*", default=(), metavar="NAME", help=about)
    text = "check that a method's adapter keeps the rules"
    with verb(verbs, "conformance", text, conform, ("r2r --recipe tiny",)) as parser:
        option = parser.add_argument
        option("name", metavar="NAME", help=FROM_FILES)
        option("--recipe", metavar="NAME", help="default: the method's smallest")
        about = "of code of your own, NAME=net.py:build (default: none)"
        option("--weights", default="", metavar="PATH", help=about)
        code(parser)
        settings(parser)


def show(args: Namespace, console: Console) -> int:
    """Print one of the lists."""
    columns, rows = _LISTS[args.what](args)
    console.table(args.what, columns, rows)
    console.emit([dict(zip(columns, row, strict=True)) for row in rows])
    return 0


def _methods(args: Namespace) -> Table:
    import methods
    from benchmark.leaderboard.reproduced import reproduced
    from methods.recipes import recipes

    rows: list[tuple[Any, ...]] = []
    at_hands = weights.at_hand(args.results)
    for name in methods.names():
        known = recipes(name)
        facts = methods.describe(name, next(iter(known.values()))) if known else None
        tasks, supervision = (", ".join(facts.tasks), facts.supervision) if facts else ("", "")
        at_hand, met = at_hands.get(name, "none"), reproduced(name, args.results)
        rows.append((name, tasks, supervision, at_hand, met, methods.title(name), ", ".join(known)))
    heads = ("name", "tasks", "training needs", "weights at hand", "reproduces the paper?", "title", "recipes")
    return heads, rows


def _recipes(args: Namespace) -> Table:
    import methods
    from methods.recipes import recipes

    known = [recipe for name in methods.names() for recipe in recipes(name).values()]
    rows: list[tuple[Any, ...]] = [(r.method, r.name, r.tier, ", ".join(r.data), r.about) for r in known]
    return ("method", "recipe", "tier", "data", "about"), rows


def _datasets(args: Namespace) -> Table:
    import datasets

    rows: list[tuple[Any, ...]] = []
    for name in datasets.names():
        facts = datasets.facts(name)
        prepared = "yes" if (args.data / name / "manifest.csv").is_file() else "no"
        options = ", ".join(f"{key}={value[0]}" for key, value in facts.options.items())
        rows.append((name, facts.title, facts.task, ", ".join(facts.splits), options, facts.convention, prepared))
    return ("name", "title", "task", "splits", "options", "convention", "prepared"), rows


def _conventions(args: Namespace) -> Table:
    from benchmark.scoring.conventions import CONVENTIONS, ON_REQUEST
    from benchmark.scoring.perceptual.definition import PERCEPTUAL

    rows: list[tuple[Any, ...]] = []
    for convention in (CONVENTIONS | ON_REQUEST).values():
        files = "float outputs" if convention.needs_float else "8-bit files do"
        quantised = convention.psnr_input, convention.ssim_input or "none"
        rows.append((convention.name, *quantised, convention.plane, files, convention.used_by))
    for seen in PERCEPTUAL.values():
        needs = f"its files (fetch {seen.name})"
        plane = "RGB" if seen.channels == (3,) else "y-rounded"
        rows.append((seen.name, "none (a distance)", "none", plane, needs, seen.used_by))
    return ("name", "PSNR on", "SSIM on", "plane", "needs", "used by"), rows


def _protocols(args: Namespace) -> Table:
    from benchmark.protocols import names, protocol

    rows: list[tuple[Any, ...]] = []
    for each in map(protocol, names()):
        title = ", ".join([each.name, *each.also])
        trained = each.train if not each.weights_of else f"nothing (weights of {each.weights_of})"
        rows.append((title, ", ".join(each.tiers), ", ".join(each.tests), trained, each.title))
    return ("protocol", "tiers", "tested on", "trained on", "title"), rows


def _architectures(args: Namespace) -> Table:
    from methods.outside.architectures import table

    return ("name", "package", "licence of its code", "can be a row"), list(table())


_LISTS: dict[str, Callable[[Namespace], Table]] = {
    "methods": _methods,
    "recipes": _recipes,
    "datasets": _datasets,
    "conventions": _conventions,
    "architectures": _architectures,
    "weights": lambda args: (weights.COLUMNS, weights.all_listed(args.results)),
    "protocols": _protocols,
}


def cite(args: Namespace, console: Console) -> int:
    """Print BibTeX: of the named methods and datasets, or of all."""
    import datasets
    import methods

    given = [name for group in args.names for name in group]
    entries = {name: _entry(name) for name in given or [*methods.names(), *datasets.names()]}
    console.emit(entries)
    if not console.as_json:
        print("\n\n".join(dict.fromkeys(text for text in entries.values() if text)), file=console.out)
    for name in [name for name, text in entries.items() if not text]:
        console.say(f"{name} announces no citation.")
    return 0


def _entry(name: str) -> str:
    import datasets
    import methods
    from datasets.core.registry import unknown

    if name in methods.names():
        return methods.paper(name)
    if name in datasets.names():
        return datasets.facts(name).citation.strip()
    raise unknown("method or dataset", name, [*methods.names(), *datasets.names()])


def conform(args: Namespace, console: Console) -> int:
    """Run the conformance suite on one method; 1 when a check fails."""
    from benchmark.conformance import check
    from benchmark.planning.remote_weights import local
    from benchmark.planning.sources import one_method
    from methods.loading import load_from
    from methods.outside.source import as_settings

    named, file = (local(text, OWN, console.report) for text in (args.name, args.weights))
    method, weights = one_method(named, file, args.allow_code)
    if isinstance(method, str):
        if weights or args.set:
            raise UserError("Methods by name are checked untrained, as they are: leave --weights and --set out.")
        outcomes = check(method, args.recipe)
    else:
        outcomes = check(load_from(method, None, weights, as_settings(dict(args.set))).method)
    rows = [(outcome.name, "passed" if outcome.passed else "FAILED", outcome.detail) for outcome in outcomes]
    console.table(f"conformance of {args.name}", ("check", "outcome", "detail"), rows)
    console.emit([{"check": check, "passed": word == "passed", "detail": detail} for check, word, detail in rows])
    return int(any(word == "FAILED" for _, word, _ in rows))
