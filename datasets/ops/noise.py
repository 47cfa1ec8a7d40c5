"""Noise with a key: the same image gets the same noise whatever else is read, in whatever order."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from datasets.core.errors import UserError
from datasets.core.files import canonical
from datasets.ops.ranges import unit, white

MOST_PATCHES = 2**16  # 100 MB of patches for a colour image


def keyed_generator(*key: Any) -> np.random.Generator:
    """A numpy generator that depends on the key's values alone (Philox, seeded by their SHA-256)."""
    seed = int.from_bytes(hashlib.sha256(canonical(list(key)).encode()).digest()[:16], "little")
    return np.random.Generator(np.random.Philox(seed))


def gaussian(clean: np.ndarray, sigma: float, generator: np.random.Generator) -> np.ndarray:
    """White Gaussian noise, neither clipped nor quantised.

    Args:
        clean: any shape, uint8 or float in [0, 1].
        sigma: standard deviation on the [0, 1] scale (25 / 255, say).
        generator: such as ``keyed_generator(noise seed, image name)``.
    Returns:
        float32, may leave [0, 1].
    """
    draw = generator.standard_normal(clean.shape, np.float32)
    return unit(clean) + np.float32(sigma) * draw


def photon_scale(clean: np.ndarray) -> int:
    """Photons at full scale under scikit-image's rule: the power of two at or above the number of distinct values."""
    return int(2 ** np.ceil(np.log2(len(np.unique(clean)))))


def poisson(clean: np.ndarray, generator: np.random.Generator, scale: int = 0) -> np.ndarray:
    """Poisson noise as ``skimage.util.random_noise`` makes it, which is how LIR's images were made.

    Poisson(K x) / K clipped to [0, 1], with K = `scale`, or, where that is 0, of `photon_scale`: 256 for an ordinary
    photograph of 8 bits, fewer where an image has few distinct values. Other arguments as for `gaussian`. Returns
    float32 in [0, 1].
    """
    scale = scale or photon_scale(clean)
    level = clean.astype(np.float64) / white(clean.dtype)
    return np.clip(generator.poisson(level * scale) / scale, 0, 1).astype(np.float32)


def bernoulli(clean: np.ndarray, keep: float, generator: np.random.Generator) -> np.ndarray:
    """Pixels lost to black, all channels of one alike: each is kept with the probability `keep`.

    Args:
        clean: (H, W) or (H, W, C), uint8 or float in [0, 1]. generator: as for `gaussian`.
    Returns:
        float32 in [0, 1].
    """
    kept = generator.random(clean.shape[:2]) < keep
    return unit(clean) * kept.reshape(*kept.shape, *(1,) * (clean.ndim - 2)).astype(np.float32)


def estimate_sigma(image: np.ndarray, *, patch: int = 8, stride: int | None = None) -> float:
    """Standard deviation of white noise in one image, from the image alone.

    G. Chen, F. Zhu, P. A. Heng, "An efficient statistical method for image noise level estimation", ICCV 2015: the
    covariance of the patches has eigenvalues of the noise's variance wherever the image itself says nothing. Large
    eigenvalues are dropped until the mean of the others is their median. Correlated noise (a camera's, a JPEG's) has
    less variance in some directions than in others, so it is underestimated.

    Args:
        image: (H, W) or (H, W, C), uint8 or float in [0, 1]; each side at least two patches.
        patch: side of the patches, which span all channels.
        stride: distance of neighbouring patches; None takes the smallest that gives at most about 65,000 of them (the
            fewer, the lower the estimate: by 4 % at 4,000 patches of three channels, by 1 % at 9,000).
    Returns:
        the standard deviation on the [0, 1] scale, averaged over the channels.
    Raises:
        UserError: the image is too small to give more patches than a patch has values.
    """
    if stride is None:
        stride = int(np.ceil(np.sqrt(image.shape[0] * image.shape[1] / MOST_PATCHES)))
    return float(np.sqrt(_noise_variance(np.linalg.eigvalsh(_patch_covariance(image, patch, stride)))))


def _patch_covariance(image: np.ndarray, patch: int, stride: int) -> np.ndarray:
    pixels = unit(image).astype(np.float64).reshape(*image.shape[:2], -1)
    size = patch * patch * pixels.shape[2]
    if min(pixels.shape[:2]) < patch:
        raise UserError(f"An image of {pixels.shape} has no patches of {patch}x{patch}.")
    windows = np.lib.stride_tricks.sliding_window_view(pixels, (patch, patch), (0, 1))[::stride, ::stride]
    patches = windows.reshape(-1, size)
    if len(patches) <= size:
        raise UserError(f"An image of {pixels.shape} gives {len(patches)} patches; more than {size} are needed.")
    return np.cov(patches, rowvar=False)


def _noise_variance(eigenvalues: np.ndarray) -> float:
    """The mean of the smallest eigenvalues, as many as make the mean their median (ascending input)."""
    for kept in range(len(eigenvalues), 0, -1):
        mean = float(eigenvalues[:kept].mean())
        if int((eigenvalues[:kept] > mean).sum()) >= int((eigenvalues[:kept] < mean).sum()):
            return max(mean, 0.0)
    raise AssertionError("a single value is its own mean")


def estimate_sigma_flat(image: np.ndarray, *, block: int = 16, quantile: float = 0.1) -> float:
    """Standard deviation of noise that may be correlated, in one image: that of its flattest blocks.

    The spread within a block does not ask how neighbouring pixels go together, so a camera's noise is seen where
    `estimate_sigma` hardly sees any: on PolyU's JPEGs that gives 0.03 to 0.09 of the true level, this 0.3 to 0.6.

    Args:
        image: (H, W) or (H, W, C), uint8 or float in [0, 1], each side at least `block`.
        block: side of the blocks. quantile: which of the blocks' variances is taken; low, as texture only adds.
    Returns:
        the standard deviation on the [0, 1] scale, averaged over the channels.
    """
    pixels = unit(image).astype(np.float64).reshape(*image.shape[:2], -1)
    rows, columns = pixels.shape[0] // block, pixels.shape[1] // block
    if min(rows, columns) < 1:
        raise UserError(f"The noise level of an image needs sides of at least {block} pixels; got {pixels.shape[:2]}.")
    blocks = pixels[: rows * block, : columns * block].reshape(rows, block, columns, block, -1)
    return float(np.sqrt(np.quantile(blocks.var(axis=(1, 3), ddof=1).mean(-1), quantile)))
