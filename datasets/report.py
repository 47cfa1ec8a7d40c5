"""What `prepare` tells: counts, and what was found in a source, converted or left out."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from datasets.base import Dataset, Item, Row
from datasets.manifest import read_description
from datasets.ops.pictures.formats import KNOWN

_SHOWN = 3  # names in a note


@dataclass(frozen=True)
class Report:
    """What `prepare` did: number of images in the manifest, files written and files found whole.

    Attributes:
        splits: number of images of each. notes: what was found and is worth a word: converted, left out, known or not.
        strangers: of each split, its images that are known not to be the original ones.
    """

    name: str
    root: Path
    images: int
    written: int
    kept: int
    splits: Mapping[str, int]
    notes: tuple[str, ...] = ()
    strangers: Mapping[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        counts = ", ".join(f"{split} {count}{self._strange(split)}" for split, count in self.splits.items())
        done = f"{self.written} files written, {self.kept} found whole" if self.written else "already prepared"
        return f"{self.name}: {done} in {self.root} ({counts})"

    def _strange(self, split: str) -> str:
        count = self.strangers.get(split, 0)
        return f", {count} of them not the original ones" if count else ""


def report_of(cls: type[Dataset], root: Path, rows: Sequence[Row], written: int, kept: int) -> Report:
    """The report of a folder whose manifest has these rows; the notes are those of its dataset.json."""
    counts = Counter(row.split for row in rows)
    strangers = Counter(row.split for row in rows if row.meta.get("recognised") is False)
    notes = tuple(map(str, read_description(root).get("notes", ())))
    return Report(cls.facts.name, root, len(rows), written, kept, dict(counts), notes, dict(strangers))


def counted(phrases: Iterable[tuple[str, str]]) -> list[str]:
    """(phrase, name) pairs -> a sentence for each phrase: how often, and the first names."""
    names: dict[str, dict[str, None]] = {}
    for phrase, name in phrases:
        names.setdefault(phrase, {})[name] = None
    return [f"{phrase}: {_some(list(found))}" for phrase, found in names.items()]


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
    return f"{len(names)} {'picture' if len(names) == 1 else 'pictures'} ({shown})"


def unproved(cls: type[Dataset], items: Sequence[Item]) -> list[str]:
    """A sentence where nothing tells whether a published set is the published one."""
    own = cls.facts.embedded or not cls.facts.complete
    if own or any(item.notes or "recognised" in item.meta for item in items):
        return []
    return ["not known by hash: no hashes of the original files ship, so names and sizes alone tell that they are it"]


def left_out(source: Path | None, root: Path, items: Sequence[Item]) -> list[str]:
    """A sentence about the pictures in a source folder that no item reads; none where items do not say what they read.

    Pictures of formats that are not read, those in other folders and links to nothing are among them.
    """
    read = {str(load.path) for item in items for load in item.load.values() if hasattr(load, "path")}
    if source is None or not source.is_dir() or not read:
        return []
    known = {os.path.realpath(path) for path in read}
    others = [path for path in pictures_below(source, root) if os.path.realpath(path) not in known]
    names = [_told(path, source) for path in others]
    return [f"left out, not part of what is prepared: {_some(names)}"] if names else []


def _told(path: Path, source: Path) -> str:
    name = str(path.relative_to(source)).encode("utf-8", "backslashreplace").decode()
    return name if path.exists() else f"{name}: a link to nothing"


def pictures_below(source: Path, root: Path) -> list[Path]:
    """All files of a folder and of those below it that are named like pictures, hidden ones and `root` left out."""
    found: list[Path] = []
    for folder, below, names in os.walk(source):
        below[:] = sorted(n for n in below if not n.startswith(".") and (Path(folder) / n).resolve() != root.resolve())
        found += [Path(folder) / n for n in sorted(names) if not n.startswith(".") and Path(n).suffix.lower() in KNOWN]
    return found
