"""Streams of training batches, described: what a stage asks for, and what a pool cuts patches for.

A leaf: methods import it too, so it knows nothing of datasets but their errors, files and image operations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from datasets.core.errors import UserError
from datasets.ops.noise import keyed_generator

if TYPE_CHECKING:
    from torch import Tensor

Arrays = Mapping[str, np.ndarray]

# Source -> the files of a row that it reads. A `measured` stream takes clean images: the method senses them itself.
ROLES = {
    "paired": ("degraded", "clean"),
    "degraded": ("degraded",),
    "clean": ("clean",),
    "raw": ("raw",),
    "measured": ("clean",),
}

# Augmentation -> the modes of datasets.ops.flips, one of which is drawn uniformly per patch. The order of the modes is
# part of the draw: another order would train other weights.
AUGMENTS: dict[str, tuple[int, ...]] = {
    "none": (0,),
    "flip": (0, 5),
    "flips8": (0, 1, 2, 3, 4, 5, 6, 7),
    "flips8-half": (0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7),  # untouched half of the time, else one of seven
    "flips9": (0, 1, 5, 2, 4, 6, 7, 3, 0),  # nine values are drawn, the first and the last of which do nothing
}

SAMPLINGS = ("random", "grid", "grid-flush", "images")
ORDERS = ("shuffle-each-epoch", "shuffle-once")


@dataclass(frozen=True)
class SampleInfo:
    """What a method may know of one image, at test time and when it prepares training images.

    Attributes:
        name: the sample's name; random draws are keyed by it.
        noise_level: standard deviation of the noise on the [0, 1] scale, None where unknown.
        seed: the noise seed of the run, or of the training. meta: camera, ISO, noise law ...
    """

    name: str
    noise_level: float | None = None
    seed: int = 0
    meta: Mapping[str, Any] = field(default_factory=dict)

    def variant(self, tag: str) -> SampleInfo:
        """The same image seen another way (a tile, a flip): its draws must differ from the whole image's."""
        return replace(self, name=f"{self.name}#{tag}")

    def draw(self, key: Any, shape: Sequence[int]) -> Tensor:
        """Standard normal float32 CPU tensor that depends on (seed, name, key) alone: not on batch size or order."""
        import torch  # here, so that describing streams and recipes needs no torch

        return torch.from_numpy(keyed_generator(self.seed, self.name, key).standard_normal(tuple(shape), np.float32))


@dataclass(frozen=True)
class Preparation:
    """A frozen, cached transformation of a source, made once before the training (a noisy set, pairs).

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
    """A stream of training batches; the harness cuts them (datasets.pool) and keeps the order exactly resumable.

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
        augment: ``none``, ``flip`` (left-right), ``flips8`` (the 8 flips and rotations, uniformly), ``flips8-half``
            (none half of the time, else one of the other seven), ``flips9`` (nine values, two of them none).
        sampling: ``random`` (image uniformly, then position uniformly), ``grid`` (all positions of a stride,
            row-major per image), ``grid-flush`` (the same, with a last row and column that end at the border),
            ``images`` (a pass over all images per epoch, random position in each).
        tile: side of the tiles, `stride` apart and flush with the borders, of which one is drawn before the position in
            it (with sampling ``random`` alone), as where images were cut into files beforehand: parts of a picture that
            several tiles share come more often. 0 = an image is drawn, then any position.
        stride: of the grid, or of the tiles. order: ``shuffle-each-epoch`` or ``shuffle-once`` (for grid and images).
        drop_last: whether the last, smaller batch of an epoch is left out.
        mixup: None, or (Beta parameter, first epoch counted from 1): convex mixing with another patch of the batch.
        preparation: see Preparation.
        setting: the recipe's setting that `crop` comes from, for sentences about patches that do not fit; '' = none.
        batch_setting: the one that `batch` comes from.

    Raises:
        UserError: a value that is none of these, or crop, batch and stride that do not go together.
    """

    source: str
    crop: int
    batch: int
    scale: int = 1
    augment: str = "none"
    sampling: str = "random"
    tile: int = 0
    stride: int = 0
    order: str = "shuffle-each-epoch"
    drop_last: bool = False
    mixup: tuple[float, int] | None = None
    preparation: Preparation | None = None
    setting: str = "train.crop"
    batch_setting: str = "train.batch"

    def __post_init__(self) -> None:
        for kind, value, known in (
            ("source", self.source, ROLES),
            ("augmentation", self.augment, AUGMENTS),
            ("sampling", self.sampling, SAMPLINGS),
            ("order", self.order, ORDERS),
        ):
            if value not in known:
                raise UserError(f"A stream's {kind} is one of {', '.join(known)}, not {value!r}.")
        if self.batch < 1 or self.crop < 0 or (self.sampling.startswith("grid") and min(self.stride, self.crop) < 1):
            raise UserError(
                f"A stream needs a batch of 1 or more, and a grid a crop and a stride; "
                f"came batch {self.batch}, crop {self.crop}, stride {self.stride}."
            )
        if self.tile and (self.sampling != "random" or self.mosaic or min(self.tile - self.crop + 1, self.stride) < 1):
            raise UserError(
                f"A stream draws from tiles of pictures at random, with a stride and tiles no smaller than the crop; "
                f"came sampling {self.sampling!r}, source {self.source!r}, tile {self.tile}, crop {self.crop}, "
                f"stride {self.stride}."
            )
        if self.mosaic and (self.augment != "none" or self.crop % 2):
            raise UserError(
                "Patches of raw mosaics have an even side and augment 'none': flips change the colour cell."
            )

    @property
    def roles(self) -> tuple[str, ...]:
        """The files of a row that the stream reads."""
        return ROLES[self.source]

    @property
    def mosaic(self) -> bool:
        """Whether patches are cut from mosaics, so that positions must be even to keep the colour cell."""
        return self.source == "raw" and self.preparation is None
