"""A dataset's options as people write them: ``bsd68[sigma=25,clip=false]``."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from datasets.base import Dataset, DatasetFacts
from datasets.core.dataset_ref import DatasetRef
from datasets.core.errors import UserError
from datasets.core.registry import unknown

_SPEC = re.compile(r"([^\[\]]+)(?:\[(.*)\])?")
_LONGEST = 10_000  # letters of a dataset with its options
_TRUTH = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def split_spec(spec: str) -> tuple[str, dict[str, str]]:
    """``"bsd68[sigma=25]"`` -> ``("bsd68", {"sigma": "25"})``, untyped. Raises UserError for another form."""
    found = _SPEC.fullmatch(spec.strip()) if len(spec) <= _LONGEST else None
    parts = [part.partition("=") for part in (found[2] or "").split(",") if part.strip()] if found else []
    if not found or not all(equals and key.strip() for key, equals, _ in parts):
        raise UserError(f"Expected a dataset such as 'bsd68' or 'bsd68[sigma=25,clip=false]', but got {spec!r}.")
    return found[1].strip(), {key.strip(): value.strip() for key, _, value in parts}


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
    return DatasetRef(facts.name, changed(facts, options)).spec


def changed(facts: DatasetFacts, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that are not the dataset's defaults, in the order of its facts."""
    pairs = ((key, default, options.get(key, default)) for key, (default, _) in facts.options.items())
    return {key: value for key, default, value in pairs if value != default}


def ref_of(dataset: Dataset) -> DatasetRef:
    """The value that names an opened dataset on cards and records."""
    return DatasetRef(dataset.facts.name, changed(dataset.facts, dataset.options), dataset.split)


def _typed(dataset: str, key: str, default: Any, value: Any) -> Any:
    found = _converted(dataset, key, default, value)
    if isinstance(found, (int, float)) and not isinstance(found, bool):
        negative = isinstance(default, (int, float)) and found < 0 <= default
        if not math.isfinite(found) or negative:
            wanted = "of 0 or more" if negative else "that is finite"
            raise UserError(
                f"Expected the option {key!r} of dataset {dataset!r} to be a number {wanted} "
                f"(its default is {default!r}), but got {value!r}."
            )
    return found


def _converted(dataset: str, key: str, default: Any, value: Any) -> Any:
    kind = type(default)
    if default is None or type(value) is kind:
        return value
    try:
        if kind is bool:
            return _TRUTH[str(value).lower()]
        if kind in (int, float) and isinstance(value, bool):
            raise ValueError(value)
        return kind(float(value)) if kind is int and float(value).is_integer() else kind(value)
    except (KeyError, ValueError, TypeError, OverflowError) as error:
        raise UserError(
            f"Expected the option {key!r} of dataset {dataset!r} to be of type {kind.__name__} "
            f"(its default is {default!r}), but got {value!r}."
        ) from error
