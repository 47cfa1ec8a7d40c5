"""Boxes in pictures: as they are written, and where methods disagree most. Plain arrays; nothing is read or drawn."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from datasets.core.errors import UserError

_BOX = re.compile(r"(.+):(\d+),(\d+),(\d+),(\d+)")
LEAST, MOST = 24, 128  # pixels: sides of a box that is chosen


@dataclass(frozen=True)
class Box:
    """A part of one picture.

    Attributes:
        name: of the image. x, y: of its top left corner, in pixels from the left and from the top. w, h: its size.
    """

    name: str
    x: int
    y: int
    w: int
    h: int

    def cut(self, image: np.ndarray) -> np.ndarray:
        """The part of an (H, W, C) or (H, W) image."""
        return image[self.y : self.y + self.h, self.x : self.x + self.w]

    @property
    def text(self) -> str:
        """As people write it."""
        return f"{self.name}:{self.x},{self.y},{self.w},{self.h}"


def parse_box(text: str) -> Box:
    """``NAME:x,y,w,h``. Raises UserError for anything else, and for an empty box."""
    found = _BOX.fullmatch(text)
    if not found or min(int(found[4]), int(found[5])) < 1:
        raise UserError(f"Expected a box as NAME:x,y,w,h in pixels, such as img01:120,40,64,64; got {text!r}.")
    return Box(found[1], *(int(number) for number in found.groups()[1:]))


def inside_of(box: Box, shape: tuple[int, ...]) -> Box:
    """The box itself. Raises UserError where it reaches beyond an image of this shape (H, W, ...)."""
    height, width = shape[:2]
    if box.x + box.w > width or box.y + box.h > height:
        raise UserError(f"The box {box.text} reaches beyond its image, which has {width} x {height} pixels.")
    return box


def side_for(shape: tuple[int, ...]) -> int:
    """A side for a square box: a quarter of the shorter side of the image, within LEAST and MOST."""
    return min(max(min(shape[:2]) // 4, LEAST), MOST, *shape[:2])


def largest_disagreement(name: str, images: Sequence[np.ndarray], side: int = 0) -> tuple[Box, float]:
    """Where the outputs of several methods differ most: the square with the largest mean variance between them.

    Args:
        images: at least two of one shape (H, W, C) or (H, W), with white at 1. side: of the square; 0 = `side_for`.
    Returns:
        the box, the first in reading order where several are equal, and the mean variance in it.
    """
    side = side or side_for(images[0].shape)
    # from sums rather than from a stack of all outputs, which may be many and large
    total = np.zeros(images[0].shape, np.float64)
    squares = np.zeros(images[0].shape, np.float64)
    for image in images:
        total += image
        squares += np.square(image, dtype=np.float64)
    variance = squares / len(images) - (total / len(images)) ** 2
    plane = variance.reshape(*variance.shape[:2], -1).mean(axis=2)
    sums = np.pad(plane, ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    areas = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    y, x = np.unravel_index(int(np.argmax(np.round(areas, 12))), areas.shape)
    return Box(name, int(x), int(y), side, side), float(areas[y, x]) / side**2
