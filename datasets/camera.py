"""What a camera makes of light, for the sets whose noise is made: a mosaic, its noise, and the ISP's picture of it.

A camera is a mapping with the fields that `isp.render` takes, ``cfa``, ``as_shot_neutral``, ``color_matrix2`` and
``isp``, and ``beta``, its noise law.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from datasets.ops import isp

Camera = Mapping[str, Any]


def linear_light(rgb: np.ndarray, exposure: float) -> np.ndarray:
    """The light behind an sRGB picture: (H, W, 3) uint8, or float on its scale -> float64 in [0, exposure].

    An exposure of 0.9 or less keeps white below the clipping of the camera -> XYZ step (blue-white has Z = 1.09).
    """
    srgb = rgb / 255
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4) * exposure


def mosaicked(linear: np.ndarray, camera: Camera) -> np.ndarray:
    """What the sensor sees of light: (H, W, 3) linear sRGB, even sides -> (H, W) float32 mosaic."""
    matrix = np.reshape(camera["color_matrix2"], (3, 3))
    to_camera = matrix / matrix.sum(axis=1, keepdims=True) @ np.linalg.inv(isp.XYZ_TO_SRGB)
    unbalanced = linear @ to_camera.T * camera["as_shot_neutral"]
    return isp.mosaic(unbalanced, camera["cfa"]).astype(np.float32)


def exposed(raw: np.ndarray, camera: Camera, generator: np.random.Generator) -> np.ndarray:
    """A mosaic with the sensor's noise: (H, W) float32 -> the same; it may leave [0, 1]."""
    variance = isp.noise_variance(raw, camera["cfa"], camera["beta"])
    noisy: np.ndarray = raw + generator.standard_normal(raw.shape, np.float32) * np.sqrt(variance)
    return noisy


def developed(raw: np.ndarray, camera: Camera) -> np.ndarray:
    """The ISP: (H, W) mosaic -> (H, W, 3) uint8 sRGB."""
    fixed = (camera["cfa"], camera["as_shot_neutral"], camera["color_matrix2"])
    return isp.to_uint8(isp.render(raw, *fixed, **camera["isp"]))
