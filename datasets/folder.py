"""A folder of the user's own: paired by name, without clean pictures, or two unpaired pools for training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from datasets.base import DatasetFacts, Item
from datasets.core.errors import UserError
from datasets.listing import MARKS, Pair, bears, by_folder, by_mark, need_source, not_empty, pictures, stem, two_folders
from datasets.ops.images import decode
from datasets.ops.pictures import Header, Reader, inspect
from datasets.ops.pictures.reading import read_bytes
from datasets.prepared import Prepared

_WHAT = "pictures: two folders degraded/ and clean/, or degraded pictures alone"
# Peaks that cameras' and scanners' values have in containers of 16 bits.
_PEAKS = (255, 1023, 4095, 16383)
_SSIM_SIDE = 11  # the smallest side that SSIM's window fits in


class Folder(Prepared):
    """The user's own pictures, grey when all of them are, else RGB, at their own depth.

    What a source may hold:
      * folders ``degraded`` and ``clean`` (or other names by option, or usual ones such as ``input`` and ``target``)
        with equal file names but for the suffix;
      * pictures side by side whose names say which is which, such as ``a_noisy.png`` and ``a_clean.png``;
      * pictures directly, or a folder ``degraded`` without ``clean``: they can be restored, not scored;
      * with ``unpaired=true``, folders ``degraded`` and ``clean`` of unrelated pictures: two pools for training.

    Files of 16 bits and of floats stay what they are; where the values of 16-bit files reach no further than a smaller
    depth, their white is asked for (``folder[peak=4095]``). One source is one split; a second source may be prepared
    beside it (``folder[split=train]``).
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
            "peak": (0, "prepare: white of whole-number pixels, such as 4095; 0: that of their type, 255 or 65535"),
        },
        licence="the user's own",
        source="a folder of yours",
    )
    additive = True
    late_options: ClassVar[tuple[str, ...]] = ("peak",)

    def __init__(self, root: Path | str, **given: Any) -> None:
        super().__init__(root, **given)
        self.options.pop("peak")  # it decided about what was prepared
        channels = [int(row.meta.get("channels", 0)) for row in self.rows]
        if not all(count in (1, 3) for count in channels):
            raise UserError(f"The manifest of {self.root} does not say whether its pictures are grey. {self._again()}")
        self.facts = replace(self.facts, channels=max(channels))  # type: ignore[misc]

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
        peak: int = 0,
        **options: Any,
    ) -> Iterator[Item]:
        """One Item per pair or picture. Raises UserError for an empty folder, a picture without its partner, pairs of
        unequal sizes, or 16-bit pictures whose white is not known."""
        folder = need_source(source, _WHAT)
        if split not in cls.facts.splits or not 0 <= peak <= 65535:
            raise UserError(
                f"Expected split=test or split=train and a peak of 0 to 65535 for dataset 'folder', but got {split!r} "
                f"and {peak}."
            )
        noisy, truth, note = _folders(folder, degraded, clean)
        beside = [] if noisy.is_dir() or truth.is_dir() or unpaired else _side_by_side(folder)
        found = [(pair.stem, _roles(pair)) for pair in beside] or list(_found(folder, noisy, truth, unpaired))
        note = "pairs side by side, told apart by the ends of their names" if beside else note
        headers = {path: inspect(path) for _, files in found for path in files.values()}
        channels = max(header.channels for header in headers.values())
        if not peak:
            _check_white([path for path, header in headers.items() if (header.depth, header.kind) == (16, "uint")])
        for name, files in found:
            own = {role: headers[path] for role, path in files.items()}
            load = {role: Reader(path, channels, True, _divisor(own[role], peak)) for role, path in files.items()}
            floats = frozenset(role for role in files if own[role].kind == "float" or load[role].peak)
            yield Item(
                name,
                split,
                _scene(name, scene),
                load,
                meta={"channels": channels, **_depth(own.values(), peak)},
                floats=floats,
                notes=_notes(own.values(), note, channels),
            )

    @property
    def degradation(self) -> str:
        """``own``: nothing is known of it."""
        return "own"


Found = tuple[str, Mapping[str, Path]]


def _folders(source: Path, degraded: str, clean: str) -> tuple[Path, Path, str]:
    """The two folders; where neither has the name it is asked for by, usual names, and a note that says which."""
    noisy, truth = source / degraded, source / clean
    if (degraded, clean) != ("degraded", "clean") or noisy.is_dir() or truth.is_dir():
        return noisy, truth, ""
    usual = two_folders(source)
    if not usual:
        return noisy, truth, ""
    return *usual, f"folder {usual[0].name!r} taken for the degraded, {usual[1].name!r} for the clean pictures"


