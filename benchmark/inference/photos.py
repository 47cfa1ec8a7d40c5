"""Restoring somebody's own pictures: one after the other, large ones in tiles, written as PNG at their own depth."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmark.progress import Report, Task
from datasets.base import Sample
from datasets.core.errors import UserError
from datasets.core.files import clear_parts_of
from datasets.ops.images import write_png
from datasets.ops.pictures import KNOWN, SUFFIXES, Picture, read_picture
from datasets.ops.ranges import levels, unit
from datasets.report import counted

if TYPE_CHECKING:
    from benchmark.inference.restorer import Restorer

WHOLE = 1 << 21  # pixels up to which a picture is restored at once; larger ones take tiles, so that memory is bounded
TILE, SMALLEST_TILE = 512, 64
_NO_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")
_LONGEST = 255  # bytes of a file name


@dataclass
class Outcome:
    """What became of the pictures.

    Attributes:
        written: paths. failed: sentences about those that could not be restored.
        notes: sentences about what was converted, left out or is worth knowing. depths: bits per channel -> how many.
    """

    written: list[Path] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    depths: dict[int, int] = field(default_factory=dict)

    def summary(self) -> str:
        """How many were written at which depth, where that is known, and how many were skipped; '' = nothing to say."""
        parts = [f"{count} at {bits} bits" for bits, count in sorted(self.depths.items())]
        return ", ".join([*parts, *([f"{len(self.failed)} skipped"] if self.failed else [])])


def pictures(source: Path, output: Path | None = None) -> list[Path]:
    """The pictures of a folder and of those below it, in the order of their paths, or the one picture.

    Hidden files, macOS's ``._`` companions among them, formats that are not read, and what lies in `output` (where
    that is a folder within the source) are left out; see `left_out`. Raises UserError for none.
    """
    if source.is_file():
        return [source]
    if not source.is_dir():
        what = "a link to nothing" if source.is_symlink() else "nothing"
        raise UserError(f"Expected a picture or a folder of pictures at {source}, but there is {what}.")
    found = [path for path in _below(source, output) if path.suffix.lower() in SUFFIXES and path.is_file()]
    if not found:
        raise UserError(f"The folder {source} holds no picture (of {', '.join(SUFFIXES)}).")
    return found


def left_out(source: Path, output: Path | None = None) -> list[str]:
    """Sentences about what of a folder `pictures` leaves out, but for hidden files; [] for a single picture."""
    if not source.is_dir():
        return []
    found = []
    for path in _below(source, output):
        suffix = path.suffix.lower()
        if suffix not in KNOWN or (suffix in SUFFIXES and path.is_file()):
            continue
        if suffix not in SUFFIXES:
            why = f"{suffix} is not read"
        else:
            why = "a link to nothing" if path.is_symlink() and not path.exists() else "no ordinary file"
        found.append((f"left out, {why}", str(path.relative_to(source))))
    return counted(found)


def _below(source: Path, output: Path | None) -> list[Path]:
    own = output.resolve() if output is not None and output.resolve() != source.resolve() else None
    found: list[Path] = []
    for folder, below, names in os.walk(source):
        here = Path(folder)
        below[:] = sorted(name for name in below if not name.startswith(".") and (here / name).resolve() != own)
        found += [here / name for name in sorted(names) if not name.startswith(".")]
    return found


def targets(sources: Sequence[Path], output: Path, root: Path | None = None) -> list[Path]:
    """Where each restored picture goes: ``<output>/<folder below root>/<name>.png``, or `output` where it ends in .png.

    Of two pictures whose names differ in their ending only, ``a.jpg`` goes to ``a.jpg.png``.

    Args:
        root: the folder that the pictures were found in; their sub-folders are kept. None: all go to `output` itself.
    Raises:
        UserError: several pictures for one file, two pictures of one name, an output that is a file, or a target that
            is a source.
    """
    if output.suffix.lower() == ".png" and not output.is_dir():
        if len(sources) > 1:
            raise UserError(f"{len(sources)} pictures cannot go into the one file {output}: give --output a folder.")
        found = [output]
    else:
        in_the_way = next((path for path in (output, *output.parents) if path.exists()), output)
        if in_the_way.exists() and not in_the_way.is_dir():
            raise UserError(f"Expected a folder for --output, but {in_the_way} is a file; name another one.")
        found = _in_folder(sources, output, root)
    if len(set(found)) < len(found):
        twice = next(path for path in found if found.count(path) > 1)
        raise UserError(f"Two pictures would both become {twice}: rename one of them.")
    own = {source.resolve() for source in sources}
    for path in found:
        if path.resolve() in own:
            raise UserError(f"{path} would replace its own source: give another folder with --output.")
    return found


def _in_folder(sources: Sequence[Path], output: Path, root: Path | None) -> list[Path]:
    below = [source.parent.relative_to(root) if root else Path() for source in sources]
    stems = Counter((folder, source.stem) for folder, source in zip(below, sources, strict=True))
    found = []
    for folder, source in zip(below, sources, strict=True):
        alone = stems[folder, source.stem] == 1 or source.suffix.lower() == ".png"
        found.append(output / folder / f"{source.stem if alone else source.name}.png")
    return found


def restore_pictures(
    restorer: Restorer,
    sources: Sequence[Path],
    output: Path,
    *,
    noise_level: float | None = None,
    report: Report = None,
    root: Path | None = None,
) -> Outcome:
    """Restore pictures one by one; one that fails does not stop the others.

    A picture of more than 8 bits is written with 16, a grey one as grey, alpha and colour profile are carried over.
    Where memory runs out, smaller tiles are tried.

    Args:
        restorer: with its tile 0, pictures of more than WHOLE pixels are restored in tiles.
        output: folder, or a .png for a single picture. noise_level: of all of them, on the [0, 1] scale.
        root: see `targets`.
    """
    outcome, tile, phrases = Outcome(), restorer.tile, []
    restorer.report = report
    task = Task("restoring", "picture", current=True)
    depths: Counter[int] = Counter()
    goals = targets(sources, output, root)
    clear_parts_of(goals)
    for done, (source, target) in enumerate(zip(sources, goals, strict=True), 1):
        if report:
            report(task, done - 1, len(sources))
        try:
            picture = read_picture(source, alpha=True)
            restored, notes = _restored(restorer, picture, source, noise_level, tile)
            _write(target, restored, picture, restorer.method.facts.scale)
            outcome.written.append(target)
            depths[8 if picture.header.depth == 8 else 16] += 1
            phrases += [(note, source.name) for note in (*_kept(picture), *notes)]
        except UserError as error:
            outcome.failed.append(f"{source}: {error}")
        except OSError as error:
            outcome.failed.append(f"{source}: writing {target} failed: {error.strerror or error}.")
        if report:
            report(task, done, len(sources))
    restorer.tile = tile
    outcome.notes, outcome.depths = counted(phrases), dict(depths)
    return outcome


def _kept(picture: Picture) -> Iterator[str]:
    """What reading converted, but for the profile, which the restored picture carries on."""
    carried = picture.header.profile[16:20] == (b"GRAY" if picture.header.grey else b"RGB ")
    yield from (note for note in picture.notes if not (carried and note.startswith("colour profile")))
    if picture.pixels.dtype == np.uint16 and picture.pixels.max() <= 16383:
        yield "16 bits whose values reach less than a quarter of white: restored as they are, with white at 65535"
    if picture.header.kind == "float":
        yield "floats written as 16 bits, clipped to [0, 1]"


def _restored(
    restorer: Restorer, picture: Picture, source: Path, noise_level: float | None, tile: int
) -> tuple[np.ndarray, list[str]]:
    """The restored picture (H, W, C) float32, grey where the picture is, and notes."""
    image, notes = _fitting(restorer, picture)
    sample = Sample(source.stem, image, None, source.stem, {}, noise_level)
    restored, note = _within_memory(restorer, sample, tile)
    if picture.header.grey and restored.shape[2] == 3:
        restored = restored.mean(2, keepdims=True)
    return restored, [*notes, *([note] if note else [])]


def _fitting(restorer: Restorer, picture: Picture) -> tuple[np.ndarray, list[str]]:
    """The pixels in the number of channels that the method takes. Raises UserError for a picture too small for it."""
    facts = restorer.method.facts
    height, width = picture.pixels.shape[:2]
    if min(height, width) < facts.min_side:
        name = getattr(restorer.method, "name", "this method")
        raise UserError(f"it is {width}x{height}, and {name} takes sides of {facts.min_side} pixels or more.")
    image = picture.pixels if picture.pixels.dtype == np.uint8 else unit(picture.pixels)
    if image.shape[2] in facts.channels:
        return image, []
    if image.shape[2] == 1:
        return np.repeat(image, 3, 2), []
    import cv2

    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None], ["converted to grey, which is what the method restores"]


def _within_memory(restorer: Restorer, sample: Sample, tile: int) -> tuple[np.ndarray, str]:
    """Restore one picture, in smaller and smaller tiles where memory runs out. Returns it and a note.

    Raises UserError where no tile is small enough.
    """
    assert sample.degraded is not None
    height, width = sample.degraded.shape[:2]
    smallest = max(SMALLEST_TILE, 2 * (restorer.method.facts.context or 0) + 4 * restorer.method.facts.multiple)
    large = max(TILE, 4 * (restorer.method.facts.context or 0))
    side = tile or (large if height * width > WHOLE else 0)
    note = ""
    while True:
        restorer.tile = side
        try:
            found: Iterator[np.ndarray] = (restored.output for restored in restorer([sample]))
            return next(found), note
        except (MemoryError, RuntimeError) as error:
            # a lack of memory is numpy's, torch's on a GPU, or its allocator's on a CPU
            if not isinstance(error, MemoryError) and not any(sign in str(error).lower() for sign in _NO_MEMORY):
                raise
        side = max(large, 1 << (max(height, width) - 1).bit_length() - 1) if not side else side // 2
        if side < smallest:
            raise UserError(
                f"it is {width}x{height}, and memory ran out even in tiles of {2 * side} pixels: give --device cpu, or "
                "cut the picture into parts."
            )
        note = "restored in smaller tiles, since memory ran out"


def _write(target: Path, restored: np.ndarray, picture: Picture, scale: int) -> None:
    import cv2

    if len(os.fsencode(target.name)) > _LONGEST:
        raise UserError(f"the name of its output would be longer than {_LONGEST} bytes; rename it.")
    kind = np.uint8 if picture.pixels.dtype == np.uint8 else np.uint16
    pixels = levels(restored, kind)
    if picture.alpha is not None:
        alpha = picture.alpha if picture.alpha.dtype == kind else levels(unit(picture.alpha), kind)
        if scale > 1:
            alpha = cv2.resize(alpha, pixels.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        colour = np.repeat(pixels, 3, 2) if pixels.shape[2] == 1 else pixels
        pixels = np.concatenate([colour, alpha[..., None]], 2)
    profile = picture.header.profile
    fits = profile[16:20] == (b"GRAY" if pixels.shape[2] == 1 else b"RGB ")
    write_png(target, pixels, profile if fits else b"")
