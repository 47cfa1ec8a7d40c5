"""Weights that a method's authors published as ordinary files: which there are for a dataset, and fetching them.

Nothing of them is shipped: where they lie and their hashes are data (`datasets.sources`), and so is their licence.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import methods
from benchmark.compatibility import obstacle
from benchmark.progress import Report
from datasets.base import DatasetFacts
from datasets.sources import SOURCES, download, hashes
from methods.recipes import recipe
from methods.registry import METHODS

PUBLISHED = "published"  # the word of --weights


def published_for(method: str, data: DatasetFacts, grey_as_rgb: bool = False) -> tuple[str, str] | None:
    """Recipe and source of the authors' weights that suit a dataset; None where there are none."""
    for name, source in published_of(method).items():
        if not obstacle(methods.describe(method, recipe(method, name)), data, grey_as_rgb):
            return name, source
    return None


def published_of(method: str) -> Mapping[str, str]:
    """Recipe -> source, of a built-in method."""
    described = METHODS.description(method)
    return described.published if described else {}


def is_published(sha256: str) -> bool:
    """Whether a file is one that a method's authors published, wherever it lies."""
    return any(sha256 in hashes(source).values() for name in methods.names() for source in published_of(name).values())


def fetch(source: str, results: Path, report: Report = None) -> Path:
    """The file, downloaded once into ``results/downloads``, its hash checked. Raises UserError where that fails."""
    return download(source, results / "downloads" / source, report=report)[0]


def remark(source: str) -> str:
    """What a record says of them."""
    return f"authors' weights, {SOURCES[source].terms}"


def hints(names: tuple[str, ...], data: DatasetFacts) -> list[str]:
    """A sentence for each of these methods whose authors' weights suit a dataset: how to run with them."""
    suited = [name for name in names if published_for(name, data)]
    return [
        f"The authors of {m} published weights for such images: --methods {m} --weights {PUBLISHED}." for m in suited
    ]
