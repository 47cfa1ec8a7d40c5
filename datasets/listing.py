"""Finding the pictures of a source folder and pairing them, from names and headers alone."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from datasets.core.errors import UserError
from datasets.ops.pictures import SUFFIXES, Reader, inspect
from datasets.ops.pictures.reading import notes_of

# What packages put on the names of degraded and of clean pictures: in front where it ends in a hyphen, else behind.
MARKS = (("rain-", "norain-"), ("_real", "_mean"), ("_noisy", "_clean"), ("_noisy", "_gt"), ("_noise", "_gt"),
         ("_n", "_cl"), ("_input", "_target"), ("_blur", "_sharp"))  # fmt: skip
# Last words of the names that their folders go by.
NOISY = (
    "degraded",
    "noisy",
    "noise",
    "real",
    "input",
    "inputs",
    "lq",
    "blur",
    "blurry",
    "rain",
    "rainy",
    "hazy",
    "low",
)
CLEAN = ("clean", "gt", "mean", "target", "targets", "groundtruth", "truth", "hq", "sharp", "norain", "high")

Loaders = Mapping[str, Callable[[], np.ndarray]]


@dataclass(frozen=True)
class Loader:
    """A loader of an `Item` that reads one picture in a way of its own; see `datasets.ops.pictures.Reader`."""

    path: Path
    read: Callable[[Path], np.ndarray]

    def __call__(self) -> np.ndarray:
        """What `read` makes of the file."""
        return self.read(self.path)

    def notes(self) -> tuple[str, ...]:
        """What reading the picture converts or leaves out."""
        return notes_of(inspect(self.path))


@dataclass(frozen=True)
class Pair:
    """A degraded picture and its clean one; `stem` is what their names share."""

    stem: str
    degraded: Path
    clean: Path

    def loaders(self, channels: int = 3) -> Loaders:
        """Role -> function that reads it, as `Item.load` wants it."""
        return {"degraded": Reader(self.degraded, channels), "clean": Reader(self.clean, channels)}


def stem(path: Path) -> str:
    """A file's name without its ending, accents composed: some systems store them apart."""
    return unicodedata.normalize("NFC", path.stem)


def need_source(source: Path | None, what: str) -> Path:
    """The source folder. Raises UserError where none is given or it is no folder; `what` says what it should hold."""
    if source is None:
        raise UserError(f"Expected a source that holds {what}; name it with --source PATH.")
    if not source.is_dir():
        raise UserError(f"Expected a folder that holds {what}, but {source} is {_kind(source)}.")
    return source


def _kind(path: Path) -> str:
    return "a file" if path.exists() else "not there"


def pictures(folder: Path) -> list[Path]:
    """The pictures directly in a folder, sorted by name as plain strings; hidden and other files are left out."""
    found = (p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES and not p.name.startswith("."))
    return sorted((p for p in found if p.is_file()), key=lambda p: p.name)


def header(path: Path) -> tuple[int, int, int]:
    """(height, width, channels) of the upright picture without decoding it; channels is 1 for grey, else 3.

    Raises UserError naming a file that is no picture, is broken or too large.
    """
    found = inspect(path)
    return (*found.size, found.channels)


def by_suffix(files: Iterable[Path], degraded: str, clean: str) -> list[Pair]:
    """Pairs among files whose stems end in `degraded` and `clean` (any case), in the order of the degraded ones.

    Files with neither ending are left out. Raises UserError for a file without its partner, or with two.
    """
    files = list(files)
    noisy, truth = (_by_stem(files, end.lower()) for end in (degraded, clean))
    _same_names(noisy, truth)
    return _joined(noisy, truth)


