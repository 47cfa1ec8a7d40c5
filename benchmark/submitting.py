"""From restored benchmark images to the files that their servers take."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmark.cell import Report
from datasets.base import Dataset
from datasets.submission import to_uint8, write_dnd, write_sidd_csv, write_sidd_mat

if TYPE_CHECKING:
    from benchmark.restoring import Restorer


def submit_sidd(restorer: Restorer, dataset: Dataset, output: Path, form: str = "csv", report: Report = None) -> Path:
    """Restore the benchmark's blocks and write ``SubmitSrgb.csv`` (today's server) or ``SubmitSrgb.mat`` (the former).

    Args:
        output: folder. form: ``csv``, or ``mat``.
    Raises:
        UserError: not 1280 blocks; the file is then not there.
    """
    path = output / f"SubmitSrgb.{form}"
    if form == "csv":
        write_sidd_csv(path, _outputs(restorer, dataset, report))
        return path
    # the .mat holds the time that restoring took, so the blocks come first: 250 MB as 8 bits
    blocks = [to_uint8(block) for block in _outputs(restorer, dataset, report)]
    write_sidd_mat(path, blocks, (restorer.speed or 0.0) / 1000 * (1 << 20) / 1e6)
    return path


def submit_dnd(restorer: Restorer, dataset: Dataset, output: Path, report: Report = None) -> list[Path]:
    """Restore DND's 50 x 20 crops and write ``0001.mat`` to ``0050.mat`` into the folder `output`."""
    named = zip((row.scene for row in dataset.rows), _outputs(restorer, dataset, report), strict=True)
    images = ([crop for _, crop in crops] for _, crops in groupby(named, key=lambda pair: pair[0]))
    return write_dnd(output, images)


def _outputs(restorer: Restorer, dataset: Dataset, report: Report) -> Iterator[np.ndarray]:
    for done, restored in enumerate(restorer(dataset), 1):
        if report:
            report("restoring", done, len(dataset))
        yield restored.output
