"""The cameras of `phone`: each picture is taken by one of its own, drawn from the picture's name alone.

And the colours of `phone-colours`, drawn from it too.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from datasets.ops import isp
from datasets.ops.noise import keyed_generator

SEED = 20260
# Strength of the noise: b1 of the green sites, log-uniform in one of two ranges. The mild one is there so that mild
# noise is left mild; the strong one is that of phones in poor light.
MILD, STRONG, MILD_SHARE = (1e-4, 2e-3), (2e-3, 3e-2), 0.25
STRONGER = (4e-3, 6e-2)  # of `phone-strong`
EXPOSURES = (0.15, 1.2)  # log-uniform: dark pictures are common; above 0.9 the brightest colours are clipped
NEUTRALS = (0.4, 0.75)  # of red and blue
SATURATIONS = (0.6, 2.0)  # of `phone-colours` against the photograph's own, log-uniform
NEAREST = 2.0  # a published law is taken for strengths up to this factor from its own
# Camera -> linear sRGB off the diagonal, uniform between these; rows sum to 1. The Galaxy S6's, in the metadata of
# SIDD's first capture, lies inside: -0.325, 0.249; -0.195, -0.200; -0.003, -0.591.
LOW = ((0.0, -0.5, 0.1), (-0.3, 0.0, -0.35), (-0.1, -0.75, 0.0))
HIGH = ((0.0, -0.15, 0.35), (-0.1, 0.0, -0.05), (0.1, -0.05, 0.0))


@dataclass(frozen=True)
class Law:
    """A published noise law of one phone at one ISO: (b1_R, b2_R, b1_G, b2_G, b1_B, b2_B)."""

    camera: str
    iso: int
    beta: tuple[float, ...]

    def amplified(self, gain: float) -> list[float]:
        """The law at another gain: photon noise grows with it, the noise of reading with its square."""
        return [_short(b * gain ** (1 + k % 2)) for k, b in enumerate(self.beta)]


@cache
def laws() -> tuple[Law, ...]:
    """The noise-level functions that SIDD's authors publish with its captures, without repetitions (MIT licence).

    A. Abdelhamed, S. Lin, M. S. Brown, "A High-Quality Denoising Dataset for Smartphone Cameras", CVPR 2018.
    """
    path = Path(__file__).parent / "data" / "sidd_noise_laws.csv"
    with path.open(encoding="utf-8", newline="") as stream:
        return tuple(
            Law(row["camera"], int(row["iso"]), tuple(float(row[f"b{k}_{c}"]) for c in "rgb" for k in (1, 2)))
            for row in csv.DictReader(stream)
        )


def drawn(name: str, strong: tuple[float, float] = STRONG) -> dict[str, Any]:
    """The camera of a picture, JSON values: what `datasets.camera` takes, and ``exposure`` and ``law``.

    Args:
        strong: range of the stronger noise.
    """
    rng = keyed_generator(SEED, name, "camera")
    law, gain = _law(rng, strong)
    return {
        "cfa": list(sorted(isp.CFAS.values())[rng.integers(4)]),
        "as_shot_neutral": [_short(rng.uniform(*NEUTRALS)), 1.0, _short(rng.uniform(*NEUTRALS))],
        "color_matrix2": [_short(value) for value in _color_matrix2(rng).ravel()],
        "beta": law.amplified(gain),
        "isp": {"demosaicing": "malvar"},
        "exposure": _short(log_uniform(rng, *EXPOSURES)),
        "law": f"{law.camera} at ISO {law.iso} x {gain:.3g}",
    }


def recolouring(name: str) -> dict[str, float]:
    """Other colours for a picture, what `recoloured` takes: any hue, in degrees, and saturation."""
    rng = keyed_generator(SEED, name, "colours")
    return {"hue": _short(rng.uniform(0, 360)), "saturation": _short(log_uniform(rng, *SATURATIONS))}


def recoloured(light: np.ndarray, hue: float = 0.0, saturation: float = 1.0) -> np.ndarray:
    """Light with its colours turned about grey by `hue` degrees, and stretched away from it; (H, W, 3) linear sRGB.

    The mean of the three stays, but for colours that leave the gamut: what is negative becomes 0.
    """
    if not hue and saturation == 1:
        return light
    angles = np.deg2rad(hue + np.array([0.0, 120.0, 240.0]))
    shares = (2 / 3) * np.cos(angles)  # of each colour's distance from grey, in red, green, blue; they add up to 0
    turn = np.array([[shares[(column - row) % 3] for column in range(3)] for row in range(3)])
    return np.maximum(light.mean(axis=2, keepdims=True) + saturation * (light @ turn.T), 0)


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """A draw whose logarithm is uniform."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _law(rng: np.random.Generator, strong: tuple[float, float]) -> tuple[Law, float]:
    """A law whose own strength is near the one that is drawn, and the gain that takes it there.

    Above what the published laws reach, it is one of those that come nearest.
    """
    strength = log_uniform(rng, *(MILD if rng.random() < MILD_SHARE else strong))
    reached = min(strength, max(law.beta[2] for law in laws()))
    near = [law for law in laws() if 1 / NEAREST <= reached / law.beta[2] <= NEAREST]
    law = near[rng.integers(len(near))]
    return law, strength / law.beta[2]


def _color_matrix2(rng: np.random.Generator) -> np.ndarray:
    """XYZ -> camera, (3, 3)."""
    to_srgb = rng.uniform(LOW, HIGH)
    to_srgb += np.diag(1 - to_srgb.sum(axis=1))  # white stays white
    matrix: np.ndarray = np.linalg.inv(to_srgb) @ np.array(isp.XYZ_TO_SRGB)
    return matrix


def _short(value: float) -> float:
    """Six digits: the manifest holds these, and exactly these are used."""
    return float(f"{value:.6g}")
