"""Low-dose CT: slices as float arrays, in pairs of a low and the full dose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from datasets.base import DatasetFacts, Item, Row
from datasets.core.errors import UserError
from datasets.listing import need_source
from datasets.ops.arrays import read_npy
from datasets.prepared import Prepared

# CT numbers -140 to 260 where 0 stands for -1000 and 1 for 2000, as LIR's authors show them.
WINDOW = (860 / 3000, 1260 / 3000)
FOLDERS = {"raw": ("low", "quarter", "degraded"), "raw_clean": ("full", "clean")}
# Names of slices side by side, as RED-CNN's code writes them.
ENDINGS = {"raw": "_input", "raw_clean": "_target"}
_ROLES = {"raw": "degraded", "raw_clean": "clean"}
_WHAT = (
    "folders of .npy slices, low and full, or files *_input.npy and *_target.npy, directly or within test, validation "
    "and train"
)


_OTHER_SCALE = (
    "named as RED-CNN's slices, whose values mean (CT number + 1024) / 4096: give lower and upper for their window"
)


class Slices(Prepared):
    """Grey float32 slices in [0, 1], nothing quantised, kept as .npy.

    Their meta says which part of the range is looked at: ``window`` is [lower, upper], and a value v is shown as
    (v - lower) / (upper - lower). Scores are over the whole range.
    """

    def __init__(self, root: Path | str, **given: Any) -> None:
        super().__init__(root, **given)
        self.rows = [_renamed(row) for row in self.rows]
        self.options = {}  # they decided about what was prepared

    def read(self, index: int, role: str) -> np.ndarray:
        """(H, W, 1) float32."""
        return super().read(index, role)[..., None]

    @property
    def degradation(self) -> str:
        """``low-dose``."""
        return "low-dose"


def _renamed(row: Row) -> Row:
    """Arrays are stored under the roles that are kept as .npy, and read as what they are."""
    return replace(
        row,
        files={_ROLES[role]: path for role, path in row.files.items()},
        sha256={_ROLES[role]: text for role, text in row.sha256.items()},
    )


class LDCT(Slices):
    """The user's own slices, such as those of the Mayo Clinic's grand challenge, scaled to [0, 1].

    Slices of one patient are one scene; the patient is a name's part before the first ``_``, as in L506_0123.npy.
    """

    facts = DatasetFacts(
        name="ldct",
        title="LDCT",
        task="denoise",
        splits=("test", "validation", "train"),
        default_split="test",
        train_split="train",
        convention="skimage7-float-range2",
        channels=1,
        options={
            "split": ("test", "prepare: which split two folders low and full become"),
            "lower": (WINDOW[0], "prepare: lower end of the window that is looked at, on the scale of the slices"),
            "upper": (WINDOW[1], "prepare: its upper end"),
        },
        licence="terms of the slices' owners",
        citation="@article{mccollough2017low, title={Low-dose CT for the detection and classification of metastatic "
        "liver lesions: Results of the 2016 Low Dose CT Grand Challenge}, author={McCollough, Cynthia H. and others}, "
        "journal={Medical Physics}, year={2017}}",
        source="https://www.aapm.org/grandchallenge/lowdosect/: slices converted to float .npy, (CT number + 1000) / "
        "3000, clipped to [0, 1], in folders low and full with equal names",
    )
    additive = True

    @classmethod
    def items(
        cls,
        source: Path | None,
        *,
        split: str = "test",
        lower: float = WINDOW[0],
        upper: float = WINDOW[1],
        **options: Any,
    ) -> Iterator[Item]:
        """One Item per pair of slices. Raises UserError for a source without any, a slice without its partner; on
        reading, for one that is not (H, W) within [0, 1]."""
        folder = need_source(source, _WHAT)
        if split not in cls.facts.splits or not lower < upper:
            raise UserError(
                f"Expected a split of {', '.join(cls.facts.splits)} and a lower end below the upper one, but got "
                f"{split!r}, {lower:g} and {upper:g}."
            )
        places = {name: folder / name for name in cls.facts.splits if (folder / name).is_dir()} or {split: folder}
        for name, place in places.items():
            for stem, files in _pairs(place):
                load = {role: partial(read_slice, path) for role, path in files.items()}
                notes = (_OTHER_SCALE,) if files["raw"].stem.endswith(ENDINGS["raw"]) else ()
                meta = {"window": [lower, upper]}
                yield Item(stem, name, stem.partition("_")[0], load, meta=meta, notes=notes)


def _pairs(folder: Path) -> list[tuple[str, Mapping[str, Path]]]:
    found = {role: _slices(folder, names) for role, names in FOLDERS.items()}
    if not found["raw"]:
        found = {role: _ending(folder, end) for role, end in ENDINGS.items()}
    if not found["raw"]:
        raise UserError(f"Expected {_WHAT}, but {folder} has no folder {' or '.join(FOLDERS['raw'])} with .npy files.")
    low, full = found["raw"], found["raw_clean"]
    alone = sorted(low.keys() ^ full.keys()) if full else []
    if alone:
        raise UserError(f"Expected equal names of low and full dose in {folder}, but {alone[0]!r} is in one only.")
    return [(stem, {role: files[stem] for role, files in found.items() if files}) for stem in sorted(low)]


def _slices(folder: Path, names: tuple[str, ...]) -> dict[str, Path]:
    place = next((folder / name for name in names if (folder / name).is_dir()), None)
    return {path.stem: path for path in sorted(place.glob("*.npy"))} if place else {}


def _ending(folder: Path, end: str) -> dict[str, Path]:
    return {path.stem.removesuffix(end): path for path in sorted(folder.glob(f"*{end}.npy"))}


def read_slice(path: Path) -> np.ndarray:
    """(H, W) float32 in [0, 1]. Raises UserError for any other array."""
    array = read_npy(path)
    if array.ndim != 2 or array.dtype.kind != "f":
        raise UserError(f"Expected a slice of floats, (H, W), in {path}, but it holds {array.shape} {array.dtype}.")
    if not (array.min() >= 0 and array.max() <= 1):  # not so with NaN either
        raise UserError(
            f"Expected values in [0, 1] in {path}, but they are {array.min():g} to {array.max():g}; convert CT numbers "
            "by (value + 1000) / 3000 and clip."
        )
    return array.astype(np.float32)
