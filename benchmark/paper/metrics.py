"""The metrics that a paper's table may show: PSNR and SSIM by the set's convention, and perceptual distances."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from benchmark.leaderboard import perceptual
from benchmark.leaderboard.columns import COLUMNS
from benchmark.records.record import Record
from benchmark.scoring.perceptual.definition import PERCEPTUAL, column
from benchmark.scoring.statistics import Interval
from benchmark.tables.column import pick
from benchmark.tables.formats import WithSpread
from datasets.core.registry import unknown

USUAL = ("psnr", "ssim")
_HEADS = {"psnr": "PSNR", "ssim": "SSIM"}


@dataclass(frozen=True)
class Metric:
    """One metric, by its name.

    Attributes:
        head: of its column. said: in a caption. stored: its mean as leaderboard.csv has it, a format specification.
        show: decimals for people, likewise. lower: whether lower is better.
    """

    name: str
    head: str
    said: str
    stored: str
    show: str
    lower: bool = False

    @property
    def format(self) -> WithSpread:
        """How its means are shown and stored, both at the decimals for people: a test reads them back."""
        return WithSpread(self.show, self.show)

    def interval(self, record: Record, convention: str) -> Interval | None:
        """The mean of a record; None where it has none."""
        if self.lower:
            seen = record.perceptual.get(self.name)
            value = seen.value if seen else None
        else:
            value = getattr(record.figures[convention], self.name)
        return None if value is None or math.isnan(value.mean) else value

    def scores(self, convention: str) -> str:
        """Its column of scores.csv."""
        return column(self.name) if self.lower else f"{self.name}[{convention}]"


def _usual(name: str) -> Metric:
    (shown,) = pick(COLUMNS, name)
    unit = f" in {shown.unit}" if shown.unit else ""
    return Metric(name, _HEADS[name], _HEADS[name] + unit, shown.format.store, shown.format.show)  # type: ignore[attr-defined]


def _perceptual(name: str) -> Metric:
    (shown,) = perceptual.columns([name])
    chosen = PERCEPTUAL[name]
    stored = shown.format.store  # type: ignore[attr-defined]  # all of these have an interval
    return Metric(name, chosen.title, f"{chosen.title} (lower is better)", stored, f".{chosen.digits}f", lower=True)


METRICS: dict[str, Metric] = {name: _usual(name) for name in USUAL} | {name: _perceptual(name) for name in PERCEPTUAL}


def chosen(names: Sequence[str]) -> tuple[Metric, ...]:
    """The metrics of these names, each once. Raises UserError for a name that is none."""
    for name in names:
        if name not in METRICS:
            raise unknown("column", name, METRICS)
    return tuple(METRICS[name] for name in dict.fromkeys(names))