def by_folder(degraded: Path, clean: Path, ending: str = "") -> list[Pair]:
    """Pairs of equal stems (any case) in two folders. Raises UserError for a missing partner or an empty folder.

    Where no stem is equal, marks that packages put on them (`MARKS`) are taken off first.

    Args:
        ending: what all degraded stems may have at their end beside that, such as ``x4``.
    """
    files, others = not_empty(degraded), not_empty(clean)
    common = ending if all(stem(path).lower().endswith(ending) for path in files) else ""
    noisy, truth = _by_stem(files, common), _by_stem(others, "")
    if not noisy.keys() & truth.keys():
        for one, other in MARKS:
            bare = _by_mark(files, one), _by_mark(others, other)
            if len(bare[0]) == len(files) and bare[0].keys() & bare[1].keys():
                _same_names(*bare)
                return [Pair(key, path, bare[1][key]) for key, path in bare[0].items()]
    _same_names(noisy, truth)
    return _joined(noisy, truth)


def by_mark(files: Iterable[Path], degraded: str, clean: str) -> list[Pair]:
    """Pairs among files side by side that bear one of two marks (see `MARKS`); [] where there are none.

    Raises UserError for a file without its partner.
    """
    files = list(files)
    noisy, truth = _by_mark(files, degraded), _by_mark(files, clean)
    _same_names(noisy, truth)
    return [Pair(key, path, truth[key]) for key, path in noisy.items()]


def bears(path: Path, mark: str) -> bool:
    """Whether a picture's name has one of the marks of `MARKS`."""
    name = stem(path).lower()
    return name.startswith(mark) if mark.endswith("-") else name.endswith(mark)


def _by_mark(files: Iterable[Path], mark: str) -> dict[str, Path]:
    """What is left of a name without its mark -> file; files without the mark are left out."""
    found: dict[str, Path] = {}
    for path in files:
        key = stem(path)
        if bears(path, mark):
            found[key[len(mark) :] if mark.endswith("-") else key[: len(key) - len(mark)]] = path
    return found


def two_folders(source: Path) -> tuple[Path, Path] | None:
    """The folders of the degraded and of the clean pictures in a source, by their usual names; None where there is not
    exactly one of each. `Nam_patches` beside `Nam_patch_GT` is CBDNet's."""
    children = [child for child in sorted(source.iterdir()) if child.is_dir()]
    noisy, clean = (
        [c for c in children if c.name.lower().replace("-", "_").split("_")[-1] in words] for words in (NOISY, CLEAN)
    )
    noisy = noisy or [child for child in children if child.name.lower() == "nam_patches"]
    return (noisy[0], clean[0]) if len(noisy) == len(clean) == 1 else None


def not_empty(folder: Path) -> list[Path]:
    """The pictures of a folder. Raises UserError when there is none."""
    found = pictures(folder) if folder.is_dir() else []
    if not found:
        there = sorted({path.suffix.lower() for path in folder.iterdir() if path.suffix}) if folder.is_dir() else []
        came = f"; its files end in {', '.join(there[:5])}" if there else ""
        raise UserError(f"Expected pictures ({', '.join(SUFFIXES)}) in {folder}, but there are none{came}.")
    return found


def _by_stem(files: Iterable[Path], end: str) -> dict[str, Path]:
    """Stem without the ending, in lower case -> file."""
    found: dict[str, Path] = {}
    for path in files:
        key = stem(path).lower()
        if not key.endswith(end):
            continue
        key = key[: len(key) - len(end)]
        if key in found:
            raise UserError(f"Expected one picture per name, but there are {found[key]} and {path}; remove one.")
        found[key] = path
    return found


def _same_names(noisy: Mapping[str, Path], truth: Mapping[str, Path]) -> None:
    for files, others, what in ((noisy, truth, "clean"), (truth, noisy, "degraded")):
        alone = [path for key, path in files.items() if key not in others]
        if alone:
            raise UserError(
                f"Expected a {what} partner for every picture, but {alone[0]} has none "
                f"({len(noisy)} degraded, {len(truth)} clean pictures, {len(alone)} without their partner)."
            )


def _joined(noisy: Mapping[str, Path], truth: Mapping[str, Path]) -> list[Pair]:
    return [Pair(stem(path)[: len(key)], path, truth[key]) for key, path in noisy.items()]
