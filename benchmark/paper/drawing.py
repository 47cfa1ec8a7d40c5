"""Figures as PDF and PNG: fonts embedded, and the same bytes for the same values."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets.core.errors import UserError
from datasets.core.files import write_bytes
from datasets.core.names import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 6.75  # inches: the text of most conferences' two columns
DOTS = 300  # per inch, of PNGs
# Okabe and Ito's colours, told apart by the colour-blind; each with a marker of its own.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#7F7F7F")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
_STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so that every machine draws alike
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "pdf.fonttype": 42,  # whole outlines, which publishers ask for
    "pdf.compression": 6,
    "savefig.pad_inches": 0.02,
}
_NOT_THE_DATE = {"pdf": {"CreationDate": None, "Creator": None, "Producer": None}, "png": {"Software": None}}


def expect_matplotlib() -> None:
    """See that figures can be drawn, before any file is written. Raises UserError where matplotlib is not installed."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise UserError("Figures need matplotlib: pip install 'restoration-benchmark[report]'.") from error


@contextmanager
def figure(width: float, height: float) -> Iterator[Figure]:
    """An empty figure in the kit's style, sizes in inches; outside of pyplot, so that nothing global is touched.

    Raises UserError where matplotlib is not installed.
    """
    expect_matplotlib()
    import matplotlib
    from matplotlib.figure import Figure

    style: Any = {**matplotlib.rcParamsDefault} | _STYLE  # whatever a user's own file of styles asks for
    with matplotlib.rc_context(style):
        yield Figure(figsize=(width, height))


def save(drawn: Figure, *paths: Path) -> list[Path]:
    """Write a figure in the form that each path's suffix says (.pdf or .png), each whole or not at all."""
    for path in paths:
        kind = path.suffix.removeprefix(".")
        stream = io.BytesIO()
        drawn.savefig(stream, format=kind, dpi=DOTS, metadata=_NOT_THE_DATE[kind])
        write_bytes(path, stream.getvalue())
    return list(paths)


def look(number: int) -> dict[str, Any]:
    """Colour and marker of the row of this number; they repeat in step after 8, and markers move on then."""
    turn = number // len(COLOURS)
    marker = MARKERS[(number + turn) % len(MARKERS)]
    return {"color": COLOURS[number % len(COLOURS)], "marker": marker}


def short(text: str, most: int) -> str:
    """Text that fits into so many characters; a dollar sign in it begins no formula."""
    text = printable(text)
    text = text if len(text) <= most else text[: most - 1] + "…"
    return text.replace("$", r"\$")
