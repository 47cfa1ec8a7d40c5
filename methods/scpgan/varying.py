"""Clean patches made more various, where the clean images are few: other contrasts and other colours."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from methods.base import Draws

MARGIN = 0.1  # between a drawn colour and black or white, so that noise is not clipped everywhere


def varied(clean: Tensor, train: Mapping[str, Any], draws: Draws) -> Tensor:
    """Stretch the contrast of each patch about its mean colour, and move that towards a random one.

    A clean patch is clean after that too, and the background and restoring losses only ever compare with it. Not in
    the papers: their pools hold thousands of scenes.

    Args:
        clean: (N, C, H, W) in [0, 1]. train: a recipe's table. ``contrast``: the largest factor, 1 or more; it is
            drawn log-uniformly from 1 on, one for all channels. ``recolour``: 0 to 1, how far the mean goes
            towards a colour drawn uniformly from [0.1, 0.9] in each channel.
    Returns:
        as `clean`, clamped; `clean` itself where the recipe asks for neither.
    """
    if train["contrast"] == 1 and not train["recolour"]:
        return clean
    n, channels = clean.shape[:2]
    factor = (draws.uniform(n, 1, 1, 1) * math.log(train["contrast"])).exp()
    colour = MARGIN + (1 - 2 * MARGIN) * draws.uniform(n, channels, 1, 1)
    mean = clean.mean((2, 3), keepdim=True)
    return (torch.lerp(mean, colour, train["recolour"]) + factor * (clean - mean)).clamp(0, 1)
