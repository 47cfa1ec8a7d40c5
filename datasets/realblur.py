"""RealBlur: photographs blurred by a shaking hand, taken beside sharp ones through a beam splitter.

The two cameras do not quite see the same, so the papers align the restored image to the sharp one before they score
it: see `datasets.ops.alignment`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import ClassVar

from datasets.base import DatasetFacts
from datasets.core.errors import UserError
from datasets.paired import Files, Paired

_CITATION = (
    "@inproceedings{rim2020real, title={Real-World Blur Dataset for Learning and Benchmarking Deblurring Algorithms}, "
    "author={Rim, Jaesung and Lee, Haeyun and Won, Jucheol and Cho, Sunghyun}, booktitle={ECCV}, year={2020}}"
)


def _facts(name: str, title: str, what: str) -> DatasetFacts:
    return DatasetFacts(
        name=name,
        title=title,
        task="deblur",
        splits=("test", "train"),
        default_split="test",
        train_split="train",
        convention="realblur-aligned",
        complete={"test": 980, "train": 3758},
        licence="terms of its authors",
        citation=_CITATION,
        source=f"https://github.com/rimchang/RealBlur ({what}), or the package that swz30/MPRNet links",
    )


class RealBlur(Paired):
    """What both have in common. The authors' own layout, scenes beside a list of pairs, is read too."""

    word = "blur"
    scene = r"(scene\d+)"
    letter: ClassVar[str] = ""

    @classmethod
    def of_split(cls, source: Path, split: str) -> Iterator[tuple[str, Files]]:
        """See the base class; the pairs of the authors' list, ``RealBlur_J_test_list.txt``."""
        listed = source / f"RealBlur_{cls.letter}_{split}_list.txt"
        listed = listed if listed.is_file() else next(source.glob(f"*/{listed.name}"), listed)
        yield from _listed(listed) if listed.is_file() else super().of_split(source, split)


class RealBlurJ(RealBlur):
    """From the cameras' JPEGs: 980 test and 3,758 training pairs."""

    facts = _facts("realblur-j", "RealBlur-J", "RealBlur-J_ECC_IMCORR_centroid_itensity_ref and the lists")
    aliases = ("RealBlur_J", "RealBlur-J", "realblur-j")
    letter = "J"


class RealBlurR(RealBlur):
    """From the cameras' raw images: 980 test and 3,758 training pairs."""

    facts = _facts("realblur-r", "RealBlur-R", "RealBlur-R_BM3D_ECC_IMCORR_centroid_itensity_ref and the lists")
    aliases = ("RealBlur_R", "RealBlur-R", "realblur-r")
    letter = "R"


def _listed(path: Path) -> Iterator[tuple[str, Files]]:
    """Lines of two paths below the list's folder: the sharp picture, then the blurred one."""
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), 1):
        if not line.strip():
            continue
        parts = line.split()[:2]
        if any(PurePath(part).is_absolute() or ".." in PurePath(part).parts for part in parts):
            raise UserError(f"Expected paths below {path.parent} in {path}, but line {number} leads out of it.")
        files = [path.parent / part for part in parts]
        missing = [str(file) for file in files if not file.is_file()]
        if len(files) < 2 or missing:
            what = missing[0] if missing else f"two paths in line {number}"
            raise UserError(f"Expected the pictures that {path} lists, but {what} is missing; fetch the set again.")
        sharp, blurred = files
        yield f"{blurred.parent.parent.name}_{blurred.stem}", {"degraded": blurred, "clean": sharp}
