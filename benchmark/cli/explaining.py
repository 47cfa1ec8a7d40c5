"""`explain`: what a convention, a status, a reason or a row of a table means."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING, Any

from benchmark.cli.options import folders, verb
from benchmark.console import Console

if TYPE_CHECKING:
    from benchmark.scoring.definition import Convention

_EXAMPLES = (
    "comparable           what the column says",
    "uint8-gauss          how a convention computes PSNR and SSIM",
    "no-weights           why a cell failed",
    "dgunet-demo-0123456789ab   why this row is not comparable: the column `record` has its name",
)


def add(verbs: Any) -> None:
    """Add the verb to the command line."""
    text = "explain a convention, a status, a reason, a word of a table, or a row by its cell id"
    with verb(verbs, "explain", text, explain, _EXAMPLES) as parser:
        about = "what to explain, such as uint8-gauss, skipped or comparable; default: list the words"
        parser.add_argument("word", nargs="*", metavar="WORD", help=about)
        folders(parser)


def explain(args: Namespace, console: Console) -> int:
    """Print what the word means. Raises UserError for one that nobody knows."""
    from benchmark.leaderboard import glossary
    from benchmark.scoring.conventions import CONVENTIONS, ON_REQUEST
    from datasets.core.registry import unknown

    word = " ".join(args.word)
    conventions = CONVENTIONS | ON_REQUEST
    if not word:
        rows = [(each, text) for each in glossary.words() if (text := glossary.explained(each))]
        console.table("words", ("word", "meaning"), rows)
        console.remark("Conventions are words too: python -m benchmark list conventions.")
        console.emit([{"word": each, "meaning": text} for each, text in rows])
        return 0
    if word in conventions:
        lines = _convention(conventions[word])
    elif text := glossary.explained(word):
        lines = [text]
    else:
        lines = _row(word, args)
    if not lines:
        raise unknown("word or cell", word, [*glossary.words(), *conventions])
    for line in lines:
        console.remark(line)
    console.emit({"word": word, "meaning": lines})
    return 0


def _convention(chosen: Convention) -> list[str]:
    """What it does with an image, who does so, and in which fields it departs from the plainest way."""
    from dataclasses import fields

    ssim = f"SSIM on {chosen.ssim_input} values" if chosen.ssim_input else "no SSIM"
    clamp = "clamped to [0, 1]" if chosen.clamp else "not clamped"
    needs = "it needs float outputs" if chosen.needs_float else "8-bit files do"
    window = f"{chosen.window.kind} window of {chosen.window.taps} taps" if chosen.ssim_input else "no window"
    told = ("name", "used_by", "psnr_input", "ssim_input", "clamp", "window", "plane")
    other = [f"{f.name} {getattr(chosen, f.name)}" for f in fields(chosen) if f.name not in told]
    plain = [f"{f.name} {f.default}" for f in fields(chosen) if f.name not in told]
    odd = [now for now, usual in zip(other, plain, strict=True) if now != usual]
    return [
        f"{chosen.name}: PSNR on {chosen.psnr_input} values, {ssim}, {clamp}, plane {chosen.plane}, {window}; {needs}.",
        *([f"Unlike most: {', '.join(odd)}."] if odd else []),
        f"Where it is used: {chosen.used_by}.",
        "How far conventions lie apart on the same images: docs/conventions.md.",
    ]


def _row(word: str, args: Namespace) -> list[str]:
    """The row of a cell id or its beginning: its status, and each reason why it is not the paper's."""
    from benchmark.leaderboard.columns import label, remark
    from benchmark.leaderboard.glossary import explained
    from benchmark.leaderboard.render import first_lines
    from benchmark.leaderboard.rows import board_rows
    from benchmark.records.files import read_records

    start = word.removeprefix("runs/")
    found = [record for record in read_records(args.results) if record.id.startswith(start)]
    lines = []
    for row in first_lines(board_rows(found)):
        head = f"{label(row)} on {row.record.cell.data.label}: {row.record.status}"
        lines.append(f"{head}; {remark(row)}" if remark(row) else f"{head}.")
        if not row.is_done and row.record.reason:
            lines.append(explained(row.record.reason.code))
        elif row.is_done and row.verdict == "yes":
            lines.append(f"Comparable with the paper's figure ({row.published.citation if row.published else ''}).")
        elif row.is_done and not row.reasons:
            lines.append(explained("no published figure"))
        lines += [f"{reason}: {explained(reason)}" for reason in row.reasons]
    return lines
