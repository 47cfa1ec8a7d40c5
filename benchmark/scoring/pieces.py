"""One piece of a comparison: each form, plane and filtering of its pixels is made at most once for all conventions.

An image is scored piece by piece, so that memory does not grow with it. A piece has pixels of its own, which count, and
is given as many more around them as the windows reach; where it touches the image's edge, so does its padding.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import Any, NamedTuple, TypeVar

import numpy as np

from benchmark.scoring import metrics
from benchmark.scoring.buffers import Scratch
from benchmark.scoring.definition import Convention
from benchmark.scoring.filters import across_channels, decimate, smooth
from benchmark.scoring.moments import Moments, products, squared_errors, ssim_map
from benchmark.scoring.quantise import WHITE, Forms, ImagePair
from datasets.core.errors import UserError

T = TypeVar("T")
Arrays = tuple[np.ndarray, np.ndarray]

# Pixels of a piece: small enough for forty planes to stay in a fast cache and in the scratch memory, large enough that
# the pixels around it are few beside it.
_MOST = 256, 512

_PLANES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "y-float": metrics.luma,
    "y-rounded": lambda image: np.rint(metrics.luma(image)),
    "y-swapped": metrics.luma_swapped,
    "grey-rounded": lambda image: np.rint(metrics.grey(image)),
}


class Box(NamedTuple):
    """Rows [top, bottom) and columns [left, right) of an image."""

    top: int
    bottom: int
    left: int
    right: int

    def grown(self, by: int) -> Box:
        """With so many pixels more (fewer where `by` is negative) on each side."""
        return Box(self.top - by, self.bottom + by, self.left - by, self.right + by)

    def within(self, other: Box) -> Box:
        """What lies in both."""
        return Box(
            max(self.top, other.top),
            min(self.bottom, other.bottom),
            max(self.left, other.left),
            min(self.right, other.right),
        )

    def of(self, array: np.ndarray, frame: Box) -> np.ndarray:
        """The box's pixels of an array that holds those of `frame`."""
        rows = slice(self.top - frame.top, self.bottom - frame.top)
        return array[rows, self.left - frame.left : self.right - frame.left]

    @property
    def empty(self) -> bool:
        """Whether it has no pixel."""
        return self.bottom <= self.top or self.right <= self.left


class Sums(NamedTuple):
    """What pieces contribute under one convention: squared errors (per channel where PSNR is), and SSIMs."""

    errors: np.ndarray
    pixels: int
    similarity: float
    windows: int

    def plus(self, other: Sums) -> Sums:
        """Of both together."""
        return Sums(
            self.errors + other.errors,
            self.pixels + other.pixels,
            self.similarity + other.similarity,
            self.windows + other.windows,
        )


