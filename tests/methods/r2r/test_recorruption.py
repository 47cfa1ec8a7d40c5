"""Recorruption: against recorded pairs, and the statistics that make it work."""

import numpy as np
import pytest
import torch

from datasets.ops import isp
from methods.r2r.recorruption import recorrupt, recorrupt_raw
from tests.helpers.material import material, needs_material
from tests.helpers.rule_weights import relative

# The recorded rendering was made by Octave, whose XYZ matrix differs in the sixth digit.
OCTAVE = ((3.240479, -1.537150, -0.498535), (-0.969256, 1.875992, 0.041556), (0.055648, -0.204043, 1.057311))


@needs_material
@pytest.mark.parametrize("sigma", [25, 50])
@pytest.mark.parametrize("alpha", [0.5, 2.0])
def test_gaussian_pairs(sigma, alpha):
    golden = np.load(material("golden/r2r/recorruption_awgn.npz"))
    y, z = (torch.from_numpy(golden[key]) for key in ("y", "z"))
    first, second = recorrupt(y, sigma / 255 * z, alpha)
    assert relative(first, golden[f"input_s{sigma}_a{alpha}"]) < 1e-12
    assert relative(second, golden[f"target_s{sigma}_a{alpha}"]) < 1e-12


@needs_material
@pytest.mark.parametrize("p", [1, 2, 3, 4])
def test_raw_pairs(p):
    golden = np.load(material("golden/r2r/recorruption_raw_isp.npz"))
    cfa = golden[f"cfaidx{p}"]
    assert relative(isp.noise_variance(golden["raw"], cfa, golden["beta"]), golden[f"var{p}"]) < 1e-12
    pair = recorrupt_raw(golden["raw"], cfa, golden["beta"], golden["z"], float(golden["alpha"]))
    for number, mosaic in enumerate(pair, 1):
        assert relative(mosaic, golden[f"y{number}_{p}"]) < 1e-12
        balanced = isp.white_balance(mosaic, golden["as_shot_neutral"], cfa)
        np.testing.assert_allclose(balanced, golden[f"wb{number}_{p}"], atol=1e-7)


@needs_material
def test_camera_rendering():
    golden = np.load(material("golden/r2r/recorruption_raw_isp.npz"))
    xyz = isp.camera_to_xyz(golden["lin_rgb"], golden["color_matrix2"])
    assert relative(xyz, golden["xyz"]) < 1e-9
    np.testing.assert_allclose(isp.xyz_to_srgb(xyz, OCTAVE), golden["srgb"], atol=2e-7)
    np.testing.assert_allclose(isp.xyz_to_srgb(xyz), golden["srgb"], atol=4e-5)


def test_a_dark_site_has_no_negative_variance():
    y = np.full((4, 4), -0.5)
    pair = recorrupt_raw(y, (0, 1, 1, 2), [0.01, 1e-4] * 3, np.ones((4, 4)), 2.0)
    assert all(np.array_equal(mosaic, y) for mosaic in pair)


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0, 20.0])
def test_the_two_noises_are_uncorrelated(alpha):
    rng = np.random.default_rng(0)
    n, z = 0.1 * rng.standard_normal((2, 400, 400))
    first, second = recorrupt(n, z, alpha)
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.01
    assert first.std() == pytest.approx(0.1 * np.sqrt(1 + alpha**2), rel=0.01)
    assert second.std() == pytest.approx(0.1 * np.sqrt(1 + 1 / alpha**2), rel=0.01)
