"""What a protocol needs from elsewhere: its datasets and its methods."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from benchmark.protocols import names, protocol
from benchmark.protocols.schema import Protocol


def needs(one: Protocol) -> Iterator[str]:
    """Names of the datasets that it is trained and tested on, and of the methods of its rows."""
    entries = [entry for tier in one.tiers.values() for entry in tier.entries]
    for spec in (one.train, *one.tests, *(entry.train for entry in entries if entry.train)):
        yield spec.partition("[")[0].partition(":")[0]
    yield from (entry.method for entry in entries)


def spelled_out(given: Iterable[str]) -> list[str]:
    """Names with every protocol replaced by what it needs, each once."""
    known = {alias: name for name in names() for alias in (name, *protocol(name).also)}
    found: list[str] = []
    for name in given:
        found += [*needs(protocol(known[name]))] if name in known else [name]
    return list(dict.fromkeys(found))
