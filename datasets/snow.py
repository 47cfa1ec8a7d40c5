"""The desnowing papers' sets, with synthetic snow: Snow100K, CSD and SRRS.

Their layouts and counts are general knowledge of the field and were not checked against the files; what was checked is
that two folders of equal names work wherever they lie, as `pairs_below` and `Snow.items` say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from datasets.base import DatasetFacts
from datasets.listing import by_folder
from datasets.paired import FOLDERS, Files, Paired

# Names that the folders of the snowy and of the clean pictures go by, in any case; masks of the snow are left alone.
SNOWY = (
    *(("synthetic", "gt"), ("snow", "gt"), ("snow", "clean"), ("snowy", "clean"), ("syn", "gt"), ("degraded", "clean")),
    *FOLDERS,
)


_UNCHECKED = "this layout was not checked; two folders of equal names, such as snow and gt, work for each split"


def _facts(name: str, title: str, splits: tuple[str, ...], default: str, source: str, **given: Any) -> DatasetFacts:
    return DatasetFacts(
        name=name,
        title=title,
        task="desnow",
        splits=splits,
        default_split=default,
        train_split="train",
        # the papers' own is not stated where we could read; this one is BasicSR's plain PSNR and SSIM on 8-bit RGB
        convention="uint8-gauss",
        licence="terms of its authors",
        source=f"{source}; {_UNCHECKED}",
        **given,
    )


class Snow(Paired):
    """What the sets have in common.

    A split is looked for in the folders of `places` within the source, in ``<split>``, and for the default split in the
    source itself; in them, two folders of the names SNOWY with equal file names but for the suffix.
    """

    word = "snow"
    places: ClassVar[Mapping[str, Sequence[str]]] = {}

    @classmethod
    def of_split(cls, source: Path, split: str) -> Iterator[tuple[str, Files]]:
        """(name, files) of one split; nothing where the source does not have it."""
        own = [source] if split == cls.facts.default_split else []
        for place in [*(source / place for place in cls.places.get(split, ())), source / split, *own]:
            pairs = pairs_below(place)
            if pairs:
                yield from pairs
                return


def pairs_below(folder: Path) -> list[tuple[str, Files]]:
    """Pairs of a folder that holds two of the names SNOWY; [] where it does not."""
    inside = {path.name.lower(): path for path in folder.iterdir() if path.is_dir()} if folder.is_dir() else {}
    for snowy, clean in SNOWY:
        if snowy in inside and clean in inside:
            pairs = by_folder(inside[snowy], inside[clean])
            return [(pair.stem, {"degraded": pair.degraded, "clean": pair.clean}) for pair in pairs]
    return []


class Snow100K(Snow):
    """50,000 training pairs, and test pairs with small, medium-sized and large flakes: test-s, test-m, test-l."""

    facts = _facts(
        "snow100k",
        "Snow100K",
        ("test-s", "test-m", "test-l", "train"),
        "test-l",
        complete={"test-s": 16611, "test-m": 16588, "test-l": 16801, "train": 50000},
        citation="@article{liu2018desnownet, title={DesnowNet: Context-Aware Deep Network for Snow Removal}, "
        "author={Liu, Yun-Fu and Jaw, Da-Wei and Huang, Shih-Chia and Hwang, Jenq-Neng}, journal={IEEE Transactions on "
        "Image Processing}, year={2018}}",
        source="https://sites.google.com/view/yunfuliu/desnownet (folders synthetic, gt and mask)",
    )
    places: ClassVar[Mapping[str, Sequence[str]]] = {
        "test-s": ("Snow100K-S", "test/Snow100K-S", "Snow100K-testset/Snow100K-S"),
        "test-m": ("Snow100K-M", "test/Snow100K-M", "Snow100K-testset/Snow100K-M"),
        "test-l": ("Snow100K-L", "test/Snow100K-L", "Snow100K-testset/Snow100K-L"),
        "train": ("Snow100K-training/all", "Snow100K-training", "all"),
    }


class CSD(Snow):
    """8,000 training and 2,000 test pairs with snow and veil."""

    facts = _facts(
        "csd",
        "CSD",
        ("test", "train"),
        "test",
        complete={"test": 2000, "train": 8000},
        citation="@inproceedings{chen2021all, title={ALL Snow Removed: Single Image Desnowing Algorithm Using "
        "Hierarchical Dual-Tree Complex Wavelet Representation and Contradict Channel Loss}, author={Chen, Wei-Ting "
        "and Fang, Hao-Yu and Hsieh, Cheng-Lin and Tsai, Cheng-Che and Chen, I-Hsiang and Ding, Jian-Jiun and Kuo, "
        "Sy-Yen}, booktitle={ICCV}, year={2021}}",
        source="https://github.com/weitingchen83/ICCV2021-Single-Image-Desnowing-HDCWNet (folders Train and Test with "
        "Snow, Gt and Mask)",
    )
    places: ClassVar[Mapping[str, Sequence[str]]] = {
        "test": ("Test", "CSD/Test", "CSD/test"),
        "train": ("Train", "CSD/Train", "CSD/train"),
    }


class SRRS(Snow):
    """Pairs with snow and veil; how many are for the training and for the test is not settled among its users."""

    facts = _facts(
        "srrs",
        "SRRS",
        ("test", "train"),
        "test",
        citation="@inproceedings{chen2020jstasr, title={JSTASR: Joint Size and Transparency-Aware Snow Removal "
        "Algorithm Based on Modified Partial Convolution and Veiling Effect Removal}, author={Chen, Wei-Ting and Fang, "
        "Hao-Yu and Ding, Jian-Jiun and Tsai, Cheng-Che and Kuo, Sy-Yen}, booktitle={ECCV}, year={2020}}",
        source="https://github.com/weitingchen83/JSTASR-DesnowNet-ECCV-2020 (folders Train and Test with Snow, Gt and "
        "Mask)",
    )
    places: ClassVar[Mapping[str, Sequence[str]]] = {
        "test": ("Test", "SRRS/Test", "SRRS/test"),
        "train": ("Train", "SRRS/Train", "SRRS/train"),
    }
