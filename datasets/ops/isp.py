"""A camera's rendering, from a mosaic of sensor values to sRGB, as the R2R authors ran it on SIDD's raw images.

Source: the authors' MATLAB pipeline from stage "normal" to stage "srgb". All functions are pure; mosaics are (H, W) and
images (H, W, 3) float arrays, nominally in [0, 1]; float32 stays float32, everything else becomes float64.

A colour filter array (CFA) is the four colours of its 2x2 cell in row-major order, 0 = R, 1 = G, 2 = B:
RGGB is (0, 1, 1, 2).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from datasets.ops.demosaicing import CFAS, demosaic, phases

# XYZ (D65) -> linear sRGB with the seven digits of IEC 61966-2-1's inverse.
XYZ_TO_SRGB = (
    (3.2404542, -1.5371385, -0.4985314),
    (-0.9692660, 1.8760108, 0.0415560),
    (0.0556434, -0.2040259, 1.0572252),
)

__all__ = [
    "CFAS",
    "XYZ_TO_SRGB",
    "camera_to_xyz",
    "demosaic",
    "mosaic",
    "noise_variance",
    "per_site",
    "render",
    "shifted_cfa",
    "srgb_curve",
    "to_uint8",
    "tone",
    "white_balance",
    "xyz_to_srgb",
]


def _float(values: np.ndarray) -> np.ndarray:
    values = np.asarray(values)
    return values if values.dtype == np.float32 else values.astype(np.float64)


def mosaic(rgb: np.ndarray, cfa: Sequence[int]) -> np.ndarray:
    """What a sensor under this filter array sees of an image: (H, W, 3) -> (H, W), same type."""
    raw = np.empty(rgb.shape[:2], rgb.dtype)
    for site, colour in phases(cfa):
        raw[site] = rgb[(*site, colour)]
    return raw


def per_site(values: Sequence[float], shape: tuple[int, int], cfa: Sequence[int]) -> np.ndarray:
    """Three numbers (R, G, B) placed on a mosaic's sites: (H, W) float64."""
    placed = np.empty(shape)
    for site, colour in phases(cfa):
        placed[site] = values[colour]
    return placed


def shifted_cfa(cfa: Sequence[int], top: int, left: int) -> tuple[int, int, int, int]:
    """The filter array of a crop that begins at row `top` and column `left` of a mosaic."""
    cell = np.roll(np.reshape(np.asarray(cfa, int), (2, 2)), (-(top % 2), -(left % 2)), (0, 1))
    a, b, c, d = (int(v) for v in cell.ravel())
    return a, b, c, d


def noise_variance(raw: np.ndarray, cfa: Sequence[int], beta: Sequence[float]) -> np.ndarray:
    """Variance of the heteroscedastic noise law, b1 * y + b2 per site, not below 0.

    Args:
        raw: (H, W) mosaic y in [0, 1]; noise may have pushed some sites below 0.
        beta: (b1_R, b2_R, b1_G, b2_G, b1_B, b2_B); both green sites share one pair.
    Returns:
        (H, W). The authors' code has no guard against y < -b2 / b1, which gave complex numbers; meant is 0.
    """
    raw = _float(raw)
    slope, offset = (per_site(beta[k::2], raw.shape, cfa).astype(raw.dtype) for k in (0, 1))
    return np.maximum(slope * raw + offset, 0)


def white_balance(raw: np.ndarray, as_shot_neutral: Sequence[float], cfa: Sequence[int]) -> np.ndarray:
    """Each site times 1 / AsShotNeutral[its colour], clipped to [0, 1]. (H, W) -> (H, W)."""
    raw = _float(raw)
    gains = per_site([1 / v for v in as_shot_neutral], raw.shape, cfa).astype(raw.dtype)
    return np.clip(raw * gains, 0, 1)


def camera_to_xyz(rgb: np.ndarray, color_matrix2: Sequence[float]) -> np.ndarray:
    """Balanced camera RGB -> XYZ, clipped to [0, 1]. (H, W, 3) -> (H, W, 3).

    Args:
        color_matrix2: nine numbers, row-major, XYZ -> camera (the DNG field). Each row is divided by its sum before
            the inversion, so that camera white becomes XYZ (1, 1, 1), not D65 white: whites come out slightly pink,
            in the authors' pairs too.
    """
    matrix = np.reshape(np.asarray(color_matrix2, np.float64), (3, 3))
    inverse = np.linalg.inv(matrix / matrix.sum(axis=1, keepdims=True))
    return np.clip(_apply(rgb, inverse), 0, 1)


def _apply(rgb: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    rgb = _float(rgb)
    return np.einsum("...c,dc->...d", rgb, matrix.astype(rgb.dtype))


def srgb_curve(linear: np.ndarray) -> np.ndarray:
    """sRGB transfer curve: 12.92 l up to 0.0031308 (below 0 too), above it 1.055 l^(1/2.4) - 0.055. Any shape."""
    linear = _float(linear)
    power = 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055
    return np.where(linear <= 0.0031308, 12.92 * linear, power).astype(linear.dtype)


def xyz_to_srgb(xyz: np.ndarray, matrix: Sequence[Sequence[float]] = XYZ_TO_SRGB) -> np.ndarray:
    """XYZ (D65) -> sRGB with its transfer curve, clipped to [0, 1]. (H, W, 3) -> (H, W, 3).

    Args:
        matrix: XYZ -> linear sRGB, 3x3. MATLAB and Octave differ in the fourth digit (3.6e-5 in the result).
    """
    return np.clip(srgb_curve(_apply(xyz, np.asarray(matrix, np.float64))), 0, 1)


def tone(srgb: np.ndarray) -> np.ndarray:
    """The pipeline's tone stage, which R2R does not use: t = s^(1/1.2), then 3 t^2 - 2 t^3."""
    t = _float(srgb) ** (1 / 1.2)
    return 3 * t**2 - 2 * t**3


def to_uint8(image: np.ndarray) -> np.ndarray:
    """8 bits: round(255 * v), half away from zero as MATLAB rounds, saturated."""
    return np.clip(np.floor(_float(image) * 255 + 0.5), 0, 255).astype(np.uint8)


def render(
    raw: np.ndarray,
    cfa: Sequence[int],
    as_shot_neutral: Sequence[float],
    color_matrix2: Sequence[float],
    *,
    demosaicing: str = "malvar",
    matrix: Sequence[Sequence[float]] = XYZ_TO_SRGB,
) -> np.ndarray:
    """The whole rendering that R2R's pairs went through, up to 8 bits (then `to_uint8`).

    White balance, 16-bit demosaicing, camera matrix, sRGB. The orientation stays the sensor's; there is no tone curve.

    Args:
        raw: (H, W) mosaic, nominally in [0, 1]; may overshoot.
        demosaicing: ``malvar`` (MATLAB's `demosaic`) or ``bilinear``.
    Returns:
        (H, W, 3) sRGB in [0, 1].
    """
    balanced = white_balance(raw, as_shot_neutral, cfa)
    linear = demosaic(balanced, cfa, demosaicing, bits16=True)
    return xyz_to_srgb(camera_to_xyz(linear, color_matrix2), matrix)
