"""PolyU: 100 pairs of real camera noise, cropped from 40 scenes of five cameras (Xu et al. 2018)."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from datasets.base import DatasetFacts, Item, Row
from datasets.core.errors import UserError
from datasets.listing import Pair, by_folder, by_suffix, need_source, pictures, two_folders
from datasets.prepared import Prepared
from datasets.recognition import marked

# camera_aperture_shutter_ISO_object_number; one file family has two underscores before its number.
_CROP = re.compile(r"([A-Za-z0-9]+)_([\d.-]+)_(\d+)_(\d+)_(.+?)_+(\d+)")
# The uncropped pictures name the cameras otherwise (one file even with an underscore within).
_CAMERAS = {"Nikon800": "NikonD800", "Nikon_800": "NikonD800", "Canon600": "Canon600D", "SonyA7II": "Sony"}
_WHAT = "PolyU: CroppedImages with *_real.JPG and *_mean.JPG, or a folder of noisy and one of clean pictures"


@cache
def scene_sides() -> Mapping[str, str]:
    """Object name -> ``train`` or ``test``: the project's split by scene, fixed as data.

    A scene is an object across cameras (23 of them). None is on both sides, every camera is in the test, 30 of the
    100 crops are.
    """
    path = Path(__file__).parent / "data" / "polyu_scenes.csv"
    with path.open(encoding="utf-8", newline="") as stream:
        return {row["object"]: row["side"] for row in csv.DictReader(stream)}


class PolyU(Prepared):
    """The 100 crops as one test split, and two splits by scene for training on real noise.

    `scene` is the object, across cameras: the same thing was photographed by several. JPEG files are prepared as the
    PNGs of their decoded pixels.
    """

    facts = DatasetFacts(
        name="polyu",
        title="PolyU",
        task="denoise",
        splits=("test", "scenes-train", "scenes-test", "original"),
        default_split="test",
        train_split="scenes-train",
        convention="float-gauss",
        complete={"test": 100, "scenes-train": 70, "scenes-test": 30, "original": 40},
        licence="research and education, non-commercial, the notice must be kept",
        citation=(
            "@article{xu2018polyu, title={Real-world Noisy Image Denoising: A New Benchmark}, author={Xu, Jun and Li, "
            "Hui and Liang, Zhetong and Zhang, David and Zhang, Lei}, journal={arXiv:1804.02603}, year={2018}}"
        ),
        source=(
            "https://github.com/csjunxu/PolyU-Real-World-Noisy-Images-Dataset: the folder CroppedImages (200 files), "
            "or OriginalImages (80 files)"
        ),
    )
    additive = True

    @classmethod
    def items(cls, source: Path | None, **options: Any) -> Iterator[Item]:
        """Crops and uncropped pairs of a folder, in the order of the noisy files' names.

        Takes the repository's checkout, one of its two folders, PNG or JPEG, the endings in any case, or two folders
        (such as ``polyu_noisy`` and ``polyu_gt``) with equal names. Raises UserError for anything else.
        """
        pairs = list(_pairs(need_source(source, _WHAT)))
        if not pairs:
            raise UserError(f"Expected {_WHAT}; found neither in {source}.")
        items = [(_item(pair), pair) for pair in pairs]
        return (
            marked(item, "polyu", pair.degraded, pair.clean) if item.split == "test" else item for item, pair in items
        )

    def select(self, row: Row, split: str) -> bool:
        """The splits by scene are parts of the crops."""
        if not split.startswith("scenes-"):
            return row.split == split
        return row.split == "test" and scene_sides().get(row.scene) == split.removeprefix("scenes-")


def _pairs(source: Path) -> Iterator[Pair]:
    folders = [folder for folder in (source / "CroppedImages", source / "OriginalImages") if folder.is_dir()]
    for folder in folders or [source]:
        yield from by_suffix(pictures(folder), "_real", "_mean")
    two = two_folders(source)
    if two and not folders:
        yield from by_folder(*two)


def _item(pair: Pair) -> Item:
    name = re.sub("_(real|mean)$", "", pair.stem, flags=re.IGNORECASE)  # two folders may keep the endings
    crop = _CROP.fullmatch(name)
    if crop:
        camera, aperture, shutter, iso, thing, _ = crop.groups()
        meta = {"aperture": float(aperture.replace("-", ".")), "shutter": f"1/{shutter}"}
        return Item(name, "test", thing.rstrip("_"), pair.loaders(), camera, int(iso), meta)
    camera, _, thing = name.rpartition("_")
    if thing and not thing.isdigit():
        return Item(name, "original", _whole_name(thing), pair.loaders(), _CAMERAS.get(camera, camera))
    return Item(name, "test", name, pair.loaders())  # somebody's renumbered copy: nothing is known of its scenes


def _whole_name(thing: str) -> str:
    """The uncropped pictures may cut an object's name short: bicyc, circu, recie."""
    return next((known for known in scene_sides() if known.startswith(thing)), thing)
