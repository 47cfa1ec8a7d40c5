"""The generated part of docs/protocols.md: every protocol in words (see benchmark.cli.pages)."""

from __future__ import annotations

import json

from benchmark.protocols import Entry, names, protocol
from benchmark.tables.column import Column
from benchmark.tables.markdown_table import markdown_table


def described() -> str:
    """Every protocol of the project, in Markdown."""
    lines: list[str] = []
    for each in map(protocol, names()):
        trained = f"`{each.train}`, seeds {', '.join(map(str, each.seeds))}"
        trained = f"nothing: the weights of `{each.weights_of}`" if each.weights_of else trained
        lines += [f"### {each.name}", "", f"**{each.title}.** {_prose(each.about)}", ""]
        lines += [f"- trained on {trained}", f"- tested on {', '.join(f'`{test}`' for test in each.tests)}"]
        lines += [f"- other names: {', '.join(each.also)}"] if each.also else []
        lines += [f"- {_prose(each.caution)}"] if each.caution else []
        for tier in () if each.weights_of else each.tiers.values():
            pixels = f" {tier.patch_pixels:,} pixels of patches per step in each stream." if tier.patch_pixels else ""
            lines += ["", f"Tier `{tier.name}`, a training: {tier.budget}.{pixels}", ""]
            lines += markdown_table(COLUMNS, tier.entries)
        lines.append("")
    return "\n".join(lines).strip()


def _settings(entry: Entry) -> str:
    given = {**entry.settings, **entry.restore}
    return ", ".join(f"`{key} = {json.dumps(value)}`" for key, value in given.items())


def _steps(entry: Entry) -> str:
    own = "as set" if "train.steps" in entry.settings else "the recipe's"
    return f"{entry.steps:,}" if entry.steps else own


def _note(entry: Entry) -> str:
    only = f"on `{entry.test}`" if entry.test else ""
    source = f"trained on `{entry.train}`" if entry.train else ""
    untrained = "" if entry.trained else "not trained in this tier"
    return "; ".join(note for note in (entry.label, only, source, untrained, entry.note) if note)


COLUMNS: tuple[Column[Entry], ...] = (
    Column("method", lambda entry: entry.method),
    Column("recipe", lambda entry: entry.recipe),
    Column("settings", _settings),
    Column("steps", _steps),
    Column("note", _note),
)


def _prose(text: str) -> str:
    return " ".join(text.split())
