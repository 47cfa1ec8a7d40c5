"""Making degraded pictures of clean ones with a method's trained generators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from benchmark.cell import Report
from benchmark.finding import for_pictures
from benchmark.photographs import Outcome, targets
from datasets.ops.errors import UserError
from datasets.ops.images import read_image, write_png
from datasets.ops.noise import unit_range
from methods.base import Degrades, Method, SampleInfo
from methods.loading import load_from
from methods.registry import METHODS

ROLE = "generator"


def weights_for(name: str, recipe: str | None, results: Path) -> Path:
    """The best generators of a method that are trained here or shipped.

    Raises:
        UserError: the method has no generators, or there are no weights of them.
    """
    cls = METHODS.get(name)
    _check(cls)
    return for_pictures(cls, recipe, results, ROLE)


def load(name: str, recipe: str | None, weights: Path | str, settings: Mapping[str, Any] | None = None) -> Method:
    """A method with the generators of a weights file. Raises UserError for weights of another role or method."""
    _check(METHODS.get(name))
    return load_from(name, recipe, weights, settings, ROLE).method


def _check(cls: type[Method]) -> None:
    if not hasattr(cls, "degrade"):
        able = [name for name in METHODS.names() if hasattr(METHODS.get(name), "degrade")]
        raise UserError(
            f"{cls.name} has no generators that degrade clean pictures; methods that have: {', '.join(able) or 'none'}."
        )


def places(sources: Sequence[Path], output: Path, draws: int) -> list[list[Path]]:
    """Where the samples of each picture go: ``<name>.png``, or ``<name>-<draw>.png`` where there are several.

    Raises:
        UserError: as `targets` does, and for several samples into one file.
    """
    plain = targets(sources, output)
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
) -> Outcome:
    """Sample degraded pictures one by one, each clamped and rounded to 8 bits; one that fails does not stop the others.

    Args:
        method: one that has `degrade`. sources: clean pictures. output: a folder, or a .png for a single sample.
        draws: samples of each picture. seed: of their noise; a sample depends on seed, name and number of the draw.
    """
    outcome = Outcome()
    method = method.to(device).eval()
    for done, (source, paths) in enumerate(zip(sources, places(sources, output, draws), strict=True), 1):
        try:
            clean = torch.from_numpy(unit_range(read_image(source))).permute(2, 0, 1)[None].to(device)
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
    return np.rint(np.clip(sample, 0, 1) * 255).astype(np.uint8)
