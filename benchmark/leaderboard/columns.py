"""The columns of the leaderboard: what is stored, what is shown, and how each is called."""

from __future__ import annotations

from collections.abc import Iterable

from benchmark.leaderboard import perceptual
from benchmark.leaderboard.rows import BoardRow
from benchmark.leaderboard.standings import names_of
from benchmark.planning.published_weights import is_published
from benchmark.records.cell import Origin
from benchmark.tables.column import Column, pick
from benchmark.tables.formats import Number, WithInterval


def label(row: BoardRow) -> str:
    """Method, recipe and what else tells rows apart, in a few words."""
    return " ".join(part for part in (row.record.cell.method, variety(row)) if part)


def variety(row: BoardRow) -> str:
    """Recipe or architecture, seed where it is not 0, self-ensemble, and whether the weights are the authors' own."""
    cell = row.record.cell
    authors = " (authors' weights)" if cell.weights_sha256 and is_published(cell.weights_sha256) else ""
    seed = f", seed {cell.seed}" if cell.seed else ""
    return (cell.recipe or _origin(row).architecture) + authors + seed + (", x8" if cell.inference.ensemble else "")


def _origin(row: BoardRow) -> Origin:
    return row.record.cell.origin or Origin()


def remark(row: BoardRow) -> str:
    """Why a cell has no figures, and what else its record says."""
    return "; ".join(part for part in (row.record.why, row.record.note) if part)


def _size(row: BoardRow) -> str:
    if row.figures is None:
        return ""
    return f"{row.figures.n} ({row.figures.scenes} scene{'s' if row.figures.scenes != 1 else ''})"


def _published(row: BoardRow) -> str:
    figures = (row.published.psnr, row.published.ssim) if row.published else ()
    return " / ".join(f"{figure:g}" for figure in figures if figure is not None)


def _differences(row: BoardRow) -> str:
    psnr = [] if row.delta_psnr is None else [f"{row.delta_psnr:+.2f}"]
    return " / ".join(psnr + ([] if row.delta_ssim is None else [f"{row.delta_ssim:+.4f}"]))


def _surroundings(row: BoardRow) -> str:
    inference = row.record.cell.inference
    tiles = f", tiles of {inference.tile}" if inference.tile else ""
    return f"{row.record.environment.device}, {inference.arithmetic}{tiles}"


_PSNR, _SSIM, _GAP = WithInterval(".2f", ".4f"), WithInterval(".4f", ".6f"), WithInterval("+.2f", ".4f")

