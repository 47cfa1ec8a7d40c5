"""Names of conventions as they are asked for, of PSNR and SSIM and perceptual ones alike."""

from __future__ import annotations

from collections.abc import Iterable

from benchmark.scoring.conventions import CONVENTIONS, ON_REQUEST
from benchmark.scoring.perceptual.definition import PERCEPTUAL
from datasets.core.registry import unknown


def split(names: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of conventions -> those of PSNR and SSIM, and the perceptual ones. Raises UserError for an unknown name."""
    names = tuple(dict.fromkeys(names))
    known = CONVENTIONS | ON_REQUEST
    for name in names:
        if name not in known and name not in PERCEPTUAL:
            raise unknown("convention", name, [*known, *PERCEPTUAL])
    return tuple(n for n in names if n in known), tuple(n for n in names if n in PERCEPTUAL)
