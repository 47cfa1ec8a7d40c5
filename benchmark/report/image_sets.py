"""Records that were measured on the same images, with their per-image scores."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmark.leaderboard.contenders import same_images
from benchmark.records.files import read_scores
from benchmark.records.record import DONE, ImageScore, Record
from datasets.core.errors import UserError


@dataclass(frozen=True)
class ImageSet:
    """One split under one degradation, and who restored it.

    Attributes:
        records: finished ones, in the leaderboard's order. scores: of each record, its rows by image name.
        names, scenes: of all images that one of the records has, in the order of the longest record.
        conventions: of all records, the set's own first; ('',) where nothing was scored, for want of clean images.
    """

    records: tuple[Record, ...]
    scores: tuple[dict[str, ImageScore], ...]
    names: tuple[str, ...]
    scenes: tuple[str, ...]
    conventions: tuple[str, ...]

    @property
    def is_scored(self) -> bool:
        """Whether there are figures at all."""
        return self.conventions != ("",)

    @property
    def title(self) -> str:
        """Dataset, split and degradation."""
        cell = self.records[0].cell
        return " · ".join(part for part in (cell.data.spec, cell.data.split, cell.degradation) if part)

    def column(self, record: int, metric: str, convention: str) -> np.ndarray:
        """(images,) float32 scores of a record in the order of `names`; NaN where an image has none."""
        known, column = self.scores[record], f"{metric}[{convention}]"
        values = (known[name].values.get(column) if name in known else None for name in self.names)
        return np.array([np.nan if value is None else value for value in values], np.float32)


def image_sets(records: Iterable[Record], warn: Callable[[str], None] | None = None) -> list[ImageSet]:
    """The finished records by what they were measured on. Records whose scores cannot be read are left out with a
    sentence to `warn`."""
    groups: dict[object, list[tuple[Record, list[ImageScore]]]] = {}
    for record in records:
        if record.status != DONE or not record.folder:
            continue
        try:
            rows = read_scores(record.folder, record)
        except UserError as error:
            if warn:
                warn(str(error))
            continue
        if rows:
            groups.setdefault(same_images(record), []).append((record, rows))
    return [_made(group) for group in groups.values()]


def _made(group: Sequence[tuple[Record, list[ImageScore]]]) -> ImageSet:
    longest = max((rows for _, rows in group), key=len)
    every = {row.name: row.scene for rows in (longest, *(rows for _, rows in group)) for row in rows}
    main = group[0][0].data.convention
    conventions = {name for record, _ in group for name in record.figures}
    return ImageSet(
        tuple(record for record, _ in group),
        tuple({row.name: row for row in rows} for _, rows in group),
        tuple(every),
        tuple(every.values()),
        tuple(sorted(conventions, key=lambda name: (name != main, name))) or ("",),
    )
