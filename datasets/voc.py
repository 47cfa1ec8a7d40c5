"""A folder of clean photographs, such as PASCAL VOC's, with Gaussian, Poisson or Bernoulli noise added on reading."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from datasets.added import SIGMA, WithNoise
from datasets.base import DatasetFacts, Item, Row
from datasets.core.errors import UserError
from datasets.core.registry import unknown
from datasets.listing import header, need_source, not_empty, pictures
from datasets.ops.noise import bernoulli, keyed_generator, poisson
from datasets.ops.pictures import Reader
from datasets.ops.resize import to_bytes

SMALLEST = 64  # pixels: LIR's authors leave out pictures with a shorter side, and grey ones
# Noise -> the option that is its strength.
STRENGTH = {"gaussian": "sigma", "poisson": "K", "bernoulli": "keep"}
_JPEGS, _LISTS = Path("JPEGImages"), Path("ImageSets") / "Main"
# Of the year whose test pictures are public there is a test list; of the others `val` takes its place.
_LISTED = {"train": ("train.txt",), "test": ("test.txt", "val.txt")}


class VOC(WithNoise):
    """RGB photographs, each a scene of its own. Grey ones and those with a side below 64 are left out.

    A source is VOC's own folder (JPEGImages and ImageSets/Main, whose lists tell training from test), one with folders
    train and test, or a folder of pictures, all of which become one split.

    Noise is made as LIR's images were: clipped to [0, 1] and rounded to 8 bits, as files are, unless `eight_bit` is
    off. It is drawn from (noise seed, image name) alone, so it stays the same throughout a training.
    """

    facts = DatasetFacts(
        name="voc",
        title="VOC",
        task="denoise",
        splits=("test", "train"),
        default_split="test",
        train_split="train",
        convention="skimage7-uint8",
        options={
            "noise": ("gaussian", f"one of {', '.join(STRENGTH)}"),
            "sigma": (50.0, f"gaussian: {SIGMA}"),
            "K": (0, "poisson: photons at white; 0: a power of two, by the image's number of distinct values"),
            "keep": (0.95, "bernoulli: the share of pixels that are not lost"),
            "eight_bit": (True, "clip the noisy image to [0, 1] and round it to 8 bits"),
            "split": ("train", "prepare: which split a folder without lists becomes, train or test"),
        },
        synthetic=True,
        licence="VOC: flickr terms, research use",
        citation="@article{everingham2010pascal, title={The PASCAL Visual Object Classes (VOC) Challenge}, "
        "author={Everingham, Mark and Van Gool, Luc and Williams, Christopher K. I. and Winn, John and Zisserman, "
        "Andrew}, journal={IJCV}, year={2010}}",
        source="http://host.robots.ox.ac.uk/pascal/VOC/voc2012 (VOCdevkit/VOC2012), or any folder of photographs",
    )
    additive = True

    def __init__(self, root: Path | str, **given: Any) -> None:
        super().__init__(root, **given)
        self.options = _relevant(self.options, given.get("options") or {})

    @classmethod
    def items(cls, source: Path | None, *, split: str = "train", **options: Any) -> Iterator[Item]:
        """The photographs. Raises UserError for a folder without any, or a picture that a list names and that is not
        there."""
        folder = need_source(source, f"photographs: {cls.facts.source}")
        if split not in cls.facts.splits:
            raise unknown("split of dataset 'voc'", split, cls.facts.splits)
        for name, paths in _found(folder, split).items():
            for path in paths:
                height, width, channels = header(path)
                if channels == 3 and min(height, width) >= SMALLEST:
                    yield Item(path.stem, name, path.stem, {"clean": Reader(path, 3)})

    def degrade(self, clean: np.ndarray, row: Row, options: Mapping[str, Any], seed: int) -> np.ndarray:
        """(H, W, 3) uint8 -> the same type, or float32 where `eight_bit` is off."""
        generator = keyed_generator(seed, row.name)
        made: dict[str, Callable[[], np.ndarray]] = {
            "gaussian": lambda: super(VOC, self).degrade(clean, row, options, seed),
            "poisson": lambda: poisson(clean, generator, options["K"]),
            "bernoulli": lambda: bernoulli(clean, options["keep"], generator),
        }
        noisy = made[options["noise"]]()
        return to_bytes(np.clip(noisy, 0, 1)) if options["eight_bit"] else noisy

    def noise_level(self, row: Row) -> float | None:
        """sigma / 255 of Gaussian noise; that of the others depends on the signal."""
        return super().noise_level(row) if "sigma" in self.options else None

    @property
    def degradation(self) -> str:
        """``sigma50``, ``poisson``, ``poisson256`` or ``bernoulli0.95``; with ``-float`` where it is not of 8 bits."""
        noise = self.options["noise"]
        strength = self.options[STRENGTH[noise]]
        word = f"{'sigma' if noise == 'gaussian' else noise}{strength or '':{'g' if strength else ''}}"
        return word if self.options["eight_bit"] else f"{word}-float"


def _relevant(options: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Those options that decide about the chosen noise. Raises UserError for one that was given and does not."""
    noise = options["noise"]
    if noise not in STRENGTH:
        raise unknown("noise of dataset 'voc'", noise, STRENGTH)
    for kind, key in STRENGTH.items():
        if kind != noise and key in given:
            raise UserError(f"The option {key} of voc is for {kind} noise, and noise={noise} was asked for.")
    if options["K"] < 0 or not 0 <= options["keep"] <= 1:
        raise UserError(f"Expected K of 0 or more and keep of 0 to 1, but got {options['K']} and {options['keep']:g}.")
    return {key: options[key] for key in ("noise", STRENGTH[noise], "eight_bit")}


def _found(folder: Path, split: str) -> dict[str, list[Path]]:
    """Split -> its pictures."""
    if (folder / _JPEGS).is_dir() and (folder / _LISTS).is_dir():
        return {name: _listed(folder, files) for name, files in _LISTED.items()}
    if (folder / _JPEGS).is_dir():
        return {split: not_empty(folder / _JPEGS)}
    apart = {name: pictures(folder / name) for name in VOC.facts.splits if (folder / name).is_dir()}
    return apart if any(apart.values()) else {split: not_empty(folder)}


def _listed(folder: Path, lists: tuple[str, ...]) -> list[Path]:
    path = next((folder / _LISTS / name for name in lists if (folder / _LISTS / name).is_file()), None)
    if path is None:
        return []
    named = [line.split()[0] for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    there = {picture.stem: picture for picture in not_empty(folder / _JPEGS)}
    missing = [name for name in named if name not in there]
    if missing:
        raise UserError(
            f"Expected the pictures that {path} lists in {folder / _JPEGS}, but {len(missing)} of {len(named)} are "
            f"missing, the first is {missing[0]!r}; fetch the set again."
        )
    return [there[name] for name in named]
