"""A protocol's table for people (Markdown, a terminal) and for machines (CSV)."""

from __future__ import annotations

import csv
import io
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmark.comparing import interval_texts
from benchmark.leaderboard_text import table
from benchmark.reproducing_order import Order
from benchmark.reproducing_table import Line, Spread, lines
from benchmark.scoring.statistics import Interval
from datasets.ops.files import write_bytes

# fmt: off
COLUMNS = (
    "protocol", "tier", "test", "row", "method", "recipe", "seeds", "convention", "psnr", "psnr_sd", "ssim", "ssim_sd",
    "minus_blur", "minus_blur_low", "minus_blur_high", "minus_best", "minus_best_low", "minus_best_high",
    "published_psnr", "difference", "comparable", "params", "gmacs", "patch_pixels", "steps", "minutes",
    "train_device", "device", "note",
)
# fmt: on
HEAD = ("row", "seeds", "PSNR", "SSIM", "minus blur", "minus best", "published", "difference")
COSTS = ("row", "parameters", "GMAC", "Mpx seen", "steps", "minutes", "trained on", "restored on")

Section = tuple[str, str, list[Line]]  # tier, test, rows


def sections(order: Order) -> list[Section]:
    """Every tier and test of the protocol; a tier that nobody has begun only where it is the order's own."""
    found = []
    for tier in order.protocol.tiers:
        mine = [(tier, test, lines(replace(order, tier=tier), test)) for test in order.protocol.tests]
        begun = any(line.entry and line.record for _, _, rows in mine for line in rows)
        found += mine if begun or tier == order.tier else []
    return found


def write(order: Order) -> list[Section]:
    """Write ``protocols/<name>.md`` and ``.csv`` under the results folder, each whole or not at all."""
    found = sections(order)
    folder = order.results / "protocols"
    write_bytes(folder / f"{order.protocol.name}.csv", csv_text(order, found).encode())
    write_bytes(folder / f"{order.protocol.name}.md", markdown(order, found).encode())
    return found


def markdown(order: Order, found: Sequence[Section]) -> str:
    """The whole page."""
    protocol = order.protocol
    parts = [f"# {protocol.title}", "", protocol.about.strip(), ""]
    parts += [protocol.caution.strip(), ""] if protocol.caution else []
    parts += [_legend(protocol.seeds), ""]
    for tier, test, rows in found:
        parts += _section(order, tier, test, rows)
    return "\n".join(parts).rstrip() + "\n"


def excerpt(order: Order, found: Sequence[Section]) -> str:
    """The tables of figures alone, for another page."""
    parts = [f"**{order.protocol.title}** (`{order.protocol.name}`)", ""]
    for tier, test, rows in found:
        convention = next((f", `{line.convention}`" for line in rows if line.convention), "")
        parts += [f"{test.replace(':', ' · ')}{convention}; a training: {_budget(order, tier)}", ""]
        parts += [*table(HEAD, [cells(line) for line in rows if line.record]), ""]
    return "\n".join(parts)


def _legend(seeds: Sequence[int]) -> str:
    spread = ", with the sample standard deviation over seeds" if len(seeds) > 1 else ""
    return (
        f"PSNR in dB, SSIM: means over images{spread}. `minus blur` and `minus best`: paired differences in PSNR over "
        "the same images, means over seeds, with 95 % intervals clustered by scene. GMAC: 10⁹ multiply-accumulates for "
        "256x256 pixels. Mpx seen: 10⁶ pixels of the patches of one training. Written by the software from its records."
    )


def _section(order: Order, tier: str, test: str, rows: Sequence[Line]) -> Iterator[str]:
    convention = next((line.convention for line in rows if line.convention), "")
    yield f"## {test.replace(':', ' · ')}: {tier}"
    yield ""
    yield f"Training budget: {_budget(order, tier)}.{f' Convention: `{convention}`.' if convention else ''}"
    yield ""
    yield from table(HEAD, [cells(line) for line in rows if line.record])
    yield ""
    yield from table(COSTS, [costs(line) for line in rows if line.record])
    yield ""
    yield from remarks(rows)
    yield ""


def _budget(order: Order, tier: str) -> str:
    known = order.protocol.tiers[tier]
    pixels = known.patch_pixels
    return known.budget + (f"; {pixels:,} pixels of patches per step in each stream" if pixels else "")


