"""The supplies of training batches that a stage asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from methods.facts import SampleInfo

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Preparation:
    """A frozen, cached transformation of a source, made once before the training (R2R's noisy set, its pairs).

    Attributes:
        key: JSON-able description of everything that the outcome depends on (with the data and the seed it is the
            cache's key).
        make: (arrays of one image by role, info of that image, numpy generator keyed by (seed, image name)) -> list of
            arrays by member name: each list entry is one image of the prepared pool (a scale, a draw).
            Arrays are (H, W, C) uint8 or float32 (H, W) for raw; the members of one entry have the same H, W.
    """

    key: Any
    make: Callable[[Arrays, SampleInfo, np.random.Generator], list[dict[str, np.ndarray]]]


@dataclass(frozen=True)
class Stream:
    """A supply of training batches, described; the harness builds it (datasets.pool) and keeps it exactly resumable.

    A batch is a dict member -> float32 tensor (N, C, H, W), uint8 members divided by 255, all members of one source
    image cropped and flipped alike. Members are the roles of the source (``degraded``, ``clean``, ``raw`` ...), or
    what the preparation makes.

    Attributes:
        source: ``paired`` (degraded + clean), ``degraded``, ``clean``, ``raw`` (mosaic + its meta), ``measured``
            (clean images to be sensed). Two streams ``degraded`` and ``clean`` in one stage are unpaired: the harness
            takes them from disjoint scenes.
        crop: side of the square patch in pixels of the degraded image; 0 = whole images (batch 1 or equal sizes).
        batch: global batch size.
        scale: clean side / degraded side (members ``clean`` are cropped at crop * scale).
        augment: ``none``, ``flip`` (left-right), ``flips8`` (the 8 flips and rotations, uniformly), ``scpgan`` (none
            half of the time, else one of the other seven), ``dgunet9`` (nine values, two of them none).
        sampling: ``random`` (image uniformly, then position uniformly), ``grid`` (all positions of a stride,
            row-major per image), ``grid-flush`` (the same, with a last row and column that end at the border),
            ``images`` (a pass over all images per epoch, random position in each).
        stride: of the grid. order: ``shuffle-each-epoch`` or ``shuffle-once`` (for grid and images).
        drop_last: whether the last, smaller batch of an epoch is left out.
        mixup: None, or (Beta parameter, first epoch counted from 1): convex mixing with another patch of the batch.
        preparation: see Preparation.
    """

    source: str
    crop: int
    batch: int
    scale: int = 1
    augment: str = "none"
    sampling: str = "random"
    stride: int = 0
    order: str = "shuffle-each-epoch"
    drop_last: bool = False
    mixup: tuple[float, int] | None = None
    preparation: Preparation | None = None
