"""A dataset's options as people write them: ``bsd68[sigma=25,clip=false]``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from datasets.base import DatasetFacts
from datasets.ops.errors import UserError
from datasets.ops.names import unknown

_SPEC = re.compile(r"\s*([^\[\]]+?)\s*(?:\[(.*)\])?\s*")
_TRUTH = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def split_spec(spec: str) -> tuple[str, dict[str, str]]:
    """``"bsd68[sigma=25]"`` -> ``("bsd68", {"sigma": "25"})``, untyped. Raises UserError for another form."""
    found = _SPEC.fullmatch(spec)
    parts = [part.partition("=") for part in (found[2] or "").split(",") if part.strip()] if found else []
    if not found or not all(equals and key.strip() for key, equals, _ in parts):
        raise UserError(f"Expected a dataset such as 'bsd68' or 'bsd68[sigma=25,clip=false]', but got {spec!r}.")
    return found[1], {key.strip(): value.strip() for key, _, value in parts}


def typed(facts: DatasetFacts, given: Mapping[str, Any]) -> dict[str, Any]:
    """All options of a dataset: the defaults, replaced by what is given, each of its default's type.

    Raises:
        UserError: an option that the dataset has not (names the nearest), or a value of another type.
    """
    for key in given:
        if key not in facts.options:
            raise unknown(f"option of dataset {facts.name!r}", key, facts.options)
    defaults = {key: default for key, (default, _) in facts.options.items()}
    return {**defaults, **{key: _typed(facts.name, key, defaults[key], value) for key, value in given.items()}}


def spelled(facts: DatasetFacts, options: Mapping[str, Any]) -> str:
    """The dataset as people would write it: its name, with those options that are not the defaults.

    ``demo``, ``bsd68[sigma=50]``; the order is the facts'.
    """
    changed = [key for key, (default, _) in facts.options.items() if options.get(key, default) != default]
    values = [f"{key}={_text(options[key])}" for key in changed]
    return f"{facts.name}[{','.join(values)}]" if values else facts.name


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def _typed(dataset: str, key: str, default: Any, value: Any) -> Any:
    kind = type(default)
    if default is None or type(value) is kind:
        return value
    try:
        if kind is bool:
            return _TRUTH[str(value).lower()]
        if kind in (int, float) and isinstance(value, bool):
            raise ValueError(value)
        return kind(float(value)) if kind is int and float(value).is_integer() else kind(value)
    except (KeyError, ValueError, TypeError) as error:
        raise UserError(
            f"Expected the option {key!r} of dataset {dataset!r} to be of type {kind.__name__} "
            f"(its default is {default!r}), but got {value!r}."
        ) from error