def _found(folder: Path, degraded: Path, clean: Path, unpaired: bool) -> Iterator[Found]:
    """(name, role -> file) of everything in the source."""
    if unpaired:
        for role, pool in (("degraded", degraded), ("clean", clean)):
            yield from ((f"{role}-{stem(path)}", {role: path}) for path in not_empty(pool))
    elif clean.is_dir():
        yield from ((pair.stem, _roles(pair)) for pair in _paired(degraded, clean))
    else:
        yield from ((stem(path), {"degraded": path}) for path in not_empty(degraded if degraded.is_dir() else folder))


def _side_by_side(folder: Path) -> list[Pair]:
    """Pairs whose names bear the marks of degraded and clean pictures, where every picture has one; else []."""
    files = pictures(folder)
    for marks in MARKS:
        ends = [next((mark for mark in marks if bears(path, mark)), "") for path in files]
        if set(ends) == set(marks):
            return by_mark(files, *marks)
    return []


def _roles(pair: Pair) -> Mapping[str, Path]:
    return {"degraded": pair.degraded, "clean": pair.clean}


def _paired(degraded: Path, clean: Path) -> list[Pair]:
    stems = [{stem(path).lower() for path in pictures(folder)} for folder in (degraded, clean) if folder.is_dir()]
    pairs: list[Pair] = []
    if len(stems) == 2 and all(stems) and not stems[0] & stems[1]:
        try:
            pairs = by_folder(degraded, clean)
        except UserError as error:
            raise UserError(
                f"Expected equal file names in {degraded} and {clean}, but none are equal; rename them, or prepare two "
                "unrelated pools with: folder[unpaired=true]"
            ) from error
    pairs = pairs or by_folder(degraded, clean)
    for pair in pairs:
        sizes = [inspect(path).size for path in (pair.degraded, pair.clean)]
        if sizes[0] != sizes[1]:
            (h, w), (h2, w2) = sizes
            raise UserError(f"Expected one size, but {pair.degraded} is {w}x{h} and {pair.clean} is {w2}x{h2}.")
    return pairs


def _check_white(deep: list[Path]) -> None:
    """Whether any of the 16-bit pictures reaches beyond 14 bits: if so, white is 65535. Stops at the first that does.

    Raises UserError where none does: then white may be 4095 as well, and a guess would be wrong by 24 dB.
    """
    highest = 0
    for path in deep:
        highest = max(highest, int(decode(read_bytes(path), path, 3, deep=True).max()))
        if highest > _PEAKS[-1]:
            return
    if deep:
        peak = next(peak for peak in _PEAKS if highest <= peak)
        raise UserError(
            f"The values of the {len(deep)} 16-bit pictures (such as {deep[0]}) reach {highest} only, so their "
            f"white is not known: say folder[peak={peak}] if they are of {peak.bit_length()} bits, or "
            "folder[peak=65535]."
        )


def _divisor(header: Header, peak: int) -> int:
    """What the pixels of a file must be divided by; 0 where their type's own white holds."""
    if header.kind == "float" or peak == (255 if header.depth == 8 else 65535):
        return 0
    return peak if header.depth == 16 or peak < 255 else 0


def _depth(headers: Any, peak: int) -> dict[str, int]:
    deepest = max(header.depth for header in headers)
    if deepest == 8:
        return {"peak": peak} if 0 < peak < 255 else {}
    return {"depth": deepest} if deepest != 16 or peak in (0, 65535) else {"depth": peak.bit_length(), "peak": peak}


def _notes(headers: Any, note: str, channels: int) -> tuple[str, ...]:
    found = [note] if note else []
    if min(side for header in headers for side in header.size) < _SSIM_SIDE:
        found.append(f"smaller than {_SSIM_SIDE}x{_SSIM_SIDE}: PSNR can be scored, SSIM cannot")
    depths = sorted({header.depth for header in headers})
    if depths != [8]:
        kinds = [{8: "8 bits", 16: "16 bits", 32: "floats"}[depth] for depth in depths]
        found.append(f"kept at {' and '.join(kinds)} per channel")
    if channels == 3 and any(header.grey for header in headers):
        found.append("grey, repeated as RGB beside colour pictures")
    return tuple(found)


def _scene(name: str, end: str) -> str:
    return name.partition(end)[0] if end else name
