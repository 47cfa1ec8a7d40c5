"""A folder of the user's own: paired by name, without clean pictures, or two unpaired pools for training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from datasets.base import DatasetFacts, Item
from datasets.listing import Pair, by_folder, header, need_source, not_empty, pictures
from datasets.ops.errors import UserError
from datasets.ops.images import read_image
from datasets.prepared import Prepared

_WHAT = "pictures: two folders degraded/ and clean/, or degraded pictures alone"


class Folder(Prepared):
    """The user's own pictures, grey when all of them are, else RGB.

    What a source may hold:
      * folders ``degraded`` and ``clean`` (or other names by option) with equal file names but for the suffix;
      * pictures directly, or a folder ``degraded`` without ``clean``: they can be restored, not scored;
      * with ``unpaired=true``, folders ``degraded`` and ``clean`` of unrelated pictures: two pools for training.

    One source is one split; a second source may be prepared beside it (``folder[split=train]``).
    """

    facts = DatasetFacts(
        name="folder",
        title="own pictures",
        task="denoise",
        splits=("test", "train"),
        default_split="test",
        train_split="train",
        convention="float-gauss",
        options={
            "degraded": ("degraded", "folder of the degraded pictures, within the source"),
            "clean": ("clean", "folder of the clean pictures, within the source"),
            "split": ("test", "which split the source becomes: test or train"),
            "unpaired": (False, "the two folders are unrelated pools"),
            "scene": ("", "text after which a name no longer tells the scene, such as _; empty: each picture is one"),
        },
        licence="the user's own",
        source="a folder of yours",
    )
    additive = True

    def __init__(self, root: Path | str, **given: Any) -> None:
        super().__init__(root, **given)
        self.facts = replace(self.facts, channels=max(row.meta["channels"] for row in self.rows))  # type: ignore[misc]

    @classmethod
    def items(
        cls,
        source: Path | None,
        *,
        degraded: str = "degraded",
        clean: str = "clean",
        split: str = "test",
        unpaired: bool = False,
        scene: str = "",
        **options: Any,
    ) -> Iterator[Item]:
        """One Item per pair or picture. Raises UserError for an empty folder or a picture without its partner."""
        folder = need_source(source, _WHAT)
        if split not in cls.facts.splits:
            raise UserError(f"Expected split=test or split=train for dataset 'folder', but got {split!r}.")
        found = list(_found(folder, folder / degraded, folder / clean, unpaired))
        channels = max(header(path)[2] for _, files in found for path in files.values())
        for name, files in found:
            load = {role: partial(read_image, path, channels) for role, path in files.items()}
            yield Item(name, split, _scene(name, scene), load, meta={"channels": channels})

    @property
    def degradation(self) -> str:
        """``own``: nothing is known of it."""
        return "own"


Found = tuple[str, Mapping[str, Path]]


def _found(folder: Path, degraded: Path, clean: Path, unpaired: bool) -> Iterator[Found]:
    """(name, role -> file) of everything in the source."""
    if unpaired:
        for role, pool in (("degraded", degraded), ("clean", clean)):
            yield from ((f"{role}-{path.stem}", {role: path}) for path in not_empty(pool))
    elif clean.is_dir():
        yield from ((pair.stem, _roles(pair)) for pair in _paired(degraded, clean))
    else:
        yield from ((path.stem, {"degraded": path}) for path in not_empty(degraded if degraded.is_dir() else folder))


def _roles(pair: Pair) -> Mapping[str, Path]:
    return {"degraded": pair.degraded, "clean": pair.clean}


def _paired(degraded: Path, clean: Path) -> list[Pair]:
    stems = [{path.stem.lower() for path in pictures(folder)} for folder in (degraded, clean) if folder.is_dir()]
    if len(stems) == 2 and all(stems) and not stems[0] & stems[1]:
        raise UserError(
            f"Expected equal file names in {degraded} and {clean}, but none are equal; rename them, or prepare two "
            "unrelated pools with: folder[unpaired=true]"
        )
    pairs = by_folder(degraded, clean)
    for pair in pairs:
        sizes = [header(path)[:2] for path in (pair.degraded, pair.clean)]
        if sizes[0] != sizes[1]:
            (h, w), (h2, w2) = sizes
            raise UserError(f"Expected one size, but {pair.degraded} is {w}x{h} and {pair.clean} is {w2}x{h2}.")
    return pairs


def _scene(name: str, end: str) -> str:
    return name.partition(end)[0] if end else name
