"""GoPro and HIDE: photographs blurred by motion, averaged from the frames of fast films."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from datasets.base import DatasetFacts
from datasets.paired import Files, Paired, pairs_in, suffixed

_GOPRO = (
    "@inproceedings{nah2017deep, title={Deep Multi-scale Convolutional Neural Network for Dynamic Scene Deblurring}, "
    "author={Nah, Seungjun and Kim, Tae Hyun and Lee, Kyoung Mu}, booktitle={CVPR}, year={2017}}"
)
_HIDE = (
    "@inproceedings{shen2019human, title={Human-Aware Motion Deblurring}, author={Shen, Ziyi and Wang, Wenguan and Lu, "
    "Xiankai and Shen, Jianbing and Ling, Haibin and Xu, Tingfa and Shao, Ling}, booktitle={ICCV}, year={2019}}"
)
_PACKAGE = "the deblurring package that swz30/MPRNet links (folders input and target)"


class GoPro(Paired):
    """GOPRO_Large: 2,103 training and 1,111 test pairs of 1280x720, of 22 and 11 films.

    Also in its authors' own layout, <split>/<film>/{blur,sharp}/NNNNNN.png; the linear ``blur`` is read, as the papers
    do, and not ``blur_gamma``. Single frames side by side, NAME_blur.png with or without NAME_sharp.png, count as test.
    """

    facts = DatasetFacts(
        name="gopro",
        title="GoPro",
        task="deblur",
        splits=("test", "train"),
        default_split="test",
        train_split="train",
        convention="matlab-volume-uint8",
        complete={"test": 1111, "train": 2103},
        licence="CC BY 4.0, as the authors' page states",
        citation=_GOPRO,
        source=f"https://seungjunnah.github.io/Datasets/gopro (GOPRO_Large), or {_PACKAGE}",
    )
    aliases = ("GoPro", "GOPRO_Large", "gopro")
    word = "blur"
    scene = r"(GOPR\d+_\d+_\d+)"

    @classmethod
    def of_split(cls, source: Path, split: str) -> Iterator[tuple[str, Files]]:
        """See the base class; films, where the folder holds them; single frames."""
        places = [source / split, *(source / name / split for name in cls.aliases)]
        places += [source] if source.name.lower() == split else []
        found = list(super().of_split(source, split))
        for place in places if not found else ():
            found = found or list(_films(place))
        if not found and split == "test":
            found = suffixed(source, "_blur", "_sharp")
        yield from found


def _films(folder: Path) -> Iterator[tuple[str, Files]]:
    for film in sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else ():
        yield from ((f"{film.name}-{frame}", files) for frame, files in pairs_in(film))


class HIDE(Paired):
    """HIDE: 2,025 test pairs of people in motion, on which networks trained on GoPro are tested."""

    facts = DatasetFacts(
        name="hide",
        title="HIDE",
        task="deblur",
        splits=("test",),
        default_split="test",
        convention="matlab-volume-uint8",
        complete={"test": 2025},
        licence="terms of its authors",
        citation=_HIDE,
        source=f"https://github.com/joanshen0508/HA_deblur, or {_PACKAGE}",
    )
    aliases = ("HIDE", "hide")
    word = "blur"
