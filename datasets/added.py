"""White Gaussian noise that is added to clean pictures on reading: what the sets that ask for it have in common."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from datasets.base import Row
from datasets.core.errors import UserError
from datasets.ops.noise import gaussian, keyed_generator
from datasets.prepared import Prepared

SIGMA = "standard deviation of the noise, on the scale 0..255"


class WithNoise(Prepared):
    """Clean pictures under the options `sigma` and, where the set has it, `clip`.

    The noise is float32, of standard deviation sigma / 255, not clipped unless asked, not quantised, and drawn from
    (noise seed, image name) alone: the same for every sigma but for its scale.
    """

    def __init__(self, root: Path | str, **given: Any) -> None:
        super().__init__(root, **given)
        if self.options["sigma"] < 0:
            raise UserError(f"Expected a sigma of 0 or more for {self.facts.name}, but got {self.options['sigma']:g}.")

    def degrade(self, clean: np.ndarray, row: Row, options: Mapping[str, Any], seed: int) -> np.ndarray:
        """clean + N(0, (sigma / 255)^2), (H, W, C) float32."""
        noisy = gaussian(clean, options["sigma"] / 255, keyed_generator(seed, row.name))
        return np.clip(noisy, 0, 1) if options.get("clip") else noisy

    def noise_level(self, row: Row) -> float | None:
        """sigma / 255."""
        return float(self.options["sigma"]) / 255
