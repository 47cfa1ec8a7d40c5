"""Pages of the documentation that are made from the code: `python -m benchmark.cli.pages NAME [--check]`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmark.leaderboard import columns as board
from benchmark.leaderboard import convention_table, mixed_boards
from benchmark.leaderboard.markdown_blocks import read_page, with_block
from benchmark.leaderboard.published import read_published
from benchmark.protocols import columns as protocol
from benchmark.protocols import page
from benchmark.protocols.queue import page as queue
from benchmark.records.schema import SCHEMA
from benchmark.tables.column_docs import described
from datasets.core.codec import schema
from datasets.core.errors import UserError
from datasets.core.files import write_bytes
from datasets.core.sealed import CHECKSUM
from methods.weights import Card


def conventions(source: Path | None) -> str:
    """The tables of the conventions, measured on PolyU in the folder `source`. Raises UserError without one."""
    if source is None:
        raise UserError("The table of the conventions is measured on PolyU: give --source, its folder.")
    return convention_table.described(source)


def columns() -> str:
    """The columns of the two tables that are written as CSV."""
    first = described("results/leaderboard.csv", board.COLUMNS)
    return first + "\n\n" + described("results/protocols/NAME.csv", protocol.COLUMNS)


def modules(root: Path) -> str:
    """Every module with the first line of its docstring, package by package, in Markdown."""
    import ast

    lines: list[str] = []
    for package in ("datasets", "methods", "benchmark"):
        folders: dict[Path, list[Path]] = {}
        for path in sorted((root / package).rglob("*.py")):
            folders.setdefault(path.parent, []).append(path)
        for folder, files in sorted(folders.items()):
            lines += ["", f"## {folder.relative_to(root)}/", ""]
            for path in sorted(files, key=lambda each: (each.name != "__init__.py", each.name)):
                text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
                first = text.partition("\n\n")[0].replace("\n", " ")
                if first and path.name == "__init__.py":
                    lines += [first, ""]
                elif first:
                    lines.append(f"- `{path.name}`: {first}")
    return "\n".join(lines).strip()


# Name, which is that of the marks too -> the page and what stands between its marks.
PAGES: dict[str, tuple[Path, Callable[[Path | None], str]]] = {
    "measured": (Path("docs/conventions.md"), conventions),
    "protocols": (Path("docs/protocols.md"), lambda _: page.described()),
    "queue": (Path("docs/reproduce.md"), lambda _: queue.described()),
    "boards": (Path("docs/boards.md"), lambda _: mixed_boards.described(read_published())),
    "columns": (Path("docs/tables.md"), lambda _: columns()),
    "modules": (Path("docs/modules.md"), lambda _: modules(Path(__file__).resolve().parents[2])),
}


def record_schema() -> str:
    """The JSON schema of record.json, as a file for other tools."""
    return json.dumps(SCHEMA, indent=2) + "\n"


def card_schema() -> str:
    """The JSON schema of the card beside a weights file, as a file for other tools."""
    head = {"$schema": SCHEMA["$schema"], "title": "Card of a weights file"}
    found = schema(Card)
    properties = {**found["properties"], CHECKSUM: SCHEMA["properties"][CHECKSUM]}  # earlier cards have none
    return json.dumps({**head, **found, "properties": properties}, indent=2) + "\n"


# Name -> a file that is made whole, and its content.
FILES: dict[str, tuple[Path, Callable[[], str]]] = {
    "record-schema": (Path("benchmark/records/record.schema.json"), record_schema),
    "card-schema": (Path("methods/card.schema.json"), card_schema),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Rewrite a page; with --check, 1 where it would change. 2 for what a person can put right."""
    parser = argparse.ArgumentParser(prog="python -m benchmark.cli.pages", description=__doc__)
    parser.add_argument("name", choices=(*PAGES, *FILES))
    parser.add_argument("--page", type=Path, help="default: the one in the checkout")
    parser.add_argument("--source", type=Path, help="measured: folder of PolyU (CroppedImages, or above it)")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where the page would change")
    args = parser.parse_args(argv)
    target = args.page or {**PAGES, **FILES}[args.name][0]
    try:
        if args.name in FILES:
            before = target.read_text(encoding="utf-8") if target.is_file() else ""
            after = FILES[args.name][1]()
        else:
            before = read_page(target)
            after = with_block(before, args.name, PAGES[args.name][1](args.source))
    except (UserError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    if not args.check:
        write_bytes(target, after.encode())
    return int(args.check and before != after)


if __name__ == "__main__":
    sys.exit(main())
