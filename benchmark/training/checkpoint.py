"""Checkpoints: plain values and tensors, whole or absent, with a checksum, tied to what they are a checkpoint of."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from datasets.core.errors import UserError
from datasets.core.fault_points import fault_point
from datasets.core.sealed import DamagedError, check_seal, sealing

FORMAT = 2  # 1, of earlier versions, had neither a checksum nor `made_on`
_REMEDY = "give the same command again: it keeps the damaged file and trains again from what is sound"


@dataclass
class TrainingState:
    """How far a training is, and all that it needs to go on.

    Attributes:
        stage, step: index of the stage, steps done in it. state: Stage.state_dict(), None at the start of a stage.
        artefacts: ``stage/role`` -> state, of the stages that are finished.
        budget: stage index -> steps, as decided from minutes. seconds: of training so far.
        total: steps done in all finished stages. best: best score of the stage so far, in dB.
        selected_by: the data that chose the artefacts of the last finished stage, '' = its last step.
        note: what is said of the training for the card: what its machine lacks, then what the finished stages tell,
            and where it went on under other arithmetic.
        owed: the log's row of the last step where its evaluation is still to come; None = nothing is owed.
        made_on: what the last bits of its arithmetic depend on, by name (see `benchmark.training.surroundings`).
    """

    stage: int = 0
    step: int = 0
    state: dict[str, Any] | None = None
    artefacts: dict[str, dict[str, Tensor]] = field(default_factory=dict)
    budget: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    total: int = 0
    best: float = -math.inf
    selected_by: str = ""
    note: str = ""
    owed: dict[str, float] | None = None
    made_on: dict[str, str] = field(default_factory=dict)


def write_checkpoint(path: Path, state: TrainingState, identity: Mapping[str, Any]) -> None:
    """Write a checkpoint in one step: temporary file, checksum, fsync, rename.

    Raises:
        TypeError: a stage's state holds something other than tensors and plain values, named by its place.
    """
    shallow = {f.name: getattr(state, f.name) for f in fields(state)}
    content = {"format": FORMAT, "identity": dict(identity), **shallow}
    _check_plain(content, "checkpoint")
    with sealing(path) as part:
        torch.save(content, part)
        fault_point("train.checkpoint")


def read_checkpoint(path: Path, identity: Mapping[str, Any]) -> TrainingState | None:
    """Read a checkpoint onto the CPU, whatever device wrote it; None where there is none.

    Raises:
        DamagedError: the file is not what was written. UserError: it belongs to another training (says in what it
            differs).
    """
    if not path.is_file():
        return None
    try:
        sealed = check_seal(path, _REMEDY)  # before anything parses it
        content = torch.load(path, map_location="cpu", weights_only=True)
        found, version = dict(content.pop("identity")), content.pop("format")
        state = TrainingState(**content)
    except DamagedError:
        raise
    except Exception as error:  # torch raises anything from a damaged file
        raise DamagedError(path, f"it cannot be read: {type(error).__name__}", _REMEDY) from error
    if version == FORMAT and not sealed:
        raise DamagedError(path, "its checksum is gone", _REMEDY)
    different = [key for key in identity if found.get(key) != identity[key]]
    if different or version not in (1, FORMAT):
        shown = (
            "; ".join(f"{key} {found.get(key)!r}, wanted {identity[key]!r}" for key in different) or "another format"
        )
        raise UserError(f"The checkpoint {path} belongs to another training: {shown}. Give another --results folder.")
    return state


def _check_plain(value: Any, place: str) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            _check_plain(inner, f"{place}.{key}")
    elif isinstance(value, (list, tuple)):
        for number, inner in enumerate(value):
            _check_plain(inner, f"{place}[{number}]")
    elif type(value) not in (str, int, float, bool, type(None), bytes) and not isinstance(value, Tensor):
        raise TypeError(f"{place} is {type(value).__name__}: a checkpoint holds tensors and plain values only.")
