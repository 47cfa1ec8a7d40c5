"""What is to be done, written down while it is not: so that `status` knows from the results folder what is missing."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmark.planning.plan import PlannedCell
from benchmark.records.files import writing
from datasets.core.codec import decode, encode
from datasets.core.errors import UserError
from datasets.core.files import digest
from datasets.core.sealed import read_sealed, write_sealed

PLANS = "plans"  # under the results folder


@dataclass(frozen=True)
class Expected:
    """A cell that somebody wants.

    Attributes:
        id: of the cell; '' while its weights are not made, since they are part of it. training: the command that makes
            them, '' = there is nothing to train. The others are the cell's; dataset as tables name it.
    """

    id: str
    method: str
    recipe: str
    dataset: str
    seed: int
    training: str = ""


@dataclass(frozen=True)
class Plan:
    """The cells of one command line. `host`, `pid`: of who wrote it last; `started`: seconds since 1970."""

    command: tuple[str, ...]
    host: str
    pid: int
    started: float
    cells: tuple[Expected, ...] = field(default=())


def keep(jobs: Sequence[Any], results: Path) -> Path | None:
    """Write down the cells among some jobs; the same cells have the same file. None where there are none.

    Raises ResultsError where it cannot be written.
    """
    cells = tuple(_expected(job) for job in jobs if isinstance(job, PlannedCell))
    if not cells:
        return None
    plan = Plan(tuple(sys.argv[1:]), platform.node(), os.getpid(), time.time(), cells)
    value: Mapping[str, Any] = encode(plan)
    path = results / PLANS / f"{digest([(c.method, c.dataset, c.recipe, c.seed) for c in cells])[:12]}.json"
    with writing(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_sealed(path, value)
    return path


def _expected(job: PlannedCell) -> Expected:
    cell, training = job.cell, job.training
    return Expected(
        "" if training else cell.id,
        cell.method,
        cell.recipe,
        cell.data.label,
        cell.seed,
        training.command() if training else "",
    )


def forget(path: Path | None) -> None:
    """Remove a plan of which nothing is left to do."""
    if path is not None:
        with suppress(OSError):
            path.unlink()
            path.parent.rmdir()


def read_plans(results: Path) -> list[Plan]:
    """Every plan that can be read; they decide about nothing, so that damaged ones are passed over."""
    found = []
    for path in sorted((results / PLANS).glob("*.json")):
        with suppress(UserError, OSError):
            plan: Plan = decode(Plan, read_sealed(path, "")[0])
            found.append(plan)
    return found