def boxes(height: int, width: int) -> Iterator[Box]:
    """The pieces of an image, of nearly equal size."""
    edges = []
    for extent, most in zip((height, width), _MOST, strict=True):
        count = -(-extent // most)
        edges.append([extent * k // count for k in range(count + 1)])
    for top, bottom in zip(edges[0], edges[0][1:], strict=False):
        for left, right in zip(edges[1], edges[1][1:], strict=False):
            yield Box(top, bottom, left, right)


def require_room(shape: tuple[int, ...], border: int, what: str = "A border") -> None:
    """Raise UserError, beginning with `what`, where nothing is left inside of a border."""
    if min(shape[:2]) <= 2 * border:
        raise UserError(f"{what} of {border} pixels on each side leaves nothing of an image of {shape[:2]} pixels.")


class Piece:
    """The pixels of `own` under any number of conventions. To be used within one frame of `scratch`.

    Args:
        pair: the whole images. halo: pixels that windows reach to each side.
    """

    def __init__(self, pair: ImagePair, own: Box, halo: int, scratch: Scratch) -> None:
        self._pair, self._own, self._scratch = pair, own, scratch
        self._image = Box(0, pair.shape[0], 0, pair.shape[1])
        self._given = own.grown(halo).within(self._image)
        self._made: dict[Hashable, Any] = {}

    def sums(self, c: Convention) -> Sums:
        """Its part in the pair's score."""
        forms = self._pair.forms(c.psnr_input, c.clamp)
        key = "errors", forms, c.plane, c.border, c.psnr_over
        errors, pixels = self._once(key, lambda: self._errors(forms, c))
        if c.ssim_input is None:
            return Sums(errors, pixels, 0.0, 0)
        return Sums(errors, pixels, *self._similarity(c))

    def arrays(self, forms: Forms, plane: str, box: Box) -> Arrays:
        """The restored and the clean image's pixels of a box, (h, w, C) float64."""
        x, y = (self._plane(side, form, plane) for side, form in enumerate(forms))
        return box.of(x, self._given), box.of(y, self._given)

    def _once(self, key: Hashable, make: Callable[[], T]) -> T:
        if key not in self._made:
            self._made[key] = make()
        value: T = self._made[key]
        return value

    def _plane(self, side: int, form: str, plane: str) -> np.ndarray:
        if plane in _PLANES:
            return self._once((side, form, plane), lambda: _PLANES[plane](self._plane(side, form, "all")))
        where = slice(self._given.top, self._given.bottom), slice(self._given.left, self._given.right)
        return self._once((side, form), lambda: self._pair.make(side, form, where, self._scratch.take))

    def _errors(self, forms: Forms, c: Convention) -> tuple[np.ndarray, int]:
        inner = self._own.within(self._image.grown(-c.border))
        if inner.empty:
            return np.zeros(()), 0
        x, y = self.arrays(forms, c.plane, inner)
        with self._scratch.frame():
            squares = squared_errors(x, y, self._scratch.take)
            errors = squares.sum() if c.psnr_over == "joint" else squares.sum(axis=(0, 1))
        return np.asarray(errors), squares.size // errors.size

    def _similarity(self, c: Convention) -> tuple[float, int]:
        # Whole windows are what a padded filtering has inside its rim: `valid` shares it, and so does any border.
        whole = c.padding == "valid" and not c.downsample
        before = 0 if whole else c.border
        filtered = self._given.within(self._image.grown(-before))
        if filtered.empty:
            return 0.0, 0
        found = self._map(self._pair.forms(c.ssim_input or "", c.clamp), c, filtered)
        radius = c.window.radius if c.padding == "valid" else 0
        if c.downsample:
            require_room(found.shape, radius, f"Convention {c.name!r} cannot take an SSIM: a rim")
            kept = found[radius : len(found) - radius, radius : found.shape[1] - radius]
        else:
            counted = self._own.within(self._image.grown(-radius - c.border))
            if counted.empty:
                return 0.0, 0
            kept = counted.of(found, filtered)
        return float(kept.sum()), kept.size

    def _map(self, forms: Forms, c: Convention, box: Box) -> np.ndarray:
        pixels = c.window.taps**2
        unbias = pixels / (pixels - 1) if c.covariance == "sample" else 1.0
        padding = "replicate" if c.padding == "valid" else c.padding
        source = c.plane, box, c.downsample, c.window, padding

        def moments() -> Moments:
            x, y = self.arrays(forms, c.plane, box)
            if c.downsample:
                x, y = decimate(x), decimate(y)
            both = self._once(("products", forms, *source[:3]), lambda: products(x, y, self._scratch.take))
            mean_x, squares, product = (self._smooth(a, c, padding) for a in (x, *both))
            mean_y = self._once(("mean", forms[1], source), lambda: self._smooth(y, c, padding))
            return Moments(mean_x, mean_y, squares, product)

        def similarity() -> np.ndarray:
            means = self._once(("means", forms, source), moments)
            out = self._scratch.take(means.x.shape)
            with self._scratch.frame():
                if c.ssim_over == "volume":
                    means = means.each(lambda a: across_channels(a, c.window, self._scratch.take))
                return ssim_map(means, WHITE * c.ssim_range, unbias, out, self._scratch.take)

        return self._once(("map", forms, source, c.ssim_over, c.ssim_range, unbias), similarity)

    def _smooth(self, image: np.ndarray, c: Convention, padding: str) -> np.ndarray:
        return smooth(image, c.window, padding, self._scratch.take)
