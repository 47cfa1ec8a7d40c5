"""docs/protocols.md: the part of the page that says what the protocols say, made from them.

``python -m benchmark.protocols.page`` rewrites it; with ``--check`` it says whether it is up to date.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmark.leaderboard_text import table
from benchmark.pages import filled, read
from benchmark.protocols import Entry, Protocol, Tier, names, protocol
from datasets.ops.errors import UserError
from datasets.ops.files import write_bytes

PAGE = Path("docs/protocols.md")
HEAD = ("method", "recipe", "settings", "steps", "note")


def described() -> str:
    """Every protocol of the project, in Markdown."""
    return "\n".join(line for found in map(protocol, names()) for line in _lines(found)).strip()


def _lines(found: Protocol) -> list[str]:
    trained = f"`{found.train}`, seeds {', '.join(map(str, found.seeds))}"
    trained = f"nothing: the weights of `{found.weights_of}`" if found.weights_of else trained
    lines = [f"### {found.name}", "", f"**{found.title}.** {_prose(found.about)}", ""]
    lines += [f"- trained on {trained}", f"- tested on {', '.join(f'`{test}`' for test in found.tests)}"]
    lines += [f"- other names: {', '.join(found.also)}"] if found.also else []
    lines += [f"- {_prose(found.caution)}"] if found.caution else []
    tiers = () if found.weights_of else found.tiers.values()
    return [*lines, "", *(line for tier in tiers for line in _tier(tier))]


def _tier(tier: Tier) -> list[str]:
    pixels = f" {tier.patch_pixels:,} pixels of patches per step in each stream." if tier.patch_pixels else ""
    text = f"Tier `{tier.name}`, a training: {tier.budget}.{pixels}"
    return [text, "", *table(HEAD, [_cells(entry) for entry in tier.entries]), ""]


def _cells(entry: Entry) -> list[str]:
    given = {**entry.settings, **entry.restore}
    settings = ", ".join(f"`{key} = {json.dumps(value)}`" for key, value in given.items())
    own = "as set" if "train.steps" in entry.settings else "the recipe's"
    only = f"on `{entry.test}`" if entry.test else ""
    lent = "" if entry.trained else "not trained in this tier"
    notes = "; ".join(note for note in (entry.label, only, lent, entry.note) if note)
    return [entry.method, entry.recipe, settings, f"{entry.steps:,}" if entry.steps else own, notes]


def _prose(text: str) -> str:
    return " ".join(text.split())


def main(argv: Sequence[str] | None = None) -> int:
    """Fill the page; 1 where ``--check`` finds it out of date, 2 for what a person can put right."""
    parser = argparse.ArgumentParser(prog="benchmark.protocols.page", description=__doc__)
    parser.add_argument("--page", type=Path, default=PAGE)
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args(argv)
    try:
        before = read(args.page)
        after = filled(before, "protocols", described())
    except (UserError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    if args.check:
        return int(before != after)
    write_bytes(args.page, after.encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
