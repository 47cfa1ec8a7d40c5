"""How long trainings of the queue take, measured: ``timings.csv`` in the results folder."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmark.training.estimate import Pace
from datasets.core.files import open_ordinary, replacing
from datasets.core.sealed import CHECKSUM, MOST, DamagedError, checksum, set_aside

NAME = "timings.csv"


@dataclass(frozen=True)
class Timing:
    """One training on one kind of device.

    Attributes:
        line: the queue's command. method, recipe, arithmetic, device: what ran, how and where.
        done, steps: steps so far, and of all of the training. seconds_per_step: the mean over the stage it is in.
        day: of the last measurement, UTC.
    """

    line: str
    method: str
    recipe: str
    arithmetic: str
    device: str
    done: int
    steps: int
    seconds_per_step: float
    day: str = ""

    @property
    def minutes(self) -> float:
        """Of the whole training at this pace; preparing the data comes on top."""
        return self.seconds_per_step * self.steps / 60

    @property
    def key(self) -> tuple[str, ...]:
        """What a later measurement takes the place of."""
        return self.line, self.method, self.recipe, self.arithmetic, self.device


_COLUMNS = tuple(f.name for f in fields(Timing))


def timing(line: str, method: str, recipe: str, arithmetic: str, device: str, pace: Pace) -> Timing:
    """The measurement of today."""
    day = datetime.now(UTC).strftime("%Y-%m-%d")
    return Timing(line, method, recipe, arithmetic, device, pace.done, pace.steps, round(pace.seconds_per_step, 6), day)


def read_timings(results: Path) -> list[Timing]:
    """The timings of a results folder; [] where there are none. Lines that are damaged or none are left out."""
    return _read(results / NAME)[0]


def write_timings(results: Path, made: Sequence[Timing]) -> Path:
    """Add timings; one of the same line, recipe, arithmetic and device takes the place of the earlier one.

    A file of which a line is damaged is kept as ``timings.csv.damaged``, and its sound lines are written again.
    """
    path = results / NAME
    before, wrong = _read(path)
    if wrong:
        set_aside(path, DamagedError(path, wrong, "its other lines are taken over"))
    kept = {each.key: each for each in [*before, *made]}
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as part, part.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, [*_COLUMNS, CHECKSUM], lineterminator="\n")
        writer.writeheader()
        writer.writerows({**asdict(each), CHECKSUM: checksum(asdict(each))} for each in kept.values())
    return path


def _read(path: Path) -> tuple[list[Timing], str]:
    """The sound lines of a file, and what is wrong with the last one of the others ('' = nothing)."""
    found: list[Timing] = []
    wrong = ""
    if not path.is_file():
        return found, wrong
    with open_ordinary(path, MOST) as stream:
        table = csv.DictReader(io.StringIO(stream.read().decode("utf-8", errors="replace"), newline=""))
        try:
            for number, row in enumerate(table, 2):
                try:
                    found.append(_timing(row))
                except (KeyError, TypeError, ValueError) as error:
                    wrong = f"line {number}: {error}"
        except csv.Error as error:  # there is no going on behind it
            wrong = str(error)
    return found, wrong


def _timing(row: Mapping[str, str]) -> Timing:
    """A line's timing. Raises KeyError, TypeError, ValueError: it is none, or its checksum is another."""
    values: dict[str, Any] = {name: row[name] for name in _COLUMNS}
    if None in values.values():
        raise ValueError("it is cut short")
    values |= {key: int(row[key]) for key in ("done", "steps")}
    found = Timing(**{**values, "seconds_per_step": float(row["seconds_per_step"])})
    if CHECKSUM in row and row[CHECKSUM] != checksum(asdict(found)):  # files of earlier versions have none
        raise ValueError("its checksum is another")
    return found
