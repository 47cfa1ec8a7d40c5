"""A protocol's table for people (Markdown, a terminal) and for machines (CSV)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmark.protocols.columns import COLUMNS, COSTS, FIGURES, notes, perceptual_columns
from benchmark.protocols.request import ReproduceRequest
from benchmark.protocols.table import ProtocolRow, protocol_rows
from benchmark.tables.csv_table import csv_table
from benchmark.tables.markdown_table import markdown_table, markdown_text
from datasets.core.files import write_bytes
from datasets.core.locks import writing_in_turn

_LEGEND = (
    "PSNR in dB, SSIM: means over images{over}. `minus blur` and `minus best`: paired differences in PSNR over "
    "the same images, means over seeds, with 95 % intervals over scenes and seeds. GMAC: 10⁹ multiply-accumulates for "
    "256x256 pixels. Mpx seen: 10⁶ pixels of the patches of one training. Written by the software from its records."
)


@dataclass(frozen=True)
class Section:
    """The rows of one tier on one test."""

    tier: str
    test: str
    rows: tuple[ProtocolRow, ...]

    @property
    def title(self) -> str:
        """For a heading of a page."""
        return self.test.replace(":", " · ")

    @property
    def convention(self) -> str:
        """Of the figures; '' where there are none."""
        return next((row.convention for row in self.rows if row.convention), "")

    @property
    def measured(self) -> list[ProtocolRow]:
        """The rows with figures."""
        return [row for row in self.rows if row.record]


def sections(request: ReproduceRequest) -> list[Section]:
    """Every tier and test of the protocol; a tier without any figure only where it is the one asked for."""
    shown = []
    for tier in request.protocol.tiers:
        tests = [
            Section(tier, test, tuple(protocol_rows(replace(request, tier=tier), test)))
            for test in request.protocol.tests
        ]
        begun = any(row.entry for section in tests for row in section.measured)
        shown += tests if begun or tier == request.tier else []
    return shown


def write_tables(request: ReproduceRequest) -> list[Section]:
    """Write ``protocols/<name>.md`` and ``.csv`` under the results folder, each whole or not at all."""
    every = sections(request)
    rows = all_rows(every)
    page = page_path(request.results, request.protocol.name)
    table = page.with_suffix(".csv")
    with writing_in_turn(table, page):
        write_bytes(table, csv_table((*COLUMNS, *perceptual_columns(rows)), rows).encode())
        write_bytes(page, protocol_page(request, every).encode())
    return every


def page_path(results: Path, name: str) -> Path:
    """Where a protocol's page lies; its CSV is beside it."""
    return results / "protocols" / f"{name}.md"


def all_rows(sections: Sequence[Section]) -> list[ProtocolRow]:
    """The rows of every section."""
    return [row for section in sections for row in section.rows]


def protocol_page(request: ReproduceRequest, sections: Sequence[Section]) -> str:
    """The whole page."""
    protocol = request.protocol
    parts = [f"# {protocol.title}", "", protocol.about.strip(), ""]
    parts += [protocol.caution.strip(), ""] if protocol.caution else []
    over = ", with the sample standard deviation over seeds" if len(protocol.seeds) > 1 else ""
    parts += [_LEGEND.format(over=over), ""]
    for section in sections:
        convention = f" Convention: `{section.convention}`." if section.convention else ""
        parts += [f"## {section.title}: {section.tier}", ""]
        parts += [f"Training budget: {_budget(request, section.tier)}.{convention}", ""]
        parts += [*markdown_table(FIGURES, section.measured), ""]
        if seen := perceptual_columns(section.measured):
            parts += [*markdown_table((FIGURES[0], *seen), section.measured), ""]
        parts += [*markdown_table(COSTS, section.measured), ""]
        parts += [*(f"- {markdown_text(remark)}" for remark in remarks(section.rows)), ""]
    return "\n".join(parts).rstrip() + "\n"


def excerpt(request: ReproduceRequest, sections: Sequence[Section]) -> str:
    """The tables of figures alone, for another page."""
    parts = [f"**{request.protocol.title}** (`{request.protocol.name}`)", ""]
    for section in sections:
        convention = f", `{section.convention}`" if section.convention else ""
        parts += [f"{section.title}{convention}; a training: {_budget(request, section.tier)}", ""]
        parts += [*markdown_table(FIGURES, section.measured), ""]
    return "\n".join(parts)


def _budget(request: ReproduceRequest, tier: str) -> str:
    known = request.protocol.tiers[tier]
    pixels = known.patch_pixels
    return known.budget + (f"; {pixels:,} pixels of patches per step in each stream" if pixels else "")


def remarks(rows: Sequence[ProtocolRow]) -> list[str]:
    """The notes of the rows (among them, why some have no figures), and why there are no intervals."""
    lines = [f"{row.name}: {text}" for row in rows if (text := notes(row))]
    why = next((row.minus_blur.reason for row in rows if row.minus_blur and row.minus_blur.reason), "")
    return list(dict.fromkeys([*lines, *([f"no intervals: {why}"] if why else [])]))
