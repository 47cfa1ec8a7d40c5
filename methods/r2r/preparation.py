"""What R2R's training images are made from, once, before the training: the noisy set, or the recorrupted pairs.

Each class is a function of (arrays of one image, its info, a generator keyed by seed and image name) that gives the
images of the prepared pool; see methods.base.Preparation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from datasets.core.errors import UserError
from datasets.ops import isp
from datasets.ops.noise import estimate_sigma
from datasets.ops.resize import cubic
from methods.base import Arrays, Preparation, SampleInfo
from methods.r2r.recorruption import recorrupt_raw

Members = dict[str, np.ndarray]


@dataclass(frozen=True)
class GaussianSet:
    """A frozen noisy set from clean images: scales, and one noise draw on each whole scaled image (spec: dataset.py).

    Attributes:
        sigma: of the noise on the 8-bit scale. scales: of OpenCV's bicubic resizing in float; values overshoot [0, 1].
        keep_clean: keep the clean member too (the supervised reference).
    """

    sigma: float
    scales: Sequence[float]
    keep_clean: bool = False

    def __call__(self, arrays: Arrays, info: SampleInfo, rng: np.random.Generator) -> list[Members]:
        return [self._noisy(cubic(arrays["clean"], scale), rng) for scale in self.scales]

    def _noisy(self, clean: np.ndarray, rng: np.random.Generator) -> Members:
        noise = np.float32(self.sigma / 255) * rng.standard_normal(clean.shape, np.float32)
        members = {"degraded": clean + noise}
        return {**members, "clean": clean} if self.keep_clean else members


@dataclass(frozen=True)
class RenderedPairs:
    """Recorrupted pairs made in the raw mosaic, both rendered by the camera's pipeline to 8-bit sRGB.

    The image's meta gives ``cfa``, ``beta``, ``as_shot_neutral``, ``color_matrix2``, and further options of the
    rendering under ``isp`` (see datasets.ops.isp).

    Attributes:
        alpha: 2 in the authors' pairs. draws: pairs per capture (1; their first version had 2).
    """

    alpha: float
    draws: int

    def __call__(self, arrays: Arrays, info: SampleInfo, rng: np.random.Generator) -> list[Members]:
        return [self._pair(arrays["raw"], _camera(info), rng) for _ in range(self.draws)]

    def _pair(self, raw: np.ndarray, camera: Mapping[str, Any], rng: np.random.Generator) -> Members:
        draw = rng.standard_normal(raw.shape, np.float32)
        pair = recorrupt_raw(raw, camera["cfa"], camera["beta"], draw, self.alpha)
        return dict(zip(("input", "target"), (_rendered(mosaic, camera) for mosaic in pair), strict=True))


def _camera(info: SampleInfo) -> Mapping[str, Any]:
    missing = [key for key in ("cfa", "beta", "as_shot_neutral", "color_matrix2") if key not in info.meta]
    if missing:
        raise UserError(
            f"Recorruption in the raw mosaic needs {', '.join(missing)} of the image {info.name}, which its dataset "
            "does not tell; train on one that keeps them (demo, raw captures of sidd), or take a recipe for sRGB."
        )
    return info.meta


def _rendered(mosaic: np.ndarray, camera: Mapping[str, Any]) -> np.ndarray:
    fixed = (camera[key] for key in ("cfa", "as_shot_neutral", "color_matrix2"))
    return isp.to_uint8(isp.render(mosaic, *fixed, **camera.get("isp", {})))


@dataclass(frozen=True)
class NoiseDraws:
    """Frozen noise of the image's own level, for sRGB images whose noise is known by its standard deviation only.

    Attributes:
        draws: noise images per image. shared: one draw for the three channels.
        gain: the level is multiplied by it (the estimator sees too little of correlated noise).
        blur: standard deviation in pixels of a Gaussian that correlates the draw, which keeps its level; 0 = white.
    """

    draws: int
    shared: bool
    gain: float
    blur: float

    def __call__(self, arrays: Arrays, info: SampleInfo, rng: np.random.Generator) -> list[Members]:
        image = arrays["degraded"]
        level = info.noise_level if info.noise_level is not None else estimate_sigma(image)
        shape = (*image.shape[:2], 1 if self.shared else image.shape[2])
        draws = (correlated(rng.standard_normal(shape, np.float32), self.blur) for _ in range(self.draws))
        return [{"degraded": image, "noise": np.float32(self.gain * level) * draw} for draw in draws]


def correlated(draw: np.ndarray, blur: float) -> np.ndarray:
    """White noise (H, W, C) filtered by a Gaussian and scaled so that its standard deviation stays; blur 0: as is."""
    if not blur:
        return draw
    from scipy.ndimage import gaussian_filter, gaussian_filter1d

    impulse = np.zeros(2 * int(4 * blur + 1) + 1)
    impulse[len(impulse) // 2] = 1
    norm = np.square(gaussian_filter1d(impulse, blur, mode="constant")).sum()  # the square of its root: two axes
    return (gaussian_filter(draw, (blur, blur, 0), mode="wrap") / norm).astype(draw.dtype)


def preparation(train: Mapping[str, Any]) -> Preparation:
    """The preparation that a recipe's ``train`` table describes, by its ``noise``: gaussian, raw or srgb."""
    make: GaussianSet | RenderedPairs | NoiseDraws
    if train["noise"] == "gaussian":
        make = GaussianSet(train["sigma"], tuple(train["scales"]), train["target"] == "clean")
    elif train["noise"] == "raw":
        make = RenderedPairs(train["alpha"], train["draws"])
    else:
        make = NoiseDraws(train["draws"], train["shared_draw"], train["level_gain"], train["blur"])
    return Preparation([type(make).__name__, asdict(make)], make)
