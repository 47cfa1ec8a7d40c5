"""A small set for real-world super-resolution, made in seconds from the photographs in scikit-image's wheel.

What a small camera would have made of the scene: the light is blurred by the optics, gathered by pixels four times as
wide, gets a sensor's noise in the mosaic, and is rendered as the demo's pictures are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from datasets import demo
from datasets.base import Item
from datasets.demo import Crop, grid
from datasets.ops import isp
from datasets.ops.resize import imresize
from datasets.prepared import Prepared

SCALE = 4
# Every photograph is in one split only. The three textures are grey.
TEST, VALIDATION = demo.TEST, ("gravel.png", "retina.jpg")
TRAIN = (
    *("brick.png", "coffee.png", "grass.png", "hubble_deep_field.jpg", "ihc.png", "motorcycle_left.png"),
    "rocket.jpg",
)
CROPS, SIDE = 4, 192  # of test and validation
EVEN = 2 * SCALE  # sides are multiples of it, so that the small camera's mosaic has even ones
OPTICS = 1.6  # pixels of the clean picture: standard deviation of the blur
CAMERA = {**demo.CAMERA, "beta": [0.002, 0.00003] * 3}


class DemoSR(Prepared):
    """Super-resolution by 4 of noisy pictures; roles degraded and clean. The splits have no photograph in common.

    For unpaired training the harness takes the degraded pictures of some of the photographs and the clean ones of the
    others.
    """

    facts = replace(
        demo.Demo.facts,
        name="demo-sr",
        title="demo-sr",
        task="super-resolve",
        scale=SCALE,
        convention="rgb-border4-wang",
        complete={"test": 16, "validation": 8, "train": 7},
        licence=f"{demo.Demo.facts.licence}; brick, grass and gravel: CC0",
        options={},
    )

    @classmethod
    def items(cls, source: Path | None = None, **options: Any) -> Iterator[Item]:
        """All crops of all three splits; a source is not needed and not looked at."""
        for split, crops in layout().items():
            yield from (_item(crop, split) for crop in crops)

    @property
    def degradation(self) -> str:
        """``raw-isp-x4``: a small camera's, rendered."""
        return f"raw-isp-x{SCALE}"


def layout() -> Mapping[str, list[Crop]]:
    """Split -> its crops, none of which overlap; of the training's photographs there is all that the camera takes."""
    held_out = {
        split: [c for file in files for c in grid(file, demo.photograph(file).shape[1], SIDE, CROPS)]
        for split, files in (("test", TEST), ("validation", VALIDATION))
    }
    return {**held_out, "train": [_whole(file) for file in TRAIN]}


def _whole(file: str) -> Crop:
    height, width = (side // EVEN * EVEN for side in demo.photograph(file).shape[:2])
    return Crop(file, 0, 0, height, width)


def _item(crop: Crop, split: str) -> Item:
    load = {"clean": partial(clean, crop), "degraded": partial(degraded, crop)}
    return Item(crop.name, split, crop.scene, load, camera="synthetic", meta=CAMERA)


def clean(crop: Crop) -> np.ndarray:
    """The crop under the demo's exposure, (H, W, 3) uint8."""
    return isp.to_uint8(isp.srgb_curve(demo.linear_light(crop.pixels())))


def degraded(crop: Crop) -> np.ndarray:
    """What the small camera makes of the crop, (H / 4, W / 4, 3) uint8."""
    import cv2

    blurred = cv2.GaussianBlur(demo.linear_light(crop.pixels()), (0, 0), OPTICS, borderType=cv2.BORDER_REFLECT)
    mosaic = demo.mosaicked(imresize(blurred, 1 / SCALE))
    return demo.developed(demo.exposed(mosaic, CAMERA["beta"], crop.name))
