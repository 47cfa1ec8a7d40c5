"""Finding the pictures of a source folder and pairing them, from names and headers alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from datasets.ops.errors import UserError
from datasets.ops.images import SUFFIXES, read_image

Loaders = Mapping[str, Callable[[], np.ndarray]]


@dataclass(frozen=True)
class Pair:
    """A degraded picture and its clean one; `stem` is what their names share."""

    stem: str
    degraded: Path
    clean: Path

    def loaders(self, channels: int = 3) -> Loaders:
        """Role -> function that reads it, as `Item.load` wants it."""
        return {
            "degraded": partial(read_image, self.degraded, channels),
            "clean": partial(read_image, self.clean, channels),
        }


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
    """(height, width, channels) of a picture without decoding its pixels; channels is 1 for grey, else 3.

    Raises UserError naming a file that is no picture.
    """
    from PIL import Image

    try:
        with Image.open(path) as picture:
            grey = picture.mode in ("1", "L", "LA") or picture.mode.startswith("I")
            return picture.height, picture.width, 1 if grey else 3
    except (OSError, SyntaxError) as error:  # what Pillow raises for a broken file
        raise UserError(f"Expected a picture at {path}, but it cannot be opened; fetch that file again.") from error


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

    `ending` is what all degraded stems may have at their end beside that, such as ``x4``.
    """
    files = not_empty(degraded)
    common = ending if all(path.stem.lower().endswith(ending) for path in files) else ""
    noisy, truth = _by_stem(files, common), _by_stem(not_empty(clean), "")
    _same_names(noisy, truth)
    return _joined(noisy, truth)


def not_empty(folder: Path) -> list[Path]:
    """The pictures of a folder. Raises UserError when there is none."""
    found = pictures(folder) if folder.is_dir() else []
    if not found:
        raise UserError(f"Expected pictures ({', '.join(SUFFIXES)}) in {folder}, but there are none.")
    return found


def _by_stem(files: Iterable[Path], end: str) -> dict[str, Path]:
    """Stem without the ending, in lower case -> file."""
    found: dict[str, Path] = {}
    for path in files:
        key = path.stem.lower()
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
    return [Pair(path.stem[: len(key)], path, truth[key]) for key, path in noisy.items()]
