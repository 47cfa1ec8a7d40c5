"""Super-resolution: Set5, reduced by bicubic interpolation, and the pools and pairs of two challenges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from datasets.base import DatasetFacts, Row
from datasets.classic import Known, Layout
from datasets.core.errors import UserError
from datasets.listing import by_folder, not_empty
from datasets.ops.resize import imresize_bytes
from datasets.paired import Files, Paired

SCALE = (4, "clean size / degraded size")


def word(scale: int) -> str:
    """A scale as published figures have it."""
    return f"x{scale}"


class Set5(Known):
    """Five pictures, reduced on reading as MATLAB reduces 8-bit images; at the bottom and on the right they are cut to
    a multiple of the scale first."""

    facts = DatasetFacts(
        name="set5",
        title="Set5",
        task="super-resolve",
        splits=("test",),
        default_split="test",
        convention="rgb-border4-wang",
        scale=4,
        complete={"test": 5},
        options={"scale": SCALE},
        synthetic=True,
        licence="classic test pictures, terms not stated",
        citation="@inproceedings{bevilacqua2012low, title={Low-Complexity Single-Image Super-Resolution Based on "
        "Nonnegative Neighbor Embedding}, author={Bevilacqua, Marco and Roumy, Aline and Guillemot, Christine and "
        "Alberi-Morel, Marie-Line}, booktitle={BMVC}, year={2012}}",
        source="https://github.com/Zheng222/IMDN: Test_Datasets/Set5 (baby.bmp to woman.bmp)",
    )
    layout = Layout(
        (("baby", "bird", "butterfly", "head", "woman"),),
        frozenset({(512, 512), (288, 288), (256, 256), (280, 280), (344, 228)}),
    )

    def __init__(self, root: Path | str, **given: Any) -> None:
        super().__init__(root, **given)
        scale = self.options["scale"]
        if not 1 < scale <= 8:
            raise UserError(f"Expected a scale of 2 to 8 for set5, but got {scale}.")
        self.facts = replace(self.facts, scale=scale)  # type: ignore[misc]

    def read(self, index: int, role: str) -> np.ndarray:
        """The picture, cut to a multiple of the scale."""
        image, scale = super().read(index, role), self.facts.scale
        height, width = (side // scale * scale for side in image.shape[:2])
        return np.ascontiguousarray(image[:height, :width])

    def degrade(self, clean: np.ndarray, row: Row, options: Mapping[str, Any], seed: int) -> np.ndarray:
        """(H, W, 3) uint8 -> (H / scale, W / scale, 3) uint8. Nothing is drawn."""
        return imresize_bytes(clean, 1 / options["scale"])

    @property
    def degradation(self) -> str:
        """``x4``."""
        return word(self.facts.scale)


class Challenge(Paired):
    """Two training pools that have nothing to do with each other, and pairs for validation, by 4.

    The training's degraded pictures (the source domain) are taken as they are, whatever their size, and are never
    reduced; its clean ones (the target domain) are of other scenes.

    Class attributes:
        pools: role -> names that the folder of its training pictures goes by, within the source.
        pairs: the same for validation.
    """

    word = "x4"
    pools: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    pairs: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    @classmethod
    def of_split(cls, source: Path, split: str) -> Iterator[tuple[str, Files]]:
        """(name, files) of one split; nothing where the source does not have it."""
        found = folders(source, cls.pools if split == "train" else cls.pairs)
        if split == "train":
            cls._check_both(source, found)
            for role, folder in found.items():
                yield from ((f"{role}-{path.stem}", {role: path}) for path in not_empty(folder))
        elif "degraded" in found:
            yield from at_scale(found["degraded"], found.get("clean"), cls.facts.scale)

    @classmethod
    def _check_both(cls, source: Path, found: Mapping[str, Path]) -> None:
        if len(found) == 1:
            missing = next(role for role in cls.pools if role not in found)
            raise UserError(
                f"Expected two training pools for {cls.facts.name} in {source}, but of the {missing} pictures there is "
                f"no folder; it may be called {' or '.join(cls.pools[missing])}."
            )


def folders(source: Path, names: Mapping[str, tuple[str, ...]]) -> dict[str, Path]:
    """Role -> the first of its folders that the source has."""
    there = {role: [source / name for name in known if (source / name).is_dir()] for role, known in names.items()}
    return {role: folders[0] for role, folders in there.items() if folders}


def at_scale(degraded: Path, clean: Path | None, scale: int) -> list[tuple[str, Files]]:
    """(name, files) of pairs of equal names, but that the degraded ones may end in ``x4``; or of what is degraded."""
    if clean is None:
        return [(path.stem, {"degraded": path}) for path in not_empty(degraded)]
    pairs = by_folder(degraded, clean, word(scale))
    return [(pair.stem, {"degraded": pair.degraded, "clean": pair.clean}) for pair in pairs]


def _challenge(name: str, title: str, source: str, citation: str) -> DatasetFacts:
    return DatasetFacts(
        name=name,
        title=title,
        task="super-resolve",
        splits=("validation", "train"),
        default_split="validation",
        train_split="train",
        convention="rgb-border4-wang",
        scale=4,
        complete={"validation": 100},
        licence="DIV2K and Flickr2K: academic research only",
        citation=citation,
        source=source,
    )


class AIM2019(Challenge):
    """AIM 2019, real-world super-resolution: DIV2K as target, degraded Flickr2K as source; 100 validation pairs."""

    facts = _challenge(
        "aim2019",
        "AIM 2019 RWSR",
        "https://competitions.codalab.org/competitions/20164: folders train-noisy, train-clean, valid-input-noisy and "
        "valid-gt-clean (or source, target, valid_lr, valid_hr)",
        "@inproceedings{lugmayr2019aim, title={AIM 2019 Challenge on Real-World Image Super-Resolution: Methods and "
        "Results}, author={Lugmayr, Andreas and Danelljan, Martin and Timofte, Radu and others}, "
        "booktitle={ICCV Workshops}, year={2019}}",
    )
    pools: ClassVar = {
        "degraded": ("train-noisy", "train-noisy-images", "source"),
        "clean": ("train-clean", "train-clean-images", "target"),
    }
    pairs: ClassVar = {
        "degraded": ("valid-input-noisy", "valid_lr", "validation/lr"),
        "clean": ("valid-gt-clean", "valid_hr", "validation/hr"),
    }


class NTIRE2020(Challenge):
    """NTIRE 2020, real-world super-resolution, track 1: image processing artefacts; 100 validation pairs."""

    facts = _challenge(
        "ntire2020",
        "NTIRE 2020 RWSR track 1",
        "https://competitions.codalab.org/competitions/22220: folders Corrupted-tr-x, Corrupted-tr-y, Corrupted-va-x "
        "and DIV2K_valid_HR (or source, target, valid_lr, valid_hr)",
        "@inproceedings{lugmayr2020ntire, title={NTIRE 2020 Challenge on Real-World Image Super-Resolution: Methods "
        "and Results}, author={Lugmayr, Andreas and Danelljan, Martin and Timofte, Radu and others}, "
        "booktitle={CVPR Workshops}, year={2020}}",
    )
    pools: ClassVar = {
        "degraded": ("Corrupted-tr-x", "source"),
        "clean": ("Corrupted-tr-y", "DIV2K_train_HR", "target"),
    }
    pairs: ClassVar = {
        "degraded": ("Corrupted-va-x", "track1-valid-input", "valid_lr", "validation/lr"),
        "clean": ("DIV2K_valid_HR", "track1-valid-gt", "valid_hr", "validation/hr"),
    }
