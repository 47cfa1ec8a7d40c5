"""results/baseline.csv: what the figures were, how far each may move, and why they last changed."""

from __future__ import annotations

import csv
import hashlib
import io
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmark.regression.measuring import Key
from datasets.core.errors import UserError
from datasets.core.files import write_bytes

# The smallest tolerance lies well above any spread that was measured, since another processor may round another pixel;
# the largest keeps a change of 0.02 dB visible.
FLOOR = {"PSNR": 0.002, "SSIM": 0.00005}
MOST = {"PSNR": 0.01, "SSIM": 0.001}
FACTOR = 10
DIGITS = {"PSNR": 6, "SSIM": 8}
COLUMNS = (*Key._fields, "value", "spread", "tolerance", "output")
_HISTORY = "# history: "
_CHECKSUM = "# sha256 of the other lines: "
_HEAD = f"""\
# Written by `python -m benchmark check --update --reason "..."`, never by hand; docs/check.md explains it.
# spread: the largest change of a figure over the variations of threads, batches, memory format, oneDNN, instruction set
# tolerance: the larger of {FLOOR["PSNR"]:g} dB (SSIM: {FLOOR["SSIM"]:.5f}) and {FACTOR} x spread
# output: first digits of the SHA-256 of the restored image's float32 array, for information
"""


@dataclass(frozen=True)
class Figure:
    """One figure: its value, the spread that was measured, the tolerance, the hash of the output it was computed of."""

    value: float
    spread: float
    tolerance: float
    output: str


@dataclass(frozen=True)
class Baseline:
    """All figures, and a line for each time that they were renewed."""

    figures: Mapping[Key, Figure]
    history: tuple[str, ...] = ()


def tolerance(metric: str, spread: float) -> float:
    """How far a figure may move: max(floor, factor x spread), to two digits. In dB for PSNR."""
    return float(f"{max(FLOOR[metric], FACTOR * spread):.2g}")


def read(path: Path) -> Baseline:
    """The baseline in a file.

    Raises:
        UserError: no file; lines that are not those that were written; another form, no figures, a figure that comes
            twice, a value that is no number, a tolerance that is not between 0 and the largest one allowed.
    """
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            lines = stream.readlines()
    except FileNotFoundError as error:
        raise UserError(f"There is no baseline at {path}; make one with: {command('the first one')}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise _bad(path, str(error)) from error
    figures: dict[Key, Figure] = {}
    for number, key, figure in _figures(path, lines):
        if key in figures:
            raise _bad(path, f"line {number} repeats a figure")
        figures[key] = figure
    if not figures:
        raise _bad(path, "it holds no figures")
    sealed = [line[len(_CHECKSUM) :].strip() for line in lines if line.startswith(_CHECKSUM)]
    if sealed and sealed != [_hash("".join(line for line in lines if not line.startswith(_CHECKSUM)))]:
        raise _bad(path, "its checksum is that of other lines")
    return Baseline(figures, tuple(line[len(_HISTORY) :].strip() for line in lines if line.startswith(_HISTORY)))


def command(reason: str = "...") -> str:
    """The command line that rewrites the baseline."""
    return f'python -m benchmark check --update --reason "{reason}"'


def _bad(path: Path, why: str) -> UserError:
    return UserError(
        f"The baseline {path} cannot be used: {why}; take the repository's, or remove it and write another with: "
        f"{command()}"
    )


def _figures(path: Path, lines: Iterable[str]) -> Iterator[tuple[int, Key, Figure]]:
    numbered = [(number, line) for number, line in enumerate(lines, 1) if not line.startswith("#")]
    rows = csv.reader(line for _, line in numbered)
    if tuple(next(rows, ())) != COLUMNS:
        raise _bad(path, f"its columns are not {', '.join(COLUMNS)}")
    for (number, _), row in zip(numbered[1:], rows, strict=True):
        try:
            key, (value, spread, allowed, output) = Key(*row[:-4]), row[-4:]
            figure = Figure(float(value), float(spread), float(allowed), output)
            sound = not math.isnan(figure.value) and 0 < figure.tolerance <= MOST[key.metric]
        except (TypeError, ValueError, KeyError):
            raise _bad(path, f"line {number} is no figure of a row, an image and a convention") from None
        if not sound:
            raise _bad(path, f"line {number} has the value {value} with the tolerance {allowed}")
        yield number, key, figure


def write(path: Path, baseline: Baseline) -> None:
    """Write the file, whole or not at all; history lines in their order, figures in theirs."""
    stream = io.StringIO()
    stream.write(_HEAD + "".join(f"{_HISTORY}{line}\n" for line in baseline.history))
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for key, figure in baseline.figures.items():
        value = f"{figure.value:.{DIGITS[key.metric]}f}"
        writer.writerow([*key, value, f"{figure.spread:.1e}", f"{figure.tolerance:g}", figure.output])
    text = stream.getvalue()
    write_bytes(path, f"{_CHECKSUM}{_hash(text)}\n{text}".encode())


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
