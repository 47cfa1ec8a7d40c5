"""Restoring somebody's own pictures: one after the other, large ones in tiles, written as PNG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmark.cell import Report
from datasets.base import Sample
from datasets.ops.errors import UserError
from datasets.ops.images import SUFFIXES, read_image, write_png

if TYPE_CHECKING:
    from benchmark.restoring import Restorer

WHOLE = 1 << 21  # pixels up to which a picture is restored at once; larger ones take tiles, so that memory is bounded
TILE = 512


@dataclass
class Outcome:
    """What became of the pictures: paths written, sentences about those that could not be restored."""

    written: list[Path] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def pictures(source: Path) -> list[Path]:
    """The pictures of a folder in the order of their names, or the one picture. Raises UserError for none."""
    if source.is_file():
        return [source]
    if not source.is_dir():
        raise UserError(f"Expected a picture or a folder of pictures at {source}, but there is nothing.")
    found = sorted(path for path in source.iterdir() if path.suffix.lower() in SUFFIXES)
    if not found:
        raise UserError(f"The folder {source} holds no picture (of {', '.join(SUFFIXES)}).")
    return found


def targets(sources: Sequence[Path], output: Path) -> list[Path]:
    """Where each restored picture goes: ``<output>/<name>.png``, or `output` itself where it ends in .png.

    Raises:
        UserError: several pictures for one file, two pictures of one name, or a target that is a source.
    """
    if output.suffix.lower() == ".png":
        if len(sources) > 1:
            raise UserError(f"{len(sources)} pictures cannot go into the one file {output}: give --output a folder.")
        found = [output]
    else:
        found = [output / f"{source.stem}.png" for source in sources]
    if len(set(found)) < len(found):
        twice = next(path for path in found if found.count(path) > 1)
        raise UserError(f"Two pictures would both become {twice}: rename one of them.")
    own = {source.resolve() for source in sources}
    for path in found:
        if path.resolve() in own:
            raise UserError(f"{path} would replace its own source: give another folder with --output.")
    return found


def restore_pictures(
    restorer: Restorer,
    sources: Sequence[Path],
    output: Path,
    *,
    noise_level: float | None = None,
    report: Report = None,
) -> Outcome:
    """Restore pictures one by one; one that fails does not stop the others.

    Args:
        restorer: with its tile 0, pictures of more than WHOLE pixels are restored in tiles.
        output: folder, or a .png for a single picture. noise_level: of all of them, on the [0, 1] scale.
    """
    outcome, tile = Outcome(), restorer.tile
    for done, (source, target) in enumerate(zip(sources, targets(sources, output), strict=True), 1):
        try:
            restored = _restore(restorer, source, noise_level, tile)
            write_png(target, np.rint(np.clip(restored, 0, 1) * 255).astype(np.uint8))
            outcome.written.append(target)
        except UserError as error:
            outcome.failed.append(f"{source}: {error}")
        if report:
            report("restoring", done, len(sources))
    return outcome


def _restore(restorer: Restorer, source: Path, noise_level: float | None, tile: int) -> np.ndarray:
    facts = restorer.method.facts
    picture = read_image(source, 3 if 3 in facts.channels else 1)
    large = picture.shape[0] * picture.shape[1] > WHOLE
    restorer.tile = tile or (max(TILE, 4 * (facts.context or 0)) if large else 0)
    sample = Sample(source.stem, picture, None, source.stem, {}, noise_level)
    found: Iterator[np.ndarray] = (restored.output for restored in restorer([sample]))
    return next(found)
