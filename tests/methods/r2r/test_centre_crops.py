"""The authors' SIDD weights on 30 centre crops of PolyU: means measured with their own network and scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import methods
from benchmark.scoring.conventions import score_many
from datasets.ops.images import read_image
from tests.helpers.material import material, needs_material

CONVENTIONS = ("skimage7-float", "unclamped-float", "uint8-gauss", "trunc-uint8")
# PSNR by convention of the outputs, with images given in RGB (the adapter turns them), as the authors' BGR code.
EXPECTED = {"skimage7-float": 36.9026, "unclamped-float": 36.8980, "uint8-gauss": 36.8718, "trunc-uint8": 36.8383}


def _crops():
    folder = material("data/polyu/CroppedImages")
    for noisy in sorted(folder.glob("*_real.JPG"))[:30]:
        clean = noisy.with_name(noisy.name.replace("_real", "_mean"))
        yield tuple(read_image(path, 3)[128:384, 128:384] for path in (noisy, clean))


def _restored(method, image: np.ndarray) -> np.ndarray:
    x = torch.from_numpy(image.astype(np.float32) / 255).permute(2, 0, 1)[None]
    with torch.no_grad():
        return method.restore(x)[0].permute(1, 2, 0).numpy()


@needs_material
@pytest.mark.golden_slow
def test_every_variant_of_the_centre_crops_agrees():
    method = methods.load("r2r", weights=material("weights/r2r_sidd_official.pth"))
    noisy_scores, scores, swapped = [], [], []
    for noisy, clean in _crops():
        noisy_scores.append(score_many(noisy, clean, ["skimage7-uint8"])["skimage7-uint8"])
        scores.append(score_many(_restored(method, noisy), clean, CONVENTIONS))
        turned = _restored(method, noisy[..., ::-1])[..., ::-1]
        swapped.append(score_many(np.ascontiguousarray(turned), clean, ["float-gauss"])["float-gauss"].psnr)
    assert np.mean([s.psnr for s in noisy_scores]) == pytest.approx(35.6956, abs=1e-3)
    assert np.mean([s.ssim for s in noisy_scores]) == pytest.approx(0.90461, abs=1e-4)
    for name, psnr in EXPECTED.items():
        assert np.mean([s[name].psnr for s in scores]) == pytest.approx(psnr, abs=0.01), name
    assert np.mean([s["skimage7-float"].ssim for s in scores]) == pytest.approx(0.95559, abs=1e-4)
    assert np.mean(swapped) == pytest.approx(36.7218, abs=0.01), "channels in the wrong order"
