"""What a protocol is made of: plain values, nothing opened and nothing looked up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

TIERS = ("budget", "cpu")


@dataclass(frozen=True)
class Entry:
    """One row of a protocol's table: a method under a recipe, trained once per seed.

    Attributes:
        method, recipe: names. Where one is missing on this machine, the table says so in the row's place.
        settings: overrides for the training, such as ``{"train.batch": 4}``. restore: overrides for restoring only:
            rows that differ in these alone share their weights.
        steps: of the training, over all stages by equal shares; None = the recipe's.
        test: the only test of the protocol that the row is for; '' = each of them. train: what it is trained on, as
            the protocol's ``train``; '' = that.
        trained: False where this tier only uses weights that are there, and never trains them.
        label: what tells this row from another one of its recipe. note: a remark for the table.
    """

    method: str
    recipe: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    restore: Mapping[str, Any] = field(default_factory=dict)
    steps: int | None = None
    test: str = ""
    train: str = ""
    trained: bool = True
    label: str = ""
    note: str = ""


@dataclass(frozen=True)
class Tier:
    """The rows of one budget.

    Attributes:
        name: ``budget`` (a GPU) or ``cpu``. budget: what a training may cost, in words.
        patch_pixels: pixels that a step looks at in each of its streams (batch x crop x crop), the same for every
            method; None where each recipe has its own.
    """

    name: str
    budget: str
    entries: tuple[Entry, ...]
    patch_pixels: int | None = None


@dataclass(frozen=True)
class Protocol:
    """Training data, test data, tiers and seeds.

    Attributes:
        name: of its file. also: other names. title, about: for people. caution: what the table does not prove.
        tests: ``dataset`` or ``dataset:split``, options included: ``bsd68[sigma=25]``. train: the same, for trainings.
        weights_of: the protocol whose trainings are tested; '' = its own. Then nothing is trained here.
        seeds: of trainings, a weights file each.
    """

    name: str
    title: str
    about: str
    tests: tuple[str, ...]
    train: str
    seeds: tuple[int, ...]
    tiers: Mapping[str, Tier]
    also: tuple[str, ...] = ()
    caution: str = ""
    weights_of: str = ""
