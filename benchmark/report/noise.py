"""What the noise of a set is like, as far as its shown images tell."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from benchmark.report.pictures import Shown
from benchmark.scoring.noise_statistics import LAGS, NoiseStatistics

SMALLEST = 2 * LAGS  # pixels of a side


def noise_values(images: Iterable[Shown]) -> dict[str, Any] | None:
    """Deviation, correlation of neighbours, variance by intensity and the shares of the noise's 8-bit levels.

    Over the images that have both sides; None where none has.
    """
    found, count, levels = NoiseStatistics(), 0, np.zeros(511)
    for image in images:
        if image.clean is None or image.degraded is None or image.clean.shape != image.degraded.shape:
            continue
        if min(image.clean.shape[:2]) >= SMALLEST:
            found.add(image.clean, image.degraded)
            levels += np.bincount((image.degraded.astype(int) - image.clean + 255).ravel(), minlength=511)
            count += 1
    if not count or not found.squares.sum():
        return None
    centres, variance = found.variance()
    share = levels / levels.sum()
    seen = np.flatnonzero(share > 1e-5)
    first, last = (int(seen[0]), int(seen[-1]) + 1) if seen.size else (0, 0)
    return {
        "images": count,
        "deviation": found.deviation,
        "neighbours": float(found.autocorrelation()[0, 1]),
        "intensity": [round(float(v), 5) for v in centres],
        "variance": [float(f"{v:.5g}") for v in variance],
        "value": list(range(first - 255, last - 255)),
        "share": [float(f"{v:.5g}") for v in share[first:last]],
    }
