"""The deraining papers' sets since MSPFN: one for training, five for the test, which have streaks of many kinds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from datasets.base import DatasetFacts
from datasets.listing import by_mark, pictures
from datasets.paired import Files, Paired

_MSPFN = (
    "@inproceedings{jiang2020mspfn, title={Multi-Scale Progressive Fusion Network for Single Image Deraining}, "
    "author={Jiang, Kui and Wang, Zhongyuan and Yi, Peng and Chen, Chen and Huang, Baojin and Luo, Yimin and Ma, "
    "Jiayi and Jiang, Junjun}, booktitle={CVPR}, year={2020}}"
)
_SOURCE = "the deraining package that swz30/MPRNet and kuijiang94/MSPFN link (folders input and target)"


def _facts(name: str, title: str, count: int, split: str = "test") -> DatasetFacts:
    more: dict[str, Any] = {"train_split": split} if split == "train" else {}
    return DatasetFacts(
        name=name,
        title=title,
        task="derain",
        splits=(split,),
        default_split=split,
        convention="y-rounded-wang",
        complete={split: count},
        licence="terms of the sets' authors",
        citation=_MSPFN,
        source=_SOURCE,
        **more,
    )


class Rain(Paired):
    """What the sets have in common. The first packages, rain-001.png beside norain-001.png, are read too."""

    word = "rain"

    @classmethod
    def of_split(cls, source: Path, split: str) -> Iterator[tuple[str, Files]]:
        """See the base class; pictures side by side."""
        found = list(super().of_split(source, split))
        for place in (source / split, *(source / name for name in cls.aliases), source):
            if not found and place.is_dir():
                pairs = by_mark(pictures(place), "rain-", "norain-")
                found = [(pair.stem, {"degraded": pair.degraded, "clean": pair.clean}) for pair in pairs]
        yield from found


class Rain13K(Rain):
    """13,712 training pairs: Rain14000's (11,200), Rain1800's, Rain800's (700) and Rain12's.

    The package that is passed on holds 13,711, one less than the papers count; either number is the whole set.
    """

    facts = _facts("rain13k", "Rain13K", 13711, "train")
    aliases = ("Rain13K", "rain13k")

    @property
    def partial(self) -> str:
        """See the base class."""
        return "" if len(self.rows) == 13712 else super().partial


class Rain100L(Rain):
    """100 test pairs with light streaks."""

    facts = _facts("rain100l", "Rain100L", 100)
    aliases = ("Rain100L", "R100L", "rain100l")


class Rain100H(Rain):
    """100 test pairs with heavy streaks from five directions."""

    facts = _facts("rain100h", "Rain100H", 100)
    aliases = ("Rain100H", "R100H", "rain100h")


class Test100(Rain):
    """98 test pairs of Rain800."""

    facts = _facts("test100", "Test100", 98)
    aliases = ("Test100", "test100")


class Test1200(Rain):
    """1,200 test pairs of three densities."""

    facts = _facts("test1200", "Test1200", 1200)
    aliases = ("Test1200", "test1200")


class Test2800(Rain):
    """2,800 test pairs of Rain14000: 200 photographs with 14 kinds of streaks each, named PHOTOGRAPH_KIND."""

    facts = _facts("test2800", "Test2800", 2800)
    aliases = ("Test2800", "test2800")
    scene = r"(\d+)_\d+$"
