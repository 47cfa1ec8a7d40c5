"""What a dataset is: samples, the prepared form on disk, and the description that each dataset gives of itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

# Roles of the files of one image. `degraded` and `clean` are PNG (8 or 16 bits, sRGB or grey) or float32 .npy; `raw`
# (a noisy mosaic) and `raw_clean` are float32 .npy. A row has the roles that its dataset has.
ROLES = ("degraded", "clean", "raw", "raw_clean")


@dataclass(frozen=True)
class Sample:
    """One degraded image and what is known of it.

    Attributes:
        name: unique within the dataset, without a suffix; usable as a file name.
        degraded: (H, W, C) uint8, or float32 in [0, 1] (synthetic noise may overshoot), which is also how files of 16
            bits are handed out; None where a method measures the clean image itself (compressive sensing).
        clean: (H, W, C) uint8 or float32, or None where there is no ground truth (then it can be restored, not scored).
        scene: what is photographed; samples of one scene are not independent, and intervals are clustered by it.
        meta: camera, iso, noise law, cfa ... JSON values only. ``depth``: bits of its files where they have more than
            8 (16, or 32 for floats; 12 and the like where a peak was given).
        noise_level: standard deviation of the noise on the [0, 1] scale, where it is known.
    """

    name: str
    degraded: np.ndarray | None
    clean: np.ndarray | None
    scene: str
    meta: Mapping[str, Any] = field(default_factory=dict)
    noise_level: float | None = None


@dataclass(frozen=True)
class Item:
    """One image to be prepared: where it comes from is in the loaders, which run in worker threads.

    `load` maps a role to a function that returns the array: (H, W, C) uint8 or uint16 RGB (C 1 or 3) for PNG roles, 2-D
    float32 for raw roles, (H, W, C) float32 for those of `floats`, which are kept as .npy. It raises UserError naming
    the file when that file is missing or broken. One with a `path` and `notes()` (`datasets.ops.pictures.Reader`)
    tells which file it reads, and what of it is converted or left out.

    `notes`: phrases about the image for the report of `prepare`; equal ones are told once, counted.
    """

    name: str
    split: str
    scene: str
    load: Mapping[str, Callable[[], np.ndarray]]
    camera: str = ""
    iso: int | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    floats: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """One line of manifest.csv: an Item after preparation. `files` and `sha256` map role -> path under root / hash."""

    name: str
    split: str
    scene: str
    camera: str
    iso: int | None
    meta: Mapping[str, Any]
    files: Mapping[str, str]
    sha256: Mapping[str, str]


@dataclass(frozen=True)
class DatasetFacts:
    """What the harness must know of a dataset before it opens it.

    Attributes:
        name, title: registry name; the name in print.
        task: denoise, super-resolve, deblur, derain, desnow or compressive-sensing.
        splits: every split that can be asked for, derived ones (``scenes-test``) included.
        default_split: the one that `run` takes; train_split: the one that `train` takes, None where there is none.
        convention: the convention of the leaderboard's first line for this set (its papers').
        channels: 1 or 3. scale: clean size / degraded size.
        complete: number of images of the whole official split, None where there is no such number. Fewer prepared
            images make a record `partial: n of complete`, which is not comparable.
        options: option name -> (default, help); given as ``name[sigma=25]`` or ``--set dataset.sigma=25``; they
            enter the degradation, hence the cell id.
        stands_for: degradation of other sets that this one was made to train for, such as ``real``; '' = none.
        synthetic: degradation is made on reading, from the clean image and a seed.
        licence, citation (BibTeX), source (where the files are to be had and what to do by hand).
        embedded: can be prepared without a source (demo).
    """

    name: str
    title: str
    task: str
    splits: tuple[str, ...]
    default_split: str
    convention: str
    train_split: str | None = None
    channels: int = 3
    scale: int = 1
    complete: Mapping[str, int] = field(default_factory=dict)
    options: Mapping[str, tuple[Any, str]] = field(default_factory=dict)
    stands_for: str = ""
    synthetic: bool = False
    licence: str = ""
    citation: str = ""
    source: str = ""
    embedded: bool = False


class Dataset(Sequence[Sample]):
    """A prepared dataset, one split of it, opened for reading. Subclasses describe the source; reading is common.

    Subclass contract (one file in `datasets/`, or a plug-in of the entry-point group ``benchmark.datasets``):
      * class attribute ``facts``;
      * ``items(source, **options)``: yields the Items of a source folder or file, in the manifest's order. It looks
        at names and headers only (fast); it raises UserError for a source that is not this dataset;
      * optionally ``select(row, split)``: whether a row belongs to a derived split (default ``row.split == split``);
      * optionally ``degrade(clean, row, options, seed)``: float32 degraded image for synthetic sets; drawn from
        ``np.random.default_rng`` keyed by (seed, row.name), so that it depends on nothing else;
      * optionally ``noise_level(row)``.

    Args:
        root: folder of the prepared dataset (holds manifest.csv, dataset.json).
        split: one of ``facts.splits``. options: values for ``facts.options``. noise_seed: of synthetic degradation.
        limit: keep only the first `limit` samples.
    Raises:
        UserError: not prepared (names the `prepare` command), unknown split or option, a damaged manifest.
    """

    facts: ClassVar[DatasetFacts]
    root: Path
    split: str
    options: dict[str, Any]
    noise_seed: int
    rows: list[Row]

    # The implementation lives in datasets/prepared.py (class Prepared); datasets subclass that. This class is the
    # contract that the harness relies on, and that a plug-in may fulfil in any other way.

    @classmethod
    def items(cls, source: Path | None, **options: Any) -> Iterator[Item]:
        """Yield what a source holds. See the class's text."""
        raise NotImplementedError

    @property
    def fingerprint(self) -> str:
        """SHA-256 over names, splits, scenes, file hashes and meta of the rows, in order: part of a cell's id."""
        raise NotImplementedError

    @property
    def degradation(self) -> str:
        """How the degraded images came to be, in a word of the table: ``real``, ``sigma25``, ``x4``, ``raw-isp``."""
        raise NotImplementedError

    @property
    def partial(self) -> str:
        """'' for the whole official split, else ``partial: 65 of 1280``."""
        raise NotImplementedError

    def read(self, index: int, role: str) -> np.ndarray:
        """One file of one row, decoded, its bytes checked against the manifest's hash.

        Raises UserError when the file is missing, unreadable or changed since `prepare`.
        """
        raise NotImplementedError
