"""The columns of a protocol's table: what is stored, what is shown, and how each is called."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from benchmark.leaderboard.perceptual import marked, stored
from benchmark.protocols.table import ProtocolRow
from benchmark.scoring.perceptual.definition import PERCEPTUAL
from benchmark.tables.column import Column, pick
from benchmark.tables.formats import Number, WithInterval, WithSpread


def notes(row: ProtocolRow) -> str:
    """Why a row has no figures, or the remarks of its entry, its record and its cards."""
    if row.reason:
        return row.reason
    remarks = [row.entry.note if row.entry else "", row.record.note if row.record else ""]
    remarks += sorted({f"trained in {card.precision}" for card in row.cards if card.precision not in ("", "fp32")})
    if row.published is not None and row.comparable != "yes":
        remarks.append(f"published figure: {row.comparable}")
    return "; ".join(dict.fromkeys(note for note in remarks if note))


def _seeds(row: ProtocolRow) -> str:
    """The seeds with a record, followed by those of the protocol where they are more."""
    asked = f" of {', '.join(map(str, row.asked))}" if row.seeds != row.asked else ""
    return ", ".join(map(str, row.seeds)) + asked


_DIGITS = ".6g"  # of every float that is stored
_GAP = WithInterval("+.2f", _DIGITS)

# In the order of the CSV. Programs read it by these names: add columns, rename none.
COLUMNS: tuple[Column[ProtocolRow], ...] = (
    Column("protocol", lambda r: r.protocol, about="name of the protocol"),
    Column("tier", lambda r: r.tier, about="budget (a GPU) or cpu"),
    Column("test", lambda r: r.test, about="dataset and split that were restored"),
    Column("row", lambda r: r.name, about="method, recipe and what tells it from other rows; or a baseline"),
    Column("method", lambda r: r.entry.method if r.entry else r.name, about="its name"),
    Column("recipe", lambda r: r.entry and r.entry.recipe, about="its name; a baseline has none"),
    Column("seeds", lambda r: " ".join(map(str, r.seeds)), about="of the trainings with a record", shown=_seeds),
    Column("convention", lambda r: r.convention, about="under which PSNR and SSIM were computed"),
    Column(
        "psnr",
        lambda r: r.psnr,
        "PSNR",
        WithSpread(".2f", _DIGITS),
        "dB",
        "mean over images and seeds, with the sample standard deviation over seeds",
    ),
    Column("ssim", lambda r: r.ssim, "SSIM", WithSpread(".4f", _DIGITS), about="the same for SSIM"),
    Column(
        "minus_blur",
        lambda r: r.minus_blur,
        "minus blur",
        _GAP,
        "dB",
        "paired difference in PSNR to the row blur, mean over seeds, with its 95 % interval",
    ),
    Column(
        "minus_best",
        lambda r: r.minus_best,
        "minus best",
        _GAP,
        "dB",
        "the same to the best row",
        lambda r: "best" if r.best else _GAP.text(r.minus_best),
    ),
    Column("published_psnr", lambda r: r.published, "published", Number("g", _DIGITS), "dB", "the paper's PSNR"),
    Column("difference", lambda r: r.difference, "", Number("+.2f", _DIGITS), "dB", "our PSNR minus the paper's"),
    Column(
        "comparable",
        lambda r: r.comparable,
        about="yes, or why our figure may not be compared with the paper's, the strongest reason first",
        shown=lambda r: r.verdict,
    ),
    Column(
        "params",
        lambda r: r.record and r.record.costs.params,
        "parameters",
        Number(",", show_zero=False),
        about="parameters that restoring uses",
    ),
    Column(
        "gmacs",
        lambda r: r.record and r.record.costs.gmacs,
        "GMAC",
        Number(".1f", _DIGITS),
        "10⁹ multiply-accumulates",
        "for 256x256 pixels",
    ),
    Column(
        "patch_pixels",
        lambda r: r.patch_pixels,
        "Mpx seen",
        Number(".1f", per=1e6, show_zero=False),
        "pixels",
        "of the patches of one training",
    ),
    Column(
        "steps",
        lambda r: r.record and r.record.training and r.record.training.steps,
        format=Number(","),
        about="of one training",
    ),
    Column(
        "minutes",
        lambda r: statistics.fmean(card.minutes for card in r.cards) if r.cards else None,
        "",
        Number(".1f", _DIGITS),
        "min",
        "that one training took, mean over seeds",
    ),
    Column(
        "train_device",
        lambda r: "; ".join(dict.fromkeys(card.device for card in r.cards)) or None,
        "trained on",
        about="device of the trainings",
    ),
    Column("device", lambda r: r.record and r.record.environment.device, "restored on", about="device that restored"),
    Column("note", notes, about="what else must be known"),
)


def perceptual_columns(rows: Sequence[ProtocolRow]) -> tuple[Column[ProtocolRow], ...]:
    """A column for each perceptual convention that a row has; the lowest mean is marked best, the next one second."""
    known = [name for name in PERCEPTUAL if any(name in row.perceptual for row in rows)]
    return tuple(_perceptual_column(name, rows) for name in known)


def _perceptual_column(name: str, rows: Sequence[ProtocolRow]) -> Column[ProtocolRow]:
    form = WithSpread(f".{PERCEPTUAL[name].digits}f", _DIGITS)

    def shown(row: ProtocolRow) -> str:
        found = row.perceptual.get(name)
        beside = [
            r.perceptual[name].mean for r in rows if name in r.perceptual and (r.tier, r.test) == (row.tier, row.test)
        ]
        rank = 1 + sum(mean < found.mean for mean in beside) if found and len(beside) > 1 else 0
        return marked(form.text(found), rank)

    about = f"mean {PERCEPTUAL[name].title} over images and seeds, lower is better"
    return Column(
        stored(name), lambda r: r.perceptual.get(name), f"{PERCEPTUAL[name].title} ↓", form, about=about, shown=shown
    )


FIGURES = pick(COLUMNS, "row seeds psnr ssim minus_blur minus_best published_psnr difference comparable")
COSTS = pick(COLUMNS, "row params gmacs patch_pixels steps minutes train_device device")
