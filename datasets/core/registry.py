"""Names given by people: looking them up, suggesting the nearest, and finding plug-ins that announce themselves."""

from __future__ import annotations

import difflib
import importlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.metadata import entry_points
from typing import Any

from datasets.core.errors import UserError

_LONGEST = 200  # letters of a name that are compared: the time grows with their square


def unknown(kind: str, name: str, known: Iterable[str]) -> UserError:
    """The error for a name that nobody knows: suggests the nearest and lists what there is."""
    known = sorted(known)
    near = difflib.get_close_matches(name[:_LONGEST].lower(), known, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return UserError(f"Unknown {kind} {name!r}.{hint} There are: {', '.join(known) or 'none'}.")


@cache
def _announced(group: str, path: tuple[str, ...]) -> Mapping[str, str]:
    """Name -> target of the plug-ins of a group. Reading what is installed takes tens of milliseconds."""
    found: dict[str, str] = {}
    for entry in entry_points(group=group):
        found.setdefault(entry.name, entry.value)
    return found


class Registry:
    """Named things of one kind, imported only when asked for; plug-ins join by an entry-point group.

    Args:
        kind: what one entry is called in messages, such as ``method``.
        builtin: name -> ``"module:attribute"``.
        group: entry-point group, such as ``benchmark.methods``. A plug-in may not take a built-in name.
    """

    def __init__(self, kind: str, builtin: dict[str, str], group: str) -> None:
        self.kind, self.group = kind, group
        self._builtin = dict(builtin)
        self._added: dict[str, Any] = {}

    def names(self) -> list[str]:
        """Every name, built-in ones first, in the order of their registration."""
        found = list(_announced(self.group, tuple(sys.path)))
        return list(dict.fromkeys([*self._builtin, *found, *self._added]))

    def add(self, name: str, thing: Any) -> None:
        """Register a thing for this process only (tests, notebooks)."""
        self._added[name] = thing

    @contextmanager
    def added(self, things: Mapping[str, Any]) -> Iterator[None]:
        """Register things, by name, for a ``with`` block; afterwards the names mean again what they meant before."""
        hidden = {name: self._added[name] for name in things if name in self._added}
        self._added.update(things)
        try:
            yield
        finally:
            for name in things:
                self._added.pop(name, None)
            self._added.update(hidden)

    def get(self, name: str) -> Any:
        """The thing of that name. Raises UserError for an unknown name, or a plug-in that cannot be imported."""
        if name in self._added:
            return self._added[name]
        if name in self._builtin:
            return self._load(name, self._builtin[name])
        target = _announced(self.group, tuple(sys.path)).get(name)
        if target is not None:
            return self._load(name, target)
        raise unknown(self.kind, name, self.names())

    def is_plugin(self, name: str) -> bool:
        """Whether a name is an installed plug-in's: not built in, and not added in this process."""
        return name not in self._builtin and name not in self._added

    def is_added(self, name: str) -> bool:
        """Whether a name was added in this process, so that no other process knows it."""
        return name in self._added

    def _load(self, name: str, target: str) -> Any:
        module, _, attribute = target.partition(":")
        try:
            return getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            text = f"The {self.kind} {name!r} announces {target!r}, which cannot be loaded: {error}."
            raise UserError(text) from error
