"""From restored benchmark images to the files that their servers take."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmark.progress import Report
from datasets.base import Dataset
from datasets.core.files import clear_parts_of
from datasets.submission import DND_IMAGES, to_uint8, write_dnd, write_sidd_csv, write_sidd_mat

if TYPE_CHECKING:
    from benchmark.inference.restorer import Restorer


@dataclass(frozen=True)
class Images:
    """Restored images in the dataset's order, once.

    Attributes:
        each: (H, W, C) float32 with white at 1, or uint8, checked. seconds: that a megapixel (2**20 pixels) took, known
            when all have been read; None = not known.
        remarks: what to say when they have been read.
    """

    each: Iterator[np.ndarray]
    seconds: Callable[[], float | None]
    remarks: Callable[[], list[str]] = list


def restored_by(restorer: Restorer, dataset: Dataset, report: Report = None) -> Images:
    """A dataset's images as a method restores them."""

    def each() -> Iterator[np.ndarray]:
        for done, restored in enumerate(restorer(dataset), 1):
            if report:
                report("restoring", done, len(dataset))
            yield restored.output

    return Images(each(), lambda: (restorer.speed or 0.0) / 1000 * (1 << 20) / 1e6)


def submit_sidd(images: Images, output: Path, form: str = "csv") -> Path:
    """Write ``SubmitSrgb.csv`` (today's server) or ``SubmitSrgb.mat`` (the former) of the benchmark's restored blocks.

    Args:
        output: folder. form: ``csv``, or ``mat``, which holds the time that restoring took (0 where that is not known).
    Raises:
        UserError: not 1280 blocks; the file is then not there.
    """
    path = output / f"SubmitSrgb.{form}"
    clear_parts_of([path])
    if form == "csv":
        write_sidd_csv(path, images.each)
        return path
    # the .mat holds the time that restoring took, so the blocks come first: 250 MB as 8 bits
    blocks = [to_uint8(block) for block in images.each]
    write_sidd_mat(path, blocks, images.seconds() or 0.0)
    return path


def submit_dnd(images: Images, dataset: Dataset, output: Path) -> list[Path]:
    """Write ``0001.mat`` to ``0050.mat`` of DND's 50 x 20 restored crops into the folder `output`."""
    clear_parts_of(output / f"{number + 1:04d}.mat" for number in range(DND_IMAGES))
    named = zip((row.scene for row in dataset.rows), images.each, strict=True)
    grouped = ([crop for _, crop in crops] for _, crops in groupby(named, key=lambda pair: pair[0]))
    return write_dnd(output, grouped)
