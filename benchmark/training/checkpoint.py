"""Checkpoints: plain values and tensors, whole or absent, tied to what they are a checkpoint of."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from datasets.ops.errors import UserError
from datasets.ops.files import replacing
from datasets.ops.phases import passing

FORMAT = 1


@dataclass
class Progress:
    """How far a training is, and all that it needs to go on.

    Attributes:
        stage, step: index of the stage, steps done in it. state: Stage.state_dict(), None at the start of a stage.
        artefacts: ``stage/role`` -> state, of the stages that are finished.
        budget: stage index -> steps, as decided from minutes. seconds: of training so far.
        total: steps done in all finished stages. best: best score of the stage so far, in dB.
        selected_by: the data that chose the artefacts of the last finished stage, '' = its last step.
        note: what is said of the training for the card: what its machine lacks, then what the finished stages tell.
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


def write_checkpoint(path: Path, progress: Progress, identity: Mapping[str, Any]) -> None:
    """Write a checkpoint in one step: temporary file, fsync, rename.

    Raises:
        TypeError: a stage's state holds something other than tensors and plain values, named by its place.
    """
    shallow = {f.name: getattr(progress, f.name) for f in fields(progress)}
    content = {"format": FORMAT, "identity": dict(identity), **shallow}
    _check_plain(content, "checkpoint")
    with replacing(path) as part:
        torch.save(content, part)
        passing("train.checkpoint")


def read_checkpoint(path: Path, identity: Mapping[str, Any]) -> Progress | None:
    """Read a checkpoint onto the CPU, whatever device wrote it; None where there is none.

    Raises:
        UserError: the file is damaged, or belongs to another training (says in what it differs).
    """
    if not path.is_file():
        return None
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        found, version = content.pop("identity"), content.pop("format")
    except Exception as error:  # torch raises anything from a damaged file
        raise UserError(
            f"The checkpoint {path} cannot be read ({type(error).__name__}); delete its folder to train from the start."
        ) from error
    different = [key for key in identity if found.get(key) != identity[key]]
    if different or version != FORMAT:
        shown = (
            "; ".join(f"{key} {found.get(key)!r}, wanted {identity[key]!r}" for key in different) or "another format"
        )
        raise UserError(f"The checkpoint {path} belongs to another training: {shown}. Give another --results folder.")
    return Progress(**content)


def _check_plain(value: Any, place: str) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            _check_plain(inner, f"{place}.{key}")
    elif isinstance(value, (list, tuple)):
        for number, inner in enumerate(value):
            _check_plain(inner, f"{place}[{number}]")
    elif type(value) not in (str, int, float, bool, type(None), bytes) and not isinstance(value, Tensor):
        raise TypeError(f"{place} is {type(value).__name__}: a checkpoint holds tensors and plain values only.")
