"""BSDS500: the 500 colour photographs of the Berkeley segmentation set, divided as its authors divide them.

BSD68 and CBSD68 lie inside ``val``, and Set12 holds a picture of the set: nothing of ``val`` is for training.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from datasets.added import WithNoise
from datasets.base import DatasetFacts, Item
from datasets.classic import BERKELEY, NOISE_OPTIONS
from datasets.core.errors import UserError
from datasets.listing import header, need_source, pictures
from datasets.manifest import MANIFEST, read_manifest
from datasets.ops.images import read_image

COUNTS = {"train": 200, "val": 100, "test": 200}
LICENCE = "non-commercial research and education, as the Berkeley group states for its segmentation set"
# The authors' package has the folders deep inside; the prepared set has one per split and role.
_INSIDE = (Path(), Path("images"), Path("data/images"), Path("BSDS500/data/images"))
_WHAT = "BSDS500: the folders train, val and test of the authors' data/images, 200, 100 and 200 pictures"


class BSDS500(WithNoise):
    """The photographs, 481x321 or 321x481, each a scene of its own, with white Gaussian noise added on reading."""

    facts = DatasetFacts(
        name="bsds500",
        title="BSDS500",
        task="denoise",
        splits=("test", "val", "train"),
        default_split="test",
        train_split="train",
        convention="float-gauss",
        complete=COUNTS,
        options=NOISE_OPTIONS,
        synthetic=True,
        licence=LICENCE,
        citation=(
            BERKELEY + "\n@article{arbelaez2011contour, title={Contour Detection and Hierarchical Image Segmentation}, "
            "author={Arbel{\\'a}ez, Pablo and Maire, Michael and Fowlkes, Charless and Malik, Jitendra}, "
            "journal={IEEE TPAMI}, volume={33}, number={5}, pages={898--916}, year={2011}}"
        ),
        source="https://github.com/BIDS/BSDS500: BSDS500/data/images (the folders train, val and test)",
    )

    @classmethod
    def items(cls, source: Path | None, **options: Any) -> Iterator[Item]:
        """The pictures of the authors' folders. Raises UserError where one is missing or has another size."""
        for split, paths in photographs(need_source(source, _WHAT)).items():
            for path in paths:
                yield Item(path.stem, split, path.stem, {"clean": partial(read_image, path, 3)})


def photographs(source: Path) -> dict[str, list[Path]]:
    """Split -> its pictures by name, of a folder in the authors' layout or of the prepared set.

    Raises UserError where pictures are missing, too many, or of another size.
    """
    if (source / MANIFEST).exists():
        rows = [row for row in read_manifest(source, "bsds500") if row.split in COUNTS]
        found = {split: [source / row.files["clean"] for row in rows if row.split == split] for split in COUNTS}
    else:
        found = {split: pictures(folder) for split, folder in _folders(source).items()}
    for split, paths in found.items():
        if len(paths) != COUNTS[split]:
            raise UserError(f"Expected {_WHAT}; found {len(paths)} of {COUNTS[split]} for {split} in {source}.")
        for path in paths:
            _check(path)
    return found


def _folders(source: Path) -> dict[str, Path]:
    for inside in _INSIDE:
        folders = {split: source / inside / split for split in COUNTS}
        if all(folder.is_dir() for folder in folders.values()):
            return folders
    raise UserError(f"Expected {_WHAT}; found no such folders in {source}. Source: {BSDS500.facts.source}")


def _check(path: Path) -> None:
    height, width, channels = header(path)
    if {height, width} != {321, 481} or channels != 3:
        kind = "colour" if channels == 3 else "grey"
        raise UserError(f"Expected colour pictures of 481x321, but {path} is {kind} and {width}x{height}.")
