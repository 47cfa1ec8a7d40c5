"""Small images for the tests: structure, noise, values below 0 and above 1."""

from __future__ import annotations

import numpy as np
from skimage.data import astronaut


def clean_image(channels: int = 3, height: int = 48, width: int = 40, at: int = 90) -> np.ndarray:
    """(H, W, C) uint8 piece of a photograph, stretched so that it reaches black and white."""
    piece = astronaut()[at : at + height, at : at + width, :channels].astype(np.float64)
    low, high = np.percentile(piece, [3, 97])
    return np.clip((piece - low) * 255 / (high - low), 0, 255).astype(np.uint8)


def restored_image(clean: np.ndarray, sigma: float = 0.06, seed: int = 5) -> np.ndarray:
    """(H, W, C) float32, `clean` with Gaussian noise, not clamped."""
    noise = np.random.default_rng(seed).normal(0, sigma, clean.shape)
    return (clean / 255 + noise).astype(np.float32)