def cells(line: Line) -> list[str]:
    """One row of the first table, in the order of HEAD."""
    seeds = ", ".join(map(str, line.seeds))
    lacking = f" of {', '.join(map(str, line.asked))}" if line.seeds != line.asked else ""
    change = "" if line.difference is None else f"{line.difference:+.2f}"
    best = "best" if line.best else _interval(line.minus_best)
    theirs = "" if line.published is None else f"{line.published:g}"
    return [
        line.name,
        seeds + lacking,
        _spread(line.psnr, 2),
        _spread(line.ssim, 4),
        _interval(line.minus_blur),
        best,
        theirs,
        change,
    ]


def costs(line: Line) -> list[str]:
    """One row of the second table, in the order of COSTS."""
    values = plain(line)
    gmacs = "" if values["gmacs"] is None else f"{values['gmacs']:.1f}"
    params = f"{values['params']:,}" if values["params"] else ""
    pixels = f"{line.patch_pixels / 1e6:.1f}" if line.patch_pixels else ""
    minutes = "" if values["minutes"] is None else f"{values['minutes']:.1f}"
    steps = "" if values["steps"] is None else f"{values['steps']:,}"
    return [line.name, params, gmacs, pixels, steps, minutes, values["train_device"] or "", values["device"]]


def _spread(value: Spread | None, digits: int) -> str:
    if value is None:
        return ""
    return f"{value.mean:.{digits}f}" + ("" if value.deviation is None else f" ± {value.deviation:.{digits}f}")


def _interval(value: Interval | None) -> str:
    """``-0.31 [-0.50, -0.12]``; without an interval the mean alone, whose reason is a remark."""
    mean, ends = interval_texts(value, 2)
    return mean if ends in ("", "none") else f"{mean} {ends}"


def remarks(rows: Sequence[Line]) -> list[str]:
    """What the rows have to say besides, and why some have no figures."""
    said = []
    for line in rows:
        notes = [line.reason] if line.reason else _notes(line)
        said += [f"- {line.name}: {note}" for note in notes if note]
    why = next((line.minus_blur.reason for line in rows if line.minus_blur and line.minus_blur.reason), "")
    return list(dict.fromkeys([*said, *([f"- no intervals: {why}"] if why else [])]))


def _notes(line: Line) -> list[str]:
    record, own = line.record, line.entry.note if line.entry else ""
    notes = [own, record.note if record else ""]
    notes += sorted({f"trained in {card.precision}" for card in line.cards if card.precision not in ("", "fp32")})
    if line.published is not None and line.comparable != "yes":
        notes.append(f"published figure: {line.comparable}")
    return ["; ".join(dict.fromkeys(note for note in notes if note))]


def plain(line: Line) -> dict[str, Any]:
    """One row as plain values by the names of COLUMNS; None where there is none."""
    record, entry = line.record, line.entry
    row: dict[str, Any] = dict.fromkeys(COLUMNS)
    row |= {"row": line.name, "method": line.name, "seeds": " ".join(map(str, line.seeds))}
    row |= {"method": entry.method, "recipe": entry.recipe} if entry else {}
    row |= {"convention": line.convention, **_spreads(line), **_differences(line)}
    row |= {"published_psnr": line.published, "difference": line.difference, "comparable": line.comparable}
    if record:
        row |= {"params": record.costs.params, "gmacs": record.costs.gmacs, "device": record.device}
        row |= {"patch_pixels": line.patch_pixels, "steps": record.train_steps}
    if line.cards:
        row |= {"minutes": statistics.fmean(card.minutes for card in line.cards)}
        row |= {"train_device": "; ".join(dict.fromkeys(card.device for card in line.cards))}
    return row | {"note": line.reason or "; ".join(_notes(line))}


def _spreads(line: Line) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in (("psnr", line.psnr), ("ssim", line.ssim)):
        found |= {name: value.mean, f"{name}_sd": value.deviation} if value else {}
    return found


def _differences(line: Line) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in (("minus_blur", line.minus_blur), ("minus_best", line.minus_best)):
        found |= {name: value.mean, f"{name}_low": value.low, f"{name}_high": value.high} if value else {}
    return found


def plain_rows(order: Order, found: Sequence[Section]) -> list[dict[str, Any]]:
    """Every row of every section by the names of COLUMNS."""
    name = order.protocol.name
    return [plain(line) | {"protocol": name, "tier": tier, "test": test} for tier, test, rows in found for line in rows]


def csv_text(order: Order, found: Sequence[Section]) -> str:
    """Every row of every section, with the header COLUMNS."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _text(value) for key, value in row.items()} for row in plain_rows(order, found))
    return stream.getvalue()


def _text(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def page(results: Path, name: str) -> Path:
    """Where a protocol's page lies."""
    return results / "protocols" / f"{name}.md"
