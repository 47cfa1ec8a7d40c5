"""The queue as a table of docs/reproduce.md (see benchmark.cli.pages)."""

from __future__ import annotations

from pathlib import Path

from benchmark.protocols.queue.lines import lines
from benchmark.protocols.queue.timings import read_timings
from benchmark.tables.markdown_table import markdown_cell


def described(results: Path = Path("results")) -> str:
    """The table of the lines; what was measured of a line comes from ``timings.csv`` of the results folder."""
    timings = read_timings(results)
    heads = ("#", "row", "command", "trained on, tested on", "steps", "a training takes", "measured", "state")
    rows = []
    for n in lines():
        own = [timing for timing in timings if timing.line == n.line]
        took = "; ".join(f"{markdown_cell(t.recipe)}: {t.minutes:.3g} min on {markdown_cell(t.device)}" for t in own)
        rows.append((f"{n.number}", n.row, f"`{n.line}`", n.trained_on, n.steps, n.takes, took or "-", n.state))
    # Its texts are Markdown themselves, so that nothing is escaped.
    return "\n".join(f"| {' | '.join(row)} |" for row in (heads, ("---",) * len(heads), *rows))
