"""A card per method: its paper, what its training needs, its weights, and in what it is not the paper's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import methods
from benchmark.inference.baselines import baseline
from benchmark.leaderboard.rows import not_the_papers
from benchmark.planning.published_weights import is_published
from benchmark.planning.published_weights import remark as terms_of
from benchmark.planning.weights_search import candidates
from benchmark.records.record import Record
from benchmark.report.command import shown_path
from datasets.core.errors import UserError
from datasets.sources import SOURCES, hashes
from methods.recipes import recipe as read_recipe
from methods.registry import METHODS

BASELINE = "no training"
_FIELD = re.compile(r"^\s*(\w+)\s*=\s*[{\"](.*?)[}\"],?\s*$", re.MULTILINE | re.DOTALL)
_ENTRY = re.compile(r"^@(?!comment)\w+\{", re.MULTILINE | re.IGNORECASE)
_DIFFERENCES = re.compile(r"^## ((?:Where|What is followed|What could not|What the authors).*)$", re.MULTILINE)


def supervision(record: Record) -> str:
    """What training the record's method needs: paired, unpaired or degraded; '' where the method is not known here."""
    cell = record.cell
    if cell.is_baseline:
        return BASELINE
    if cell.method not in methods.names():
        return ""
    try:
        return methods.describe(cell.method, read_recipe(cell.method, cell.recipe, dict(cell.settings))).supervision
    except UserError:
        return ""


def cards(records: Iterable[Record], results: Path) -> list[dict[str, Any]]:
    """The cards of the records' methods, in their order."""
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(record.cell.method, []).append(record)
    return [_card(name, group, results) for name, group in groups.items()]


def _card(name: str, group: list[Record], results: Path) -> dict[str, Any]:
    card: dict[str, Any] = {"name": name, "title": name, "papers": [], "weights": [], "differences": [], "about": ""}
    card["tasks"] = list(dict.fromkeys(record.cell.task for record in group if record.cell.task))
    card["supervision"] = list(dict.fromkeys(filter(None, map(supervision, group))))
    card["recipes"] = list(dict.fromkeys(record.cell.recipe for record in group if record.cell.recipe))
    card["reasons"] = list(dict.fromkeys(filter(None, map(not_the_papers, group))))
    if group[0].cell.is_baseline:
        return card | {"about": (baseline(name).__doc__ or "").partition("\n")[0]}
    if name not in methods.names():
        return card | {"about": "Its outputs were made by another program."}
    card |= {"title": methods.title(name), "papers": papers(methods.paper(name)), "bibtex": methods.paper(name)}
    described = METHODS.description(name)
    if described:
        readme = described.folder / "README.md"
        card["differences"] = differences(readme.read_text(encoding="utf-8")) if readme.is_file() else []
    card["weights"] = list(_weights(name, group, results))
    return card


def papers(bibtex: str) -> list[dict[str, str]]:
    """Title, authors, year, venue and link of each entry of a BibTeX text."""
    starts = [match.start() for match in _ENTRY.finditer(bibtex)]
    found = []
    for a, b in pairwise([*starts, len(bibtex)]):
        fields = {
            key.lower(): " ".join(re.sub(r"[{}]", "", value).replace("--", "-").split())
            for key, value in _FIELD.findall(bibtex[a:b])
        }
        found.append(_paper(fields))
    return found


def _paper(fields: dict[str, str]) -> dict[str, str]:
    link = fields.get("url", "")
    if fields.get("doi"):
        link = f"https://doi.org/{fields['doi']}"
    elif fields.get("eprint") and not link:
        link = f"https://arxiv.org/abs/{fields['eprint']}"
    venue = fields.get("booktitle") or fields.get("journal") or fields.get("howpublished", "")
    names = [re.sub(r"(.*), (.*)", r"\2 \1", name) for name in fields.get("author", "").split(" and ")]
    known = {"title": fields.get("title", ""), "authors": ", ".join(names), "year": fields.get("year", "")}
    return {**known, "venue": venue, "link": link if link.startswith("https://") else ""}


def differences(readme: str) -> list[dict[str, Any]]:
    """The sections of a method's README on where it differs from paper and code: heading, and blocks of text.

    A block is a paragraph (``text``), an item (``item``) or a line of a table (``cells``).
    """
    found = []
    for match in _DIFFERENCES.finditer(readme):
        body = re.split(r"^## ", readme[match.end() :], maxsplit=1, flags=re.MULTILINE)[0]
        found.append({"heading": match[1], "blocks": list(_blocks(body))})
    return found


def _blocks(body: str) -> Iterator[dict[str, Any]]:
    for chunk in re.split(r"\n\s*\n|\n(?=[-*] |\|)", body.strip()):
        text = " ".join(chunk.split())
        if text.startswith("|"):
            cells = [_words(cell) for cell in re.split(r"(?<!\\)\|", text.strip("|"))]
            if not all(set(cell) <= set("-: ") for cell in cells):
                yield {"cells": cells}
        elif text.startswith(("- ", "* ")):
            yield {"item": _words(text[2:])}
        elif text:
            yield {"text": _words(text)}


def _words(markdown: str) -> str:
    """Markdown as plain words: links by their text, code and emphasis without their marks."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", markdown.strip())
    return text.replace("`", "").replace("**", "").replace("\\|", "|")


def _weights(name: str, group: list[Record], results: Path) -> Iterator[dict[str, Any]]:
    """The weights that the records name, with what their cards say where the files are here."""
    known = {candidate.card.sha256: candidate for candidate in candidates(name, results)}
    files = {candidate.path.name: candidate for candidate in known.values()}
    seen = set()
    for record in group:
        cell = record.cell
        if not cell.weights or (cell.weights, cell.weights_sha256) in seen:
            continue
        seen.add((cell.weights, cell.weights_sha256))
        value: dict[str, Any] = {"file": cell.weights, "sha256": cell.weights_sha256, "licence": "", "facts": []}
        found = known.get(cell.weights_sha256) or (None if cell.weights_sha256 else files.get(cell.weights))
        if found:
            card = found.card
            value |= {"file": shown_path(found.path), "sha256": card.sha256, "licence": card.train_licence}
            trained = f"{card.steps:,} steps on {card.trained_on}" if card.steps else ""
            value["facts"] = [fact for fact in (trained, f"seed {card.seed}", card.device, card.source) if fact]
        elif cell.weights_sha256 and is_published(cell.weights_sha256):
            value |= {"licence": _terms(name, cell.weights_sha256), "facts": ["downloaded from its authors"]}
        elif record.training:
            value |= {"licence": record.training.licence, "facts": [f"trained on {record.training.text}"]}
        yield value


def _terms(name: str, sha256: str) -> str:
    described = METHODS.description(name)
    sources = described.published.values() if described else ()
    return next((terms_of(source) for source in sources if source in SOURCES and sha256 in hashes(source).values()), "")
