"""NIQE: how far the statistics of a picture lie from those of pristine photographs. It needs no clean image."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from datasets.ops.resize import imresize

BLOCK = 96
_SCALES = 2
_PAIRS = ((0, 1), (1, 0), (1, 1), (1, -1))
_SHAPES = np.arange(200, 10001) / 1000  # of the generalised Gaussians that are tried, 0.2 to 10
FEATURES = 2 * (2 + 4 * len(_PAIRS))


def niqe(luma: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> float | None:
    """Mittal, Soundararajan, Bovik, "Making a completely blind image quality analyzer", IEEE SPL 2013.

    In single precision up to the normalised image, as the code (BasicSR's) that most published figures come from: flat
    areas are rounding errors there, and double precision moves the figure by up to 0.2 in pictures with many of them.
    Blocks of 96 pixels, from the top left corner; what does not fill a block is left out. The second scale is half the
    size by MATLAB's imresize.

    Args:
        luma: (H, W) on the scale of 0 to 255.
        mean, covariance: (36,) and (36, 36), of the features of pristine photographs.
    Returns:
        the distance, lower is better; None where fewer than two blocks fit.
    """
    rows, columns = (side // BLOCK for side in luma.shape)
    if rows * columns < 2:
        return None
    image = luma[: rows * BLOCK, : columns * BLOCK].astype(np.float32)
    found = []
    for scale in range(_SCALES):
        side = BLOCK >> scale
        normal = normalised(image)
        blocks = normal.reshape(rows, side, columns, side).transpose(0, 2, 1, 3).reshape(-1, side, side)
        found.append(np.stack([features(block) for block in blocks]))
        if scale + 1 < _SCALES:
            image = imresize(image / 255, 0.5, clip=False) * 255
    all_features = np.concatenate(found, 1)
    difference = mean.ravel() - np.nanmean(all_features, 0)
    whole = all_features[~np.isnan(all_features).any(1)]  # a flat block has no shape
    if len(whole) < 2:
        return None
    inverse = np.linalg.pinv((covariance + np.cov(whole, rowvar=False)) / 2)
    return float(np.sqrt(difference @ inverse @ difference))


@lru_cache(maxsize=1)
def _window() -> np.ndarray:
    """A Gaussian of sigma 7/6 pixels, 7 x 7 taps."""
    raw = np.exp(-(np.arange(-3, 4) ** 2) / (2 * (7 / 6) ** 2))
    return np.asarray(np.outer(raw, raw) / raw.sum() ** 2)


def normalised(image: np.ndarray) -> np.ndarray:
    """Mean subtracted, contrast normalised: (H, W) float32 -> (H, W) float32."""
    from scipy.ndimage import correlate

    mean = correlate(image, _window(), mode="nearest")
    deviation = np.sqrt(np.abs(correlate(image**2, _window(), mode="nearest") - mean**2))
    return np.asarray((image - mean) / (deviation + 1))


def features(block: np.ndarray) -> np.ndarray:
    """The 18 features of one block of a normalised image: of its values, and of products of neighbours."""
    shape, left, right, _ = generalised_gaussian(block)
    found = [shape, (left + right) / 2]
    for shift in _PAIRS:
        shape, left, right, mean = generalised_gaussian(block * np.roll(block, shift, (0, 1)))
        found += [shape, mean, left, right]
    return np.array(found)


def generalised_gaussian(values: np.ndarray) -> tuple[float, float, float, float]:
    """Shape, left and right scale, and mean of the asymmetric generalised Gaussian that has the values' moments.

    Lasmar, Stitou, Berthoumieu, ICIP 2009. NaN for values without spread.
    """
    from scipy.special import gamma

    table = _ratios()
    values = values.ravel()
    with np.errstate(invalid="ignore", divide="ignore"):
        sides = [np.sqrt(np.sum(part**2) / part.size) for part in (values[values < 0], values[values > 0])]
        ratio = sides[0] / sides[1]
        raw = np.mean(np.abs(values)) ** 2 / np.mean(values**2)
    wanted = raw * (ratio**3 + 1) * (ratio + 1) / (ratio**2 + 1) ** 2
    if not np.isfinite(wanted):
        return (np.nan,) * 4
    shape = float(_SHAPES[np.argmin((table - wanted) ** 2)])
    scale = np.sqrt(gamma(1 / shape) / gamma(3 / shape))
    left, right = float(sides[0] * scale), float(sides[1] * scale)
    return shape, left, right, float((right - left) * gamma(2 / shape) / gamma(1 / shape))


@lru_cache(maxsize=1)
def _ratios() -> np.ndarray:
    from scipy.special import gamma

    inverse = 1 / _SHAPES
    return np.asarray(gamma(2 * inverse) ** 2 / (gamma(inverse) * gamma(3 * inverse)))
