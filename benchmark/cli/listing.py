"""`list`, `cite` and `conformance`: what there is, whom to cite, and whether an adapter keeps the rules."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from typing import Any

from benchmark.cli.options import folders, names, verb
from benchmark.console import Console

Table = tuple[tuple[str, ...], list[tuple[Any, ...]]]


def add(verbs: Any) -> None:
    """Add the verbs to the command line."""
    verb(verbs, "list", "list methods, recipes, datasets, conventions or weights", show, _list_options, folders)
    verb(verbs, "cite", "print the BibTeX entries of methods and datasets", cite, _cite_options)
    verb(verbs, "conformance", "check that a method's adapter keeps the rules", conform, _conformance_options)


def _list_options(parser: ArgumentParser) -> None:
    parser.add_argument("what", choices=tuple(_LISTS))


def _cite_options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "names", type=names, nargs="*", default=(), metavar="NAME", help="methods and datasets; default: all"
    )


def _conformance_options(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="a method, such as r2r or a plug-in's")
    parser.add_argument("--recipe", help="default: the method's smallest")


def show(args: Namespace, console: Console) -> int:
    """Print one of the lists."""
    columns, rows = _LISTS[args.what](args)
    console.table(args.what, columns, rows)
    console.emit([dict(zip(columns, row, strict=True)) for row in rows])
    return 0


def _methods(args: Namespace) -> Table:
    import methods
    from methods.recipes import recipes

    rows: list[tuple[Any, ...]] = []
    for name in methods.names():
        cls = methods.get(name)
        first = next(iter(recipes(cls).values()), None)
        facts = cls(first).facts if first else None
        tasks = ", ".join(facts.tasks) if facts else ""
        rows.append((name, cls.title or name, tasks, facts.supervision if facts else "", ", ".join(recipes(cls))))
    return ("name", "title", "tasks", "training needs", "recipes"), rows


def _recipes(args: Namespace) -> Table:
    import methods
    from methods.recipes import recipes

    found = [recipe for name in methods.names() for recipe in recipes(methods.get(name)).values()]
    rows: list[tuple[Any, ...]] = [(r.method, r.name, r.tier, ", ".join(r.data), r.about) for r in found]
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

    rows: list[tuple[Any, ...]] = []
    for convention in (CONVENTIONS | ON_REQUEST).values():
        files = "float outputs" if convention.needs_float else "8-bit files do"
        quantised = convention.psnr_input, convention.ssim_input or "none"
        rows.append((convention.name, *quantised, convention.plane, files, convention.used_by))
    return ("name", "PSNR on", "SSIM on", "plane", "needs", "used by"), rows


def _protocols(args: Namespace) -> Table:
    from benchmark.protocols import names, protocol

    rows: list[tuple[Any, ...]] = []
    for found in map(protocol, names()):
        title = ", ".join([found.name, *found.also])
        trained = found.train if not found.weights_of else f"nothing (weights of {found.weights_of})"
        rows.append((title, ", ".join(found.tiers), ", ".join(found.tests), trained, found.title))
    return ("protocol", "tiers", "tested on", "trained on", "title"), rows


def _weights(args: Namespace) -> Table:
    from benchmark.cli.weights import COLUMNS, found

    return COLUMNS, found(args.results)


_LISTS: dict[str, Callable[[Namespace], Table]] = {
    "methods": _methods,
    "recipes": _recipes,
    "datasets": _datasets,
    "conventions": _conventions,
    "weights": _weights,
    "protocols": _protocols,
}


def cite(args: Namespace, console: Console) -> int:
    """Print BibTeX: of the named methods and datasets, or of all."""
    wanted = [name for group in args.names for name in group]
    entries = {name: _entry(name) for name in wanted} if wanted else _all_entries()
    console.emit(entries)
    if not console.as_json:
        print("\n\n".join(dict.fromkeys(text for text in entries.values() if text)), file=console.out)
    for name in [name for name, text in entries.items() if not text]:
        console.say(f"{name} announces no citation.")
    return 0


def _all_entries() -> dict[str, str]:
    import datasets
    import methods

    return {name: _entry(name) for name in [*methods.names(), *datasets.names()]}


def _entry(name: str) -> str:
    import datasets
    import methods
    from datasets.ops.names import unknown

    if name in methods.names():
        return methods.get(name).paper.strip()
    if name in datasets.names():
        return datasets.facts(name).citation.strip()
    raise unknown("method or dataset", name, [*methods.names(), *datasets.names()])


def conform(args: Namespace, console: Console) -> int:
    """Run the conformance suite on one method; 1 when a check fails."""
    from benchmark.conformance import check

    outcomes = check(args.name, args.recipe)
    rows = [(outcome.name, "passed" if outcome.passed else "FAILED", outcome.detail) for outcome in outcomes]
    console.table(f"conformance of {args.name}", ("check", "outcome", "detail"), rows)
    console.emit([{"check": check, "passed": word == "passed", "detail": detail} for check, word, detail in rows])
    return int(any(word == "FAILED" for _, word, _ in rows))
