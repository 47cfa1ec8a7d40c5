"""The papers' figures: which one belongs beside ours, and whether the two may be compared."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path

from benchmark.paths import shipped
from datasets.core.errors import UserError
from datasets.core.files import open_ordinary

UNKNOWN = "unknown"
_MOST = 1 << 28  # bytes of the file


@dataclass(frozen=True)
class PublishedFigure:
    """One cell of a paper's table: a row of published.csv.

    Attributes:
        method: a name in small letters; ours where the method is one of ours. variant: the name as printed.
        dataset, split, degradation: what was restored (``sidd``, ``validation``, ``real``; ``sigma25``; ``cs10`` ...).
        psnr: in dB. ssim, lpips: None where the source has none.
        psnr_convention, ssim_convention: names of conventions, or ``unknown``, which is comparable with nothing.
        ensemble: whether the figure was made with the mean over 8 flips and rotations.
        source, source_detail: where it was read. second_hand: the source quotes another paper's figure.
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


COLUMNS = tuple(field.name for field in fields(PublishedFigure))
_NUMBERS = ("psnr", "ssim", "lpips")
_FLAGS = ("ensemble", "second_hand", "primary")


@lru_cache(maxsize=4)
def read_published(path: Path | None = None) -> tuple[PublishedFigure, ...]:
    """All published figures, in the file's order.

    Args:
        path: a CSV with the columns COLUMNS; default: the one that comes with the project.
    Raises:
        UserError: the file is absent, or has other columns.
    """
    path = path or shipped("published.csv")
    if not path.exists():
        raise UserError(f"The published figures are missing at {path}: install the project again.")
    try:
        with open_ordinary(path, _MOST) as stream:
            reader = csv.DictReader(io.StringIO(stream.read().decode("utf-8"), newline=""))
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise UserError(f"{path} has other columns than the published figures need: {', '.join(COLUMNS)}.")
        return tuple(_figure(line, path, number) for number, line in enumerate(reader, 2))
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"The published figures in {path} are no CSV: {error}; take the repository's file.") from error


def _figure(line: Mapping[str, str], path: Path, number: int) -> PublishedFigure:
    """A line as a figure. Raises UserError for too many or too few fields, or a number that is none."""
    try:
        if None in line or None in line.values():
            raise ValueError("it has not as many fields as there are columns")
        values: dict[str, object] = dict(line)
        values |= {name: float(line[name]) if line[name] else None for name in _NUMBERS}
        values |= {name: line[name] == "yes" for name in _FLAGS}
        if any(isinstance(value, float) and not math.isfinite(value) for value in values.values()):
            raise ValueError("a figure is not finite")
        return PublishedFigure(**values)  # type: ignore[arg-type]
    except ValueError as error:
        raise UserError(f"Line {number} of the published figures in {path} is damaged: {error}.") from error


def find_published(
    variant: str,
    dataset: str,
    split: str,
    degradation: str,
    convention: str,
    figures: Iterable[PublishedFigure] | None = None,
) -> PublishedFigure | None:
    """The published figure to show beside ours: under the same convention where a source has it, else the primary.

    Args:
        variant: Facts.variant, the name as printed; '' finds nothing.
        convention: the name of ours.
    """
    key = (variant, dataset, split, degradation)
    matching = [row for row in (read_published() if figures is None else figures) if row.key == key]
    if not matching or not variant:
        return None
    return min(matching, key=lambda row: (row.psnr_convention != convention, not row.primary))


def conventions_agree(figure: PublishedFigure, convention: str) -> tuple[bool, bool]:
    """Whether the figure's PSNR, and its SSIM, were computed under the named convention."""
    return figure.psnr_convention == convention, figure.ssim is not None and figure.ssim_convention == convention


def caveats(figure: PublishedFigure, convention: str, *, ensemble: bool, partial: str = "") -> list[str]:
    """Why our figure may not be compared with the published one, the strongest reason first; [] = it may.

    Other images weigh more than another convention, and that more than self-ensemble. A figure that another paper
    quotes is the weakest reason.

    Args:
        ensemble: whether ours was made with the mean over 8 flips and rotations.
        partial: of our record, such as ``partial: 65 of 1280``; '' = all images.
    """
    reasons = [partial] if partial else []
    psnr, ssim = conventions_agree(figure, convention)
    if not psnr:
        theirs = figure.psnr_convention
        reasons.append("convention unknown" if theirs == UNKNOWN else f"other convention: {theirs}")
    elif not ssim and figure.ssim is not None:
        reasons.append(f"PSNR only: the SSIM's convention is {figure.ssim_convention}")
    if figure.ensemble != ensemble:
        reasons.append("ensemble: only theirs" if figure.ensemble else "ensemble: only ours")
    if figure.second_hand:
        reasons.append("second source")
    return reasons
