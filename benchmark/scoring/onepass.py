"""One comparison of two images: every form, plane and filtering is made at most once, whatever conventions ask."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import replace
from types import TracebackType
from typing import Any, TypeVar

import numpy as np

from benchmark.scoring import metrics
from benchmark.scoring.definition import Convention, Score
from benchmark.scoring.filters import across_channels, decimate, smooth
from benchmark.scoring.forms import WHITE, Image, require_finite, require_range
from benchmark.scoring.scratch import scratch
from datasets.ops.alignment import aligned_scores
from datasets.ops.errors import UserError

T = TypeVar("T")
Pair = tuple[np.ndarray, np.ndarray]
Forms = tuple[str, str]

_PLANES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "y-float": metrics.luma,
    "y-rounded": lambda image: np.rint(metrics.luma(image)),
    "y-swapped": metrics.luma_swapped,
    "grey-rounded": lambda image: np.rint(metrics.grey(image)),
}


class Pass:
    """Scores of one restored image against its clean image. See `benchmark.scoring.conventions.score` for both.

    To be entered with ``with``: the scratch memory that it fills is free again afterwards.
    """

    def __init__(self, restored: Any, clean: Any) -> None:
        self.restored, self.clean = Image(restored, "restored"), Image(clean, "clean")
        shapes = self.restored.array.shape, self.clean.array.shape
        if shapes[0] != shapes[1]:
            raise UserError(f"The restored image must have the clean image's shape {shapes[1]}, got {shapes[0]}.")
        require_finite(self.restored, "The method's output cannot be scored")
        require_finite(self.clean, "The clean image cannot be used")
        require_range(self.clean)
        floats = [image.array.dtype for image in (self.restored, self.clean) if image.array.dtype != np.uint8]
        self._precision = np.result_type(*floats) if floats else np.dtype(np.float64)
        self._eight_bit = self.restored.eight_bit and self.clean.eight_bit
        self._made: dict[Hashable, Any] = {}

    def __enter__(self) -> Pass:
        self._scratch = scratch()
        self._mark = self._scratch.used
        self._new = self._scratch.take
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._made.clear()
        self._scratch.release(self._mark)

    def score(self, convention: Convention) -> Score:
        """The pair's score. Raises UserError where the image is smaller than the window."""
        if convention.tile:
            return self._tiled(convention)
        if convention.align == "ecc":
            return self._aligned(convention)
        return Score(self._psnr(convention), self._ssim(convention))

    def _once(self, key: Hashable, make: Callable[[], T]) -> T:
        if key not in self._made:
            self._made[key] = make()
        value: T = self._made[key]
        return value

    def _forms(self, wanted: str, clamp: bool) -> Forms:
        if self._eight_bit:
            return "rounded", "rounded"
        truth = "float" if wanted == "float" else "rounded"
        return self.restored.form(wanted, clamp), self.clean.form(truth, True)

    def _plane(self, side: str, form: str, plane: str) -> np.ndarray:
        if plane in _PLANES:
            return self._once((side, form, plane), lambda: _PLANES[plane](self._plane(side, form, "all")))
        image: Image = getattr(self, side)
        return self._once((side, form), lambda: image.make(form, self._precision, self._new))

    def _pair(self, forms: Forms, plane: str, border: int) -> Pair:
        x, y = self._plane("restored", forms[0], plane), self._plane("clean", forms[1], plane)
        return _cut(x, border), _cut(y, border)

    def _psnr(self, c: Convention) -> float:
        forms = self._forms(c.psnr_input, c.clamp)
        key = ("psnr", forms, c.plane, c.border, c.data_range, c.psnr_over)
        return self._once(key, lambda: self._make_psnr(c, forms))

    def _make_psnr(self, c: Convention, forms: Forms) -> float:
        x, y = self._pair(forms, c.plane, c.border)
        peak = WHITE * c.data_range
        if c.psnr_over == "joint":
            return metrics.psnr(x, y, peak, self._new)
        return float(np.mean([metrics.psnr(x[..., k], y[..., k], peak) for k in range(x.shape[2])]))

    def _ssim(self, c: Convention) -> float | None:
        if c.ssim_input is None:
            return None
        # Whole windows are what a padded filtering has inside its rim: `valid` shares it, and so does any border.
        whole = c.padding == "valid" and not c.downsample
        before = 0 if whole else c.border
        rim = (c.window.radius if c.padding == "valid" else 0) + c.border - before
        found = self._map(self._forms(c.ssim_input, c.clamp), c, before)
        return float(np.mean(_cut(found, rim, f"Convention {c.name!r} cannot take an SSIM: a rim")))

    def _map(self, forms: Forms, c: Convention, border: int) -> np.ndarray:
        pixels = c.window.taps**2
        unbias = pixels / (pixels - 1) if c.covariance == "sample" else 1.0
        key = ("map", forms, self._source(c, border), c.ssim_over, c.ssim_range, unbias)
        return self._once(key, lambda: self._make_map(forms, c, border, unbias))

    def _make_map(self, forms: Forms, c: Convention, border: int, unbias: float) -> np.ndarray:
        means = self._means(forms, c, border)
        if c.ssim_over == "volume":
            means = means.each(lambda a: across_channels(a, c.window, self._new))
        return metrics.ssim_map(means, WHITE * c.ssim_range, unbias, self._new)

    def _source(self, c: Convention, border: int) -> Hashable:
        return c.plane, border, c.downsample, c.window, "replicate" if c.padding == "valid" else c.padding

    def _means(self, forms: Forms, c: Convention, border: int) -> metrics.Moments:
        return self._once(("means", forms, self._source(c, border)), lambda: self._make_means(forms, c, border))

    def _make_means(self, forms: Forms, c: Convention, border: int) -> metrics.Moments:
        source = self._source(c, border)
        padding = "replicate" if c.padding == "valid" else c.padding
        x, y = self._pair(forms, c.plane, border)
        if c.downsample:
            x, y = decimate(x), decimate(y)
        filtered = [x, *self._products(forms, c, border, x, y)]
        mean_x, squares, product = (smooth(a, c.window, padding, self._new) for a in filtered)
        mean_y = self._once(("mean", forms[1], source), lambda: smooth(y, c.window, padding, self._new))
        return metrics.Moments(mean_x, mean_y, squares, product)

    def _products(self, forms: Forms, c: Convention, border: int, x: np.ndarray, y: np.ndarray) -> Pair:
        return self._once(("products", forms, c.plane, border, c.downsample), lambda: metrics.products(x, y, self._new))

    def _aligned(self, c: Convention) -> Score:
        x, y = self._pair(self._forms(c.psnr_input, c.clamp), c.plane, c.border)
        return Score(*aligned_scores(x / WHITE, y / WHITE))

    def _tiled(self, c: Convention) -> Score:
        height, width = self.clean.array.shape[:2]
        rows, columns = (range(0, extent - c.tile + 1, c.tile) for extent in (height, width))
        scores = [self._part(row, column, c) for row in rows for column in columns]
        if not scores:
            raise UserError(
                f"Convention {c.name!r} scores tiles of {c.tile} pixels, got an image of {height} x {width}."
            )
        ssims = [s.ssim for s in scores if s.ssim is not None]
        return Score(float(np.mean([s.psnr for s in scores])), float(np.mean(ssims)) if ssims else None)

    def _part(self, row: int, column: int, c: Convention) -> Score:
        where = slice(row, row + c.tile), slice(column, column + c.tile)
        with Pass(self.restored.array[where], self.clean.array[where]) as part:
            return part.score(replace(c, tile=0))


def _cut(image: np.ndarray, border: int, what: str = "A border") -> np.ndarray:
    if min(image.shape[:2]) <= 2 * border:
        raise UserError(
            f"{what} of {border} pixels on each side leaves nothing of an image of {image.shape[:2]} pixels."
        )
    return image[border:-border, border:-border] if border else image
