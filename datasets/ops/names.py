"""Names given by people: looking them up, suggesting the nearest, and finding plug-ins that announce themselves."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable
from importlib.metadata import entry_points
from typing import Any

from datasets.ops.errors import UserError


def unknown(kind: str, name: str, known: Iterable[str]) -> UserError:
    """The error for a name that nobody knows: suggests the nearest and lists what there is."""
    known = sorted(known)
    near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return UserError(f"Unknown {kind} {name!r}.{hint} There are: {', '.join(known) or 'none'}.")


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
        found = [e.name for e in entry_points(group=self.group)]
        return list(dict.fromkeys([*self._builtin, *found, *self._added]))

    def add(self, name: str, thing: Any) -> None:
        """Register a thing for this process only (tests, notebooks)."""
        self._added[name] = thing

    def get(self, name: str) -> Any:
        """The thing of that name. Raises UserError for an unknown name, or a plug-in that cannot be imported."""
        if name in self._added:
            return self._added[name]
        if name in self._builtin:
            return self._load(name, self._builtin[name])
        for entry in entry_points(group=self.group):
            if entry.name == name:
                return self._load(name, entry.value)
        raise unknown(self.kind, name, self.names())

    def _load(self, name: str, target: str) -> Any:
        module, _, attribute = target.partition(":")
        try:
            return getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            text = f"The {self.kind} {name!r} announces {target!r}, which cannot be loaded: {error}."
            raise UserError(text) from error
