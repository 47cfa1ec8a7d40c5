"""Making degraded pictures of clean ones with a method's trained generators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from benchmark.inference.photos import Outcome, targets
from benchmark.progress import Report
from datasets.core.errors import UserError
from datasets.core.files import clear_parts_of
from datasets.ops.images import read_image, write_png
from datasets.ops.ranges import levels, unit
from methods.base import Degrades, Method, SampleInfo
from methods.loading import load_from
from methods.registry import METHODS

ROLE = "generator"


def load(name: str, recipe: str | None, weights: Path | str, settings: Mapping[str, Any] | None = None) -> Method:
    """A method with the generators of a weights file. Raises UserError for weights of another role or method."""
    check(METHODS.get(name))
    return load_from(name, recipe, weights, settings, ROLE).method


def check(cls: type[Method]) -> None:
    """Raise UserError for a method without generators."""
    if not hasattr(cls, "degrade"):
        able = [name for name in METHODS.names() if hasattr(METHODS.get(name), "degrade")]
        raise UserError(
            f"{cls.name} has no generators that degrade clean pictures; methods that have: {', '.join(able) or 'none'}."
        )


def places(sources: Sequence[Path], output: Path, draws: int, root: Path | None = None) -> list[list[Path]]:
    """Where the samples of each picture go: ``<name>.png``, or ``<name>-<draw>.png`` where there are several.

    `root` as for `targets`.

    Raises:
        UserError: as `targets` does, and for several samples into one file.
    """
    plain = targets(sources, output, root)
    if draws == 1:
        return [[path] for path in plain]
    if output.suffix.lower() == ".png":
        raise UserError(f"{draws} samples cannot go into the one file {output}: give --output a folder.")
    return [[path.with_stem(f"{path.stem}-{draw}") for draw in range(draws)] for path in plain]


def degrade_pictures(
    method: Method,
    sources: Sequence[Path],
    output: Path,
    *,
    draws: int = 1,
    seed: int = 0,
    device: torch.device | str = "cpu",
    report: Report = None,
    root: Path | None = None,
) -> Outcome:
    """Sample degraded pictures one by one, each clamped and rounded to 8 bits; one that fails does not stop the others.

    Args:
        method: one that has `degrade`. sources: clean pictures. output: a folder, or a .png for a single sample.
        draws: samples of each picture. root: see `targets`.
        seed: of their noise; a sample depends on seed, name and number of the draw.
    """
    outcome = Outcome()
    method = method.to(device).eval()
    goals = places(sources, output, draws, root)
    clear_parts_of(path for paths in goals for path in paths)
    for done, (source, paths) in enumerate(zip(sources, goals, strict=True), 1):
        try:
            clean = torch.from_numpy(unit(read_image(source))).permute(2, 0, 1)[None].to(device)
            for draw, path in enumerate(paths):
                write_png(path, degraded(cast(Degrades, method), clean, SampleInfo(source.stem, seed=seed), draw))
                outcome.written.append(path)
        except UserError as error:
            outcome.failed.append(f"{source}: {error}")
        if report:
            report("degrading", done, len(sources))
    return outcome


@torch.no_grad()
def degraded(method: Degrades, clean: torch.Tensor, info: SampleInfo, draw: int) -> np.ndarray:
    """One sample of a clean image (1, 3, H, W) as (h, w, 3) uint8."""
    sample = method.degrade(clean, [info], draw)[0].permute(1, 2, 0).cpu().numpy()
    if not np.isfinite(sample).all():
        raise UserError(f"The generator's sample {draw} of {info.name} holds NaN or infinite values.")
    return levels(sample, np.uint8)
