"""Datasets that need no source are prepared where they are first asked for, by every way in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import datasets
from benchmark.progress import Report


def prepare_embedded(
    specs: Iterable[str], data: Path, report: Report = None, say: Callable[[str], None] | None = None
) -> None:
    """Prepare those of the datasets that need no source (demo) and are not prepared yet.

    Args:
        specs: such as ``demo[sigma=25]``. data: root of the prepared datasets. say: called with a sentence for each.
    Raises:
        UserError: an unknown dataset. A set that needs a source is left to whoever opens it.
    """
    for spec in specs:
        name, _ = datasets.parse_spec(spec)
        if datasets.facts(name).embedded and not (data / name / "manifest.csv").is_file():
            if say:
                say(f"Preparing {name} under {data / name}.")
            datasets.prepare(name, None, data, progress=report)
