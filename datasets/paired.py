"""Sets of degraded and sharp (or dry) pictures in folders, as the restoration papers since MPRNet pass them on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from datasets.base import Item
from datasets.core.errors import UserError
from datasets.listing import by_folder, by_suffix, header, need_source, not_empty, pictures
from datasets.ops.pictures import Reader
from datasets.prepared import Prepared

Files = dict[str, Path]  # role -> file
# Names that the folders of the degraded and of the clean pictures go by.
FOLDERS = (
    ("input", "target"), ("rain", "clean"), ("rainy", "clean"), ("rain", "norain"), ("input", "gt"), ("blur", "sharp"),
    ("blur", "gt"), ("lq", "gt"),
)  # fmt: skip


class Paired(Prepared):
    """RGB pairs, of one size or of the set's scale.

    Where the clean folder is missing, the degraded pictures can be restored and not scored.

    A split's folder is looked for in the source, by the names SOURCE/<split>/<name of the set>, SOURCE/<name of the
    set>/<split>, SOURCE/<split>, SOURCE/<name of the set> and, for the default split, the source itself; in it,
    a pair of folders such as ``input`` and ``target`` with equal file names but for the suffix.

    Class attributes:
        aliases: names of the set's own folder. word: the degradation in a word, as published figures have it.
        scene: expression whose first group tells the scene of a picture's name; a name that it does not match is one.
    """

    additive = True
    aliases: ClassVar[tuple[str, ...]] = ()
    word: ClassVar[str] = ""
    scene: ClassVar[str] = ""

    @classmethod
    def items(cls, source: Path | None, **options: Any) -> Iterator[Item]:
        """The pictures of every split that the source holds.

        Raises UserError for a source without any, a picture without its partner, or a pair of unequal sizes.
        """
        folder = need_source(source, f"the folders of {cls.facts.title}: {cls.facts.source}")
        found = {split: list(cls.of_split(folder, split)) for split in cls.facts.splits}
        if not any(found.values()):
            raise UserError(
                f"Expected folders such as {cls.facts.default_split}/input and {cls.facts.default_split}/target in "
                f"{folder} for dataset {cls.facts.name!r}, but there are none. Source: {cls.facts.source}"
            )
        for split, pairs in found.items():
            for name, files in pairs:
                check_sizes(files, cls.facts.scale)
                load = {role: reader(path) for role, path in files.items()}
                yield Item(name, split, cls.scene_of(name), load)

    @classmethod
    def of_split(cls, source: Path, split: str) -> Iterator[tuple[str, Files]]:
        """(name, files) of one split; nothing where the source does not have it."""
        places = [source / split / name for name in cls.aliases] + [source / name / split for name in cls.aliases]
        places += [source / split, *(source / name for name in cls.aliases)]
        named = source.name.lower()
        places += [source] if split == (named if named in cls.facts.splits else cls.facts.default_split) else []
        for place in places:
            pairs = pairs_in(place)
            if pairs:
                yield from pairs
                return

    @classmethod
    def scene_of(cls, name: str) -> str:
        """The scene of a picture."""
        found = re.match(cls.scene, name) if cls.scene else None
        return found[1] if found else name

    @property
    def degradation(self) -> str:
        """``rain`` or ``blur``."""
        return self.word


def pairs_in(folder: Path) -> list[tuple[str, Files]]:
    """Pairs of a folder that holds two, or degraded pictures alone; [] where it holds neither."""
    for degraded, clean in FOLDERS if folder.is_dir() else ():
        if (folder / degraded).is_dir() and (folder / clean).is_dir():
            pairs = by_folder(folder / degraded, folder / clean)
            return [(pair.stem, {"degraded": pair.degraded, "clean": pair.clean}) for pair in pairs]
    alone = next((folder / name for name in ("input", "blur", "rain") if (folder / name).is_dir()), None)
    return [(path.stem, {"degraded": path}) for path in not_empty(alone)] if alone else []


def suffixed(folder: Path, degraded: str, clean: str) -> list[tuple[str, Files]]:
    """The same for files side by side, such as NAME_blur.png and NAME_sharp.png; other files are left out."""
    files = pictures(folder)
    if any(path.stem.lower().endswith(clean) for path in files):
        pairs = by_suffix(files, degraded, clean)
        return [(pair.stem, {"degraded": pair.degraded, "clean": pair.clean}) for pair in pairs]
    alone = [path for path in files if path.stem.lower().endswith(degraded)]
    return [(path.stem[: -len(degraded)], {"degraded": path}) for path in alone]


def reader(path: Path) -> Reader:
    """A function that reads a picture as RGB."""
    return Reader(path, 3)


def check_sizes(files: Files, scale: int) -> None:
    """Raise UserError where the clean picture is not `scale` times the size of the degraded one."""
    sizes = {path: tuple(side * (scale if role == "degraded" else 1) for side in header(path)[:2])
             for role, path in files.items()}  # fmt: skip
    if len(set(sizes.values())) > 1:
        wanted = "one size" if scale == 1 else f"a clean picture {scale} times as wide and as high"
        came = " and ".join(f"{path} is {header(path)[1]}x{header(path)[0]}" for path in sizes)
        raise UserError(f"Expected {wanted}, but {came}.")
