"""Checkpoints of RRDB networks: ESRGAN's three ways to name the same tensors, one network or two."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from datasets.core.errors import UserError
from methods.base import Match, Method, Recipe, State
from methods.matching import below, differences, networks_in, recognise_by_shape, restorers, signature
from methods.mssr import network
from methods.weights import read_weights

if TYPE_CHECKING:
    from pathlib import Path

PAIR = ("a", "b")
# Old names -> today's: the first release, whose layers have numbers (of the x4 network), and the one after it.
_RENAMES = [
    (re.compile(pattern), today)
    for pattern, today in (
        (r"model\.0\.", r"conv_first."),
        (r"model\.1\.sub\.(\d+)\.RDB(\d)\.conv(\d)\.0\.", r"body.\1.rdb\2.conv\3."),
        (r"model\.1\.sub\.\d+\.(?=weight$|bias$)", r"conv_body."),
        (r"model\.3\.", r"conv_up1."),
        (r"model\.6\.", r"conv_up2."),
        (r"model\.8\.", r"conv_hr."),
        (r"model\.10\.", r"conv_last."),
        (r"RRDB_trunk\.(\d+)\.RDB(\d)\.", r"body.\1.rdb\2."),
        (r"trunk_conv\.", r"conv_body."),
        (r"upconv(\d)\.", r"conv_up\1."),
        (r"HRconv\.", r"conv_hr."),
    )
]
_FIRST, _SECOND = "model.1.sub.0.RDB1.conv1.0.weight", "RRDB_trunk.0.RDB1.conv1.weight"


def renamed(state: State) -> State:
    """The tensors of one network under today's names; those of other networks stay as they are."""
    if _FIRST not in state and _SECOND not in state:
        return state
    return {_today(key): value for key, value in state.items()}


def _today(key: str) -> str:
    for pattern, today in _RENAMES:
        if pattern.match(key):
            return pattern.sub(today, key, count=1)
    return key


def restorers_in(state: State) -> dict[str, State]:
    """The RRDB networks of a foreign state by name, under today's keys; also `a` and `b` of a pair of ours."""
    found = {}
    for name, tensors in networks_in(state).items():
        own = {part: below(tensors, f"{part}.") for part in PAIR}
        found.update(own if all(own.values()) else {name: renamed(tensors)})
    return {name: tensors for name, tensors in found.items() if "conv_first.weight" in tensors}


def recognise(cls: type[Method], state: State) -> list[Match]:
    """Readings of a foreign state: two RRDB networks in the order of their names, or one that serves as both.

    Raises:
        UserError: there are RRDB networks, but of a size that no recipe has.
    """
    found = restorers_in(state)
    if not 1 <= len(found) <= len(PAIR):
        return []
    both = list(found.values()) * (len(PAIR) // len(found))
    merged = {f"{part}.{key}": value for part, net in zip(PAIR, both, strict=True) for key, value in net.items()}
    note = "one network serves as both" if len(found) == 1 else ""
    matches = recognise_by_shape(cls, merged)
    if not matches:
        raise _unfitting(cls, merged)
    return [replace(match, note="; ".join(filter(None, [note, match.note]))) for match in matches]


def _unfitting(cls: type[Method], merged: State) -> UserError:
    got = signature(merged)
    near, wanted = min(restorers(cls).items(), key=lambda pair: len(pair[1].items() ^ got.items()))
    return UserError(
        f"The file's RRDB network (the keys after {PAIR[0]}. and {PAIR[1]}.) fits no recipe of {cls.name}; nearest is "
        f"{near}: {differences(wanted, got)}."
    )


def named_start(recipe: Recipe, path: Path | str) -> State:
    """The start of a training: the one RRDB network of a file, or the first of two.

    Args:
        recipe: whose ``network`` table it must fit.
    Raises:
        UserError: the file cannot be read, holds no RRDB network, or one of another size.
    """
    content = read_weights(path)
    found = restorers_in({k: v for state in content.roles.values() for k, v in state.items()})
    if not found:
        raise UserError(
            f"{path} was expected to hold an RRDB network to start from, with keys such as conv_first.weight (or "
            "model.0.weight of the first ESRGAN); name another file with --set train.start_weights=PATH."
        )
    state = next(iter(found.values()))
    with torch.device("meta"):
        wrong = differences(signature(network.single(recipe.network)), signature(state))
    if wrong:
        raise UserError(f"{path} does not fit the network of mssr's recipe {recipe.name}: {wrong}.")
    return state
