"""LPIPS, DISTS and NIQE with their real files against the packages that are their oracles (recorded figures)."""

import json

import numpy as np
import pytest

from benchmark.scoring.perceptual.definition import PERCEPTUAL, usable
from benchmark.scoring.perceptual.measure import measure, perceptual
from tests.helpers.perceptual_oracle import RECORD, crops, pictures

# tox -e golden-slow takes the files from packages; BENCHMARK_FEATURES may name a folder with them
pytestmark = pytest.mark.golden_slow
TOLD = json.loads(RECORD.read_text())


def needs(name):
    if why := usable(name, 3):
        pytest.skip(why)


@pytest.mark.parametrize("name", ["lpips-alex", "lpips-vgg", "dists"])
def test_distances_of_20_crops_are_the_oracle_s(name):
    needs(name)
    found = {crop: measure(*pair, [name])[name] for crop, pair in crops().items()}
    assert len(found) == 20 and found.keys() == TOLD[name].keys()
    gaps = {crop: abs(found[crop] - TOLD[name][crop]) for crop in found}
    print(f"{name}: at most {max(gaps.values()):.1e} from the oracle over {len(gaps)} crops")
    assert max(gaps.values()) < 1e-4


def test_niqe_is_the_oracle_s():
    needs("niqe")
    found = {name: measure(image, None, ["niqe"])["niqe"] for name, image in pictures().items()}
    assert found.keys() == TOLD["niqe"].keys()
    gaps = {name: abs(found[name] - TOLD["niqe"][name]) for name in found}
    print(f"niqe: at most {max(gaps.values()):.1e} from the oracle over {len(gaps)} pictures")
    assert max(gaps.values()) < 1e-3


@pytest.mark.parametrize("name", list(PERCEPTUAL))
def test_floats_are_rounded_to_the_same_bytes(name):
    needs(name)
    x, y = (np.kron(image, np.ones((2, 2, 1), np.uint8)) for image in next(iter(crops().values())))
    floats = (x / np.float32(255) + np.float32(0.3 / 255)).astype(np.float32)
    assert perceptual(floats, y, name) == perceptual(x, y, name)