# In the order of leaderboard.csv. Programs read it by these names: add columns, rename none.
COLUMNS: tuple[Column[BoardRow], ...] = (
    Column("dataset", lambda r: r.record.cell.data.name, about="name of the dataset"),
    Column("split", lambda r: r.record.cell.data.split, about="its part that was restored"),
    Column("task", lambda r: r.record.cell.task, about="such as denoise"),
    Column("degradation", lambda r: r.record.cell.degradation, about="such as sigma25, or real"),
    Column("method", lambda r: r.record.cell.method, about="name of the method, or of a baseline"),
    Column("recipe", lambda r: r.record.cell.recipe, shown=variety, about="name of the recipe; a baseline has none"),
    Column("weights", lambda r: r.record.cell.weights, about="file name of the weights"),
    Column("seed", lambda r: r.record.cell.seed, about="of the training"),
    Column("convention", lambda r: r.convention or None, about="under which PSNR and SSIM were computed"),
    Column("n", lambda r: r.figures and r.figures.n, shown=_size, about="images that the means are over"),
    Column("scenes", lambda r: r.figures and r.figures.scenes, about="scenes that those images show"),
    Column("psnr", lambda r: r.psnr, "PSNR", _PSNR, "dB", "mean over images, with its 95 % interval"),
    Column("ssim", lambda r: r.ssim, "SSIM", _SSIM, "", "mean over images, with its 95 % interval"),
    Column(
        "minus_best_psnr",
        lambda r: r.gap and r.gap.psnr,
        "minus best",
        _GAP,
        "dB",
        "paired difference in PSNR to the best row on the same images, with its 95 % interval",
        lambda r: _GAP.text(r.gap.psnr if r.gap else None) or ("best" if r.is_best else ""),
    ),
    Column("best", lambda r: r.gap and f"runs/{r.gap.best}", about="record of that best row"),
    Column(
        "published_psnr",
        lambda r: r.published and r.published.psnr,
        "published",
        unit="dB",
        about="the paper's PSNR",
        shown=_published,
    ),
    Column("published_ssim", lambda r: r.published and r.published.ssim, about="the paper's SSIM"),
    Column("published_source", lambda r: r.published and r.published.citation, about="where the paper's figure stands"),
    Column(
        "delta_psnr",
        lambda r: r.delta_psnr,
        "difference",
        Number("+.2f", ".4f"),
        "dB",
        "our PSNR minus the paper's; empty where the conventions differ or images are missing",
        _differences,
    ),
    Column("delta_ssim", lambda r: r.delta_ssim, format=Number("+.4f", ".6f"), about="the same for SSIM"),
    Column(
        "comparable",
        lambda r: r.comparable,
        about="yes, or why our figure may not be compared with the paper's, the strongest reason first",
        shown=lambda r: r.verdict,
    ),
    Column(
        "params",
        lambda r: r.record.costs.params,
        "parameters",
        Number(",", show_zero=False),
        about="parameters that restoring uses",
    ),
    Column(
        "gmacs",
        lambda r: r.record.costs.gmacs,
        "GMAC",
        Number(".2f", ".3f"),
        "10⁹ multiply-accumulates",
        "for 256x256 pixels",
    ),
    Column(
        "ms_per_megapixel",
        lambda r: r.record.costs.ms_per_megapixel,
        "ms/MP",
        Number(".0f", ".1f"),
        "ms per 10⁶ pixels",
        "wall time of restoring",
    ),
    Column(
        "peak_mb",
        lambda r: r.record.costs.peak_mb,
        "MB",
        Number(".0f", ".1f"),
        "10⁶ bytes",
        "peak memory of the device, or of the process on a CPU",
    ),
    Column(
        "ensemble",
        lambda r: "x8" if r.record.cell.inference.ensemble else "no",
        about="x8: mean over 8 flips and rotations",
    ),
    Column("tile", lambda r: r.record.cell.inference.tile, unit="pixels", about="side of the tiles; 0 = whole images"),
    Column("device", lambda r: r.record.environment.device, shown=_surroundings, about="that restored"),
    Column(
        "precision", lambda r: r.record.cell.inference.arithmetic, about="arithmetic of restoring, such as fp32 or bf16"
    ),
    Column("train_data", lambda r: r.record.training.text if r.record.training else "", about="of the weights"),
    Column("train_steps", lambda r: r.record.training and r.record.training.steps, about="of the training"),
    Column(
        "selected_by",
        lambda r: r.record.training.selected_by if r.record.training else "",
        about="data that chose the checkpoint; empty = the last step",
    ),
    Column("architecture", lambda r: _origin(r).architecture, about="of a network that came with a file"),
    Column("licence", lambda r: _origin(r).licence, about="of that architecture's code"),
    Column("weights_sha256", lambda r: r.record.cell.weights_sha256, about="hash of the file of the weights"),
    Column("status", lambda r: r.record.status, about="done, failed or skipped"),
    Column("note", remark, about="what else must be known"),
    Column("record", lambda r: f"runs/{r.record.id}", about="folder of the record in the results folder"),
)


def columns_of(board: Iterable[BoardRow]) -> tuple[Column[BoardRow], ...]:
    """COLUMNS, and those of the perceptual conventions that any row has."""
    names = names_of(row.record for row in board)
    return *COLUMNS, *perceptual.columns(names), *perceptual.gap_columns(names)


LABEL: Column[BoardRow] = Column("label", label, "method")
FIGURES = pick(COLUMNS, "method recipe psnr ssim minus_best_psnr n published_psnr delta_psnr comparable")
ORIGINS = (LABEL, *pick(COLUMNS, "architecture licence weights weights_sha256"))
COSTS = (LABEL, *pick(COLUMNS, "params gmacs ms_per_megapixel peak_mb device weights"))
# On a terminal, which may have no room for all: the most telling first.
TERMINAL = pick(COLUMNS, "method recipe psnr minus_best_psnr ssim n comparable delta_psnr published_psnr")
