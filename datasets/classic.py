"""The classic sets of clean pictures, with white Gaussian noise that is added on reading."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from datasets.added import SIGMA, WithNoise
from datasets.base import DatasetFacts, Item
from datasets.core.errors import UserError
from datasets.listing import Loader, header, need_source, pictures
from datasets.ops.images import read_image
from datasets.prepared import Prepared
from datasets.recognition import marked

BERKELEY = (
    "@inproceedings{martin2001database, title={A Database of Human Segmented Natural Images}, author={Martin, David "
    "and Fowlkes, Charless and Tal, Doron and Malik, Jitendra}, booktitle={ICCV}, year={2001}}"
)
NOISE_OPTIONS: dict[str, tuple[Any, str]] = {
    "sigma": (25.0, SIGMA),
    "clip": (False, "clip the noisy image to [0, 1]"),
}
BSD68_NUMBERS = Path(__file__).parent / "data" / "bsd68_numbers.txt"


@dataclass(frozen=True)
class Layout:
    """What a set looks like on disk.

    Attributes:
        stems: the alternatives of its files' stems; every stem of one of them must be there.
        sizes: the (height, width) that occur. other: what a set of other sizes may be, for the message.
    """

    stems: tuple[tuple[str, ...], ...]
    sizes: frozenset[tuple[int, int]]
    other: str = ""


class Known(Prepared):
    """A set of clean pictures with known names and sizes, each a scene of its own. Subclasses give facts and layout."""

    layout: ClassVar[Layout]

    @classmethod
    def items(cls, source: Path | None, **options: Any) -> Iterator[Item]:
        """The pictures of a folder by their known names; other files are left out.

        Raises UserError for a missing picture, or a size or a number of channels that this set does not have.
        """
        what = f"the {len(cls.layout.stems[0])} pictures of {cls.facts.title}"
        for path in _known(cls, need_source(source, what), what):
            _check(cls, path)
            load = {"clean": Loader(path, partial(_read, channels=cls.facts.channels))}
            item = Item(path.stem, cls.facts.splits[0], path.stem, load)
            yield marked(item, cls.facts.name, path, channels=cls.facts.channels)


class Classic(Known, WithNoise):
    """One that gets white Gaussian noise on reading."""


def _known(cls: type[Known], folder: Path, what: str) -> list[Path]:
    # Packages hold the pictures one folder further down.
    places = [folder, *(child for child in sorted(folder.iterdir()) if child.is_dir())]
    listed = [{path.stem.lower(): path for path in pictures(place)} for place in places]
    choices = [(sum(name in there for name in names), names, there) for there in listed for names in cls.layout.stems]
    _, stems, found = max(choices, key=lambda choice: choice[0])
    missing = [name for name in stems if name not in found]
    if missing:
        raise UserError(
            f"Expected {what} in {folder}, but {len(missing)} of {len(stems)} are missing, "
            f"the first is {missing[0]!r}. Source: {cls.facts.source}"
        )
    return sorted((found[name] for name in stems), key=lambda path: path.name)


def _check(cls: type[Known], path: Path) -> None:
    height, width, channels = header(path)
    if (height, width) not in cls.layout.sizes:
        sizes = " or ".join(f"{w}x{h}" for h, w in sorted(cls.layout.sizes))
        text = f"Expected {cls.facts.name} of {sizes}, but {path} is {width}x{height}. {cls.layout.other}"
        raise UserError(text.strip())
    if channels < cls.facts.channels:
        raise UserError(f"Expected colour pictures for {cls.facts.name}, but {path} is grey.")


def _read(path: Path, channels: int) -> np.ndarray:
    """A grey picture that is stored as colour is taken only where its three channels are equal."""
    if channels == 3 or header(path)[2] == 1:
        return read_image(path, channels)
    colour = read_image(path, 3)
    if (colour != colour[..., :1]).any():
        raise UserError(f"Expected grey pictures, but {path} is a colour picture; name the folder of the grey set.")
    return np.ascontiguousarray(colour[..., :1])


def _numbered(form: str, first: int, count: int) -> tuple[str, ...]:
    return tuple(form.format(n) for n in range(first, first + count))


def _bsd_sizes() -> frozenset[tuple[int, int]]:
    return frozenset({(321, 481), (481, 321)})


def _bsd_stems(*others: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    return (*others, tuple(BSD68_NUMBERS.read_text(encoding="utf-8").split()))


def _facts(name: str, title: str, source: str, count: int, **more: Any) -> DatasetFacts:
    given: dict[str, Any] = {
        "task": "denoise", "splits": ("test",), "default_split": "test", "convention": "float-gauss",
        "options": NOISE_OPTIONS, "synthetic": True, "citation": BERKELEY,
        "licence": "terms of the Berkeley segmentation set",
    }  # fmt: skip
    split = more.get("default_split", "test")
    return DatasetFacts(name=name, title=title, source=source, complete={split: count}, **{**given, **more})


_KODAK = {"licence": "Kodak PhotoCD pictures, released for unrestricted use", "citation": ""}
_R2R = "https://github.com/PangTongyao/Recorrupted-to-Recorrupted-Unsupervised-Deep-Learning-for-Image-Denoising"


class BSD68(Classic):
    """68 grey pictures of the Berkeley set, 481x321 or 321x481, as DnCNN's and R2R's authors cut them."""

    facts = _facts(
        "bsd68", "BSD68", f"{_R2R}: data/bsd68 (test001.png to test068.png)", 68, channels=1, convention="awgn-grey"
    )
    layout = Layout(_bsd_stems(_numbered("test{:03d}", 1, 68)), _bsd_sizes())


class CBSD68(Classic):
    """The same 68 pictures in colour."""

    facts = _facts("cbsd68", "CBSD68", "https://github.com/clausmichele/CBSD68-dataset: CBSD68/original (68 files)", 68)
    layout = Layout(_bsd_stems(_numbered("{:04d}", 0, 68)), _bsd_sizes())


class Set12(Classic):
    """Twelve grey pictures, seven of 256x256 and five of 512x512."""

    facts = _facts(
        "set12", "Set12", "https://github.com/SaoYan/DnCNN-PyTorch: data/Set12 (01.png to 12.png)", 12,
        channels=1, convention="awgn-grey", licence="classic test pictures, terms not stated", citation="",
    )  # fmt: skip
    layout = Layout((_numbered("{:02d}", 1, 12),), frozenset({(256, 256), (512, 512)}))


class Kodak24(Classic):
    """The 24 Kodak pictures in their own size."""

    facts = _facts("kodak24", "Kodak24", "https://r0k.us/graphics/kodak/ (kodim01.png to kodim24.png)", 24, **_KODAK)
    layout = Layout(
        (_numbered("kodim{:02d}", 1, 24),),
        frozenset({(512, 768), (768, 512)}),
        "The version of 500x500 crops is another dataset: prepare kodak24-500.",
    )


class Kodak24Small(Classic):
    """The 24 Kodak pictures cut to 500x500, as FFDNet's authors and many after them use them."""

    facts = _facts(
        "kodak24-500",
        "Kodak24 (500x500)",
        "https://github.com/cszn/FFDNet: testsets/Kodak24 (kodim01.png to kodim24.png)",
        24,
        **_KODAK,
    )
    layout = Layout(
        (_numbered("kodim{:02d}", 1, 24),),
        frozenset({(500, 500)}),
        "The pictures in their own size, 768x512, are another dataset: prepare kodak24.",
    )


class BSD400(Classic):
    """400 grey pictures of 180x180 for training, as DnCNN's and R2R's authors cut them."""

    facts = _facts(
        "bsd400", "BSD400", f"{_R2R}: data/train (test_001.png to test_400.png)", 400,
        channels=1, convention="awgn-grey", splits=("train",), default_split="train", train_split="train",
    )  # fmt: skip
    layout = Layout((_numbered("test_{:03d}", 1, 400),), frozenset({(180, 180)}))
