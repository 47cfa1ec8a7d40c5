"""Set11, the test pictures of compressive sensing: the methods sense the clean pictures themselves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from datasets.base import DatasetFacts, Item, Sample
from datasets.core.errors import UserError
from datasets.listing import Loader, header, need_source, pictures
from datasets.ops.colour import luma_uint8
from datasets.ops.images import read_image
from datasets.prepared import Prepared

STEMS = (
    "barbara", "boats", "cameraman", "fingerprint", "flinstones", "foreman", "house", "lena256", "monarch", "parrots",
    "peppers256",
)  # fmt: skip
_WHAT = f"the {len(STEMS)} pictures of Set11 (barbara.tif to peppers256.tif)"


class Set11(Prepared):
    """Eleven grey pictures, two of 512x512 and nine of 256x256. No degraded form: `ratio` tells how much is sensed.

    Two of the published files have a palette, of greys; of coloured ones the full-range luma would be taken, as in the
    papers' tests.
    """

    facts = DatasetFacts(
        name="set11",
        title="Set11",
        task="compressive-sensing",
        splits=("test",),
        default_split="test",
        convention="cs-luma-skimage7",
        channels=1,
        complete={"test": len(STEMS)},
        options={"ratio": (10.0, "measurements in percent of the pixels; the papers have 1, 4, 10, 25 and 50")},
        licence="classic test pictures, terms not stated",
        citation="@inproceedings{kulkarni2016reconnet, title={ReconNet: Non-Iterative Reconstruction of Images from "
        "Compressively Sensed Measurements}, author={Kulkarni, Kuldeep and Lohit, Suhas and Turaga, Pavan and "
        "Kerviche, Ronan and Ashok, Amit}, booktitle={CVPR}, year={2016}}",
        source="https://github.com/jianzhangcs/ISTA-Net-PyTorch: data/Set11",
    )

    def __init__(self, root: Path | str, **given: Any) -> None:
        super().__init__(root, **given)
        if not 0 < self.options["ratio"] <= 100:
            raise UserError(f"Expected a ratio above 0 and up to 100 percent, but got {self.options['ratio']:g}.")

    @classmethod
    def items(cls, source: Path | None, **options: Any) -> Iterator[Item]:
        """The pictures by their known names; others are left out. Raises UserError for a missing one."""
        folder = need_source(source, _WHAT)
        found = {path.stem.lower(): path for path in pictures(folder)}
        missing = [stem for stem in STEMS if stem not in found]
        if missing:
            raise UserError(
                f"Expected {_WHAT} in {folder}, but {len(missing)} are missing, the first is {missing[0]!r}. "
                f"Source: {cls.facts.source}"
            )
        for stem in STEMS:
            yield Item(stem, "test", stem, {"clean": Loader(found[stem], _grey)})

    def __getitem__(self, index: int) -> Sample:  # type: ignore[override]
        """The clean picture; the ratio is in its meta, so that a method with weights for another one can refuse."""
        sample = super().__getitem__(index)
        return replace(sample, meta={**sample.meta, "ratio": self.options["ratio"]})

    @property
    def degradation(self) -> str:
        """``cs10``: sensed at 10 %."""
        return f"cs{self.options['ratio']:g}"


def _grey(path: Path) -> np.ndarray:
    if header(path)[2] == 1:
        return read_image(path, 1)
    return luma_uint8(read_image(path, 3))[..., None]
