"""The papers' figures, joined to ours: what a paper says of a method, and whether our figure may be held against it."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path

from benchmark.paths import shipped
from datasets.ops.errors import UserError

UNKNOWN = "unknown"


@dataclass(frozen=True)
class Published:
    """One cell of a paper's table: a row of published.csv.

    Attributes:
        method: a name in small letters; ours where the method is one of ours. variant: the name as printed.
        dataset, split, degradation: what was restored (``sidd``, ``validation``, ``real``; ``sigma25``; ``cs10`` ...).
        psnr: in dB. ssim, lpips: None where the source has none.
        psnr_convention, ssim_convention: names of conventions, or ``unknown``, which is comparable with nothing.
        ensemble: whether the figure was made with the mean over 8 flips and rotations.
        source, source_detail: where it was read. second_hand: the source quotes somebody else's figure.
        primary: the one of several sources for the same figure that is shown.
        note: what else a reader must know.
    """

    method: str
    variant: str
    dataset: str
    split: str
    degradation: str
    psnr: float
    ssim: float | None
    lpips: float | None
    psnr_convention: str
    ssim_convention: str
    ensemble: bool
    source: str
    source_detail: str
    second_hand: bool
    primary: bool
    note: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What the figure is of: exactly one row of each key is primary."""
        return self.variant, self.dataset, self.split, self.degradation

    @property
    def citation(self) -> str:
        """The source in one line."""
        return f"{self.source}, {self.source_detail}" if self.source_detail else self.source


COLUMNS = tuple(field.name for field in fields(Published))
_NUMBERS = ("psnr", "ssim", "lpips")
_FLAGS = ("ensemble", "second_hand", "primary")


@lru_cache(maxsize=4)
def read(path: Path | None = None) -> tuple[Published, ...]:
    """All published figures, in the file's order.

    Args:
        path: a CSV with the columns COLUMNS; default: the one that comes with the project.
    Raises:
        UserError: the file is absent, or has other columns.
    """
    path = path or shipped("published.csv")
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            reader = csv.DictReader(stream)
            if tuple(reader.fieldnames or ()) != COLUMNS:
                raise UserError(f"{path} has other columns than the published figures need: {', '.join(COLUMNS)}.")
            return tuple(_row(line) for line in reader)
    except FileNotFoundError as error:
        raise UserError(f"The published figures are missing at {path}: install the project again.") from error


def _row(line: dict[str, str]) -> Published:
    values: dict[str, object] = dict(line)
    for name in _NUMBERS:
        values[name] = float(line[name]) if line[name] else None
    for name in _FLAGS:
        values[name] = line[name] == "yes"
    return Published(**values)  # type: ignore[arg-type]


def find(
    variant: str,
    dataset: str,
    split: str,
    degradation: str,
    convention: str,
    figures: Iterable[Published] | None = None,
) -> Published | None:
    """The published figure to show beside ours: under the same convention where a source has it, else the primary.

    Args:
        variant: Facts.variant, the name as printed; '' finds nothing.
        convention: the name of ours.
    """
    wanted = (variant, dataset, split, degradation)
    found = [row for row in (read() if figures is None else figures) if row.key == wanted]
    if not found or not variant:
        return None
    return min(found, key=lambda row: (row.psnr_convention != convention, not row.primary))


def conventions_agree(figure: Published, convention: str) -> tuple[bool, bool]:
    """Whether the figure's PSNR, and its SSIM, were computed under the named convention."""
    return figure.psnr_convention == convention, figure.ssim is not None and figure.ssim_convention == convention


def reasons(figure: Published, convention: str, *, ensemble: bool, ours: Sequence[str] = ()) -> list[str]:
    """Why our figure may not be held against the published one; [] = it may.

    Args:
        ensemble: whether ours was made with the mean over 8 flips and rotations.
        ours: reasons that lie on our side, such as ``partial: 65 of 1280``; they come first.
    """
    found = [*ours, *_convention_reasons(figure, convention)]
    if figure.ensemble != ensemble:
        found.append("ensemble: only theirs" if figure.ensemble else "ensemble: only ours")
    if figure.second_hand:
        found.append("second source")
    return found


def _convention_reasons(figure: Published, convention: str) -> list[str]:
    psnr, ssim = conventions_agree(figure, convention)
    if not psnr:
        theirs = figure.psnr_convention
        return ["convention unknown" if theirs == UNKNOWN else f"other convention: {theirs}"]
    if not ssim and figure.ssim is not None:
        theirs = figure.ssim_convention
        return ["PSNR only: the SSIM's convention is " + (UNKNOWN if theirs == UNKNOWN else theirs)]
    return []
