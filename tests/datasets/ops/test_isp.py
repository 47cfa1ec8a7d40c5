"""The camera's rendering: Octave's figures, the colour-demosaicing package, and properties."""

import colour_demosaicing
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.ops import isp
from datasets.ops.isp import CFAS
from tests.helpers.material import material, needs_material

# Octave's matrix, which made the reference.
OCTAVE = ((3.240479, -1.537150, -0.498535), (-0.969256, 1.875992, 0.041556), (0.055648, -0.204043, 1.057311))
cfas = st.sampled_from(sorted(CFAS.values()))


@pytest.fixture(scope="module")
def golden():
    return np.load(material("golden/r2r/recorruption_raw_isp.npz"))


@needs_material
@pytest.mark.parametrize("p", [1, 2, 3, 4])
def test_noise_law_and_white_balance_equal_octave(golden, p):
    cfa = golden[f"cfaidx{p}"]
    np.testing.assert_allclose(isp.noise_variance(golden["raw"], cfa, golden["beta"]), golden[f"var{p}"], rtol=1e-9)
    for k in (1, 2):
        got = isp.white_balance(golden[f"y{k}_{p}"], golden["as_shot_neutral"], cfa)
        np.testing.assert_allclose(got, golden[f"wb{k}_{p}"], atol=6e-8)  # stored as float32


@needs_material
def test_camera_matrix_and_curves_equal_octave(golden):
    xyz = isp.camera_to_xyz(golden["lin_rgb"], golden["color_matrix2"])
    np.testing.assert_allclose(xyz, golden["xyz"], rtol=1e-9, atol=1e-12)
    srgb = isp.xyz_to_srgb(xyz, OCTAVE)
    np.testing.assert_allclose(srgb, golden["srgb"], atol=1e-7)
    np.testing.assert_allclose(isp.tone(srgb), golden["tone"], atol=1e-7)
    np.testing.assert_allclose(isp.tone(golden["lin_rgb"]), golden["tone_from_lin_rgb"], atol=1e-7)
    assert 1e-5 < np.abs(isp.xyz_to_srgb(xyz) - golden["srgb"]).max() < 4e-5


def test_documented_value_of_xyz2rgb():
    srgb = isp.xyz_to_srgb(np.array([[[0.25, 0.40, 0.10]]]))
    np.testing.assert_allclose(srgb[0, 0], [0.4174, 0.7434, 0.2152], atol=5e-5)


@given(cfas, st.integers(0, 99))
def test_malvar_equals_the_package_inside_two_pixels(cfa, seed):
    raw = np.random.default_rng(seed).random((14, 17))
    name = next(n for n, c in CFAS.items() if c == cfa)
    theirs = colour_demosaicing.demosaicing_CFA_Bayer_Malvar2004(raw, name)
    ours = isp.demosaic(raw, cfa)
    np.testing.assert_allclose(ours[2:-2, 2:-2], theirs[2:-2, 2:-2], atol=1e-12)


@given(cfas, st.integers(0, 99))
def test_bilinear_equals_the_package_inside_one_pixel(cfa, seed):
    raw = np.random.default_rng(seed).random((9, 12))
    name = next(n for n, c in CFAS.items() if c == cfa)
    theirs = colour_demosaicing.demosaicing_CFA_Bayer_bilinear(raw, name)
    np.testing.assert_allclose(isp.demosaic(raw, cfa, "bilinear")[1:-1, 1:-1], theirs[1:-1, 1:-1], atol=1e-12)


@given(cfas, st.sampled_from(["malvar", "bilinear"]), st.integers(3, 9), st.integers(3, 9), st.floats(0, 1))
def test_demosaicing_keeps_constants_and_samples(cfa, kind, height, width, level):
    np.testing.assert_allclose(isp.demosaic(np.full((height, width), level), cfa, kind), level, atol=1e-12)
    raw = np.random.default_rng(height).random((height, width), np.float32)
    rgb = isp.demosaic(raw, cfa, kind)
    assert rgb.dtype == np.float32
    np.testing.assert_array_equal(isp.mosaic(rgb, cfa), raw)


@given(cfas)
def test_sixteen_bits(cfa):
    raw = np.random.default_rng(3).random((8, 8)) * 1.4 - 0.2
    whole = isp.demosaic(raw, cfa, bits16=True) * 65536
    np.testing.assert_array_equal(whole, np.rint(whole))
    assert whole.min() >= 0
    assert whole.max() <= 65535
    np.testing.assert_array_equal(isp.mosaic(whole, cfa), np.clip(np.floor(raw * 65536 + 0.5), 0, 65535))


@given(cfas, st.integers(0, 5), st.integers(0, 5))
def test_crop_of_a_mosaic_is_the_mosaic_of_a_crop(cfa, top, left):
    rgb = np.random.default_rng(2).random((9, 10, 3))
    crop = isp.mosaic(rgb, cfa)[top:, left:]
    np.testing.assert_array_equal(crop, isp.mosaic(rgb[top:, left:], isp.shifted_cfa(cfa, top, left)))


def test_noise_variance_is_never_negative():
    assert isp.noise_variance(np.full((4, 4), -1.0), CFAS["RGGB"], [1, 0] * 3).max() == 0


@given(cfas, st.booleans())
def test_render_is_the_chain_of_its_steps(cfa, single):
    raw = np.random.default_rng(4).random((10, 12)).astype(np.float32 if single else np.float64) * 1.2
    neutral, camera = (0.52, 1.0, 0.63), (1.29, -0.44, -0.12, -0.31, 1.14, 0.19, -0.04, 0.14, 0.59)
    rgb = isp.demosaic(isp.white_balance(raw, neutral, cfa), cfa, bits16=True)
    rendered = isp.render(raw, cfa, neutral, camera)
    np.testing.assert_array_equal(rendered, isp.xyz_to_srgb(isp.camera_to_xyz(rgb, camera)))
    assert rendered.dtype == raw.dtype
    assert rendered.min() >= 0
    assert rendered.max() <= 1


def test_white_comes_out_slightly_pink_as_the_authors_have_it():
    white = np.ones((1, 1, 3))
    linear = isp.camera_to_xyz(white, (1.29, -0.44, -0.12, -0.31, 1.14, 0.19, -0.04, 0.14, 0.59))
    np.testing.assert_allclose(linear, 1)
    np.testing.assert_allclose(isp.xyz_to_srgb(linear)[0, 0], [1, 0.977, 0.959], atol=1e-3)


@given(st.floats(0, 1))
def test_curve_meets_at_the_joint_and_rises(level):
    pair = isp.srgb_curve(np.array([level, min(1.0, level + 1e-3)]))
    assert pair[0] <= pair[1]
    assert 0 <= pair[0] <= 1 + 1e-12


def test_eight_bits_round_half_up_and_saturate():
    values = np.array([-0.1, 0.5 / 255, 1.5 / 255, 254.4 / 255, 1.2])
    assert isp.to_uint8(values).tolist() == [0, 1, 2, 254, 255]


@pytest.mark.parametrize("bad", [(0, 0, 1, 2), (0, 1, 2, 1), (0, 1, 1)])
def test_bad_filter_arrays_and_kinds_are_refused(bad):
    with pytest.raises(ValueError, match="colour filter array"):
        isp.mosaic(np.zeros((4, 4, 3)), bad)
    with pytest.raises(ValueError, match="malvar"):
        isp.demosaic(np.zeros((4, 4)), CFAS["RGGB"], "nearest")
    with pytest.raises(ValueError, match="3x3"):
        isp.demosaic(np.zeros((2, 4)), CFAS["RGGB"])
