"""MATLAB-like and OpenCV bicubic resizing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.ops.resize import cubic, imresize
from tests.helpers.material import material, needs_material


@needs_material
@pytest.mark.parametrize("case", [0, 1])
def test_quarter_size_equals_the_official_code(case):
    golden = np.load(material("golden/mssr/imresize_x4.npz"))
    image = golden[f"input_{case}"].transpose(1, 2, 0)
    want = golden[f"output_f64_{case}"].transpose(1, 2, 0)
    np.testing.assert_allclose(imresize(image, 1 / 4), want, rtol=1e-9, atol=1e-12)
    single = imresize(image.astype(np.float32), 1 / 4)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, want, atol=1e-6)


def test_interior_taps_at_a_quarter_are_the_published_ones():
    impulse = np.zeros((64, 64))
    impulse[:, 20] = 1
    row = imresize(impulse, 1 / 4, clip=False)[8]
    half = [-0.001708984375, -0.010986328125, -0.018310546875, -0.011962890625]
    half += [0.022705078125, 0.097412109375, 0.181884765625, 0.240966796875]
    # output o (0-based) sees inputs 4 o - 6 ... 4 o + 9
    got = {o: row[o] for o in range(16) if 0 <= 20 - (4 * o - 6) < 16}
    assert got == pytest.approx({o: (half + half[::-1])[26 - 4 * o] for o in got}, abs=1e-12)
    assert len(got) == 4


@given(st.floats(0.2, 3), st.integers(2, 20), st.integers(2, 20), st.floats(0, 1))
def test_constants_stay_and_sides_round_up(scale, height, width, level):
    resized = imresize(np.full((height, width, 3), level), scale)
    assert resized.shape == (int(np.ceil(height * scale - 1e-9)), int(np.ceil(width * scale - 1e-9)), 3)
    np.testing.assert_allclose(resized, level, atol=1e-12)


@given(st.integers(0, 50), st.sampled_from([1 / 4, 1 / 2, 2, 3, 1]))
def test_resizing_commutes_with_mirroring(seed, scale):
    image = np.random.default_rng(seed).random((12, 16))
    np.testing.assert_allclose(imresize(image[::-1, ::-1], scale), imresize(image, scale)[::-1, ::-1], atol=1e-12)


def test_scale_one_and_size():
    image = np.random.default_rng(0).random((7, 9, 1))
    np.testing.assert_allclose(imresize(image, 1), image, atol=1e-15)
    assert imresize(image, size=(3, 20)).shape == (3, 20, 1)
    np.testing.assert_allclose(imresize(image, 2), imresize(image, size=(14, 18)))
    assert imresize(np.full((4, 4), 255, np.uint8), 0.5).tolist() == [[1, 1], [1, 1]]


def test_unclear_or_empty_requests_are_refused():
    image = np.zeros((4, 4))
    for bad in ({}, {"scale": 2, "size": (2, 2)}):
        with pytest.raises(ValueError, match="either"):
            imresize(image, **bad)
    with pytest.raises(ValueError, match="left"):
        imresize(image, size=(0, 3))
    with pytest.raises(ValueError, match="nothing"):
        cubic(image, 0.1)


@pytest.mark.parametrize(("scale", "side"), [(1, 180), (0.9, 162), (0.8, 144), (0.7, 125)])
def test_opencv_scales_of_the_r2r_training_set(scale, side):
    image = np.random.default_rng(0).integers(0, 2, (180, 180, 1)).astype(np.uint8) * 255
    resized = cubic(image, scale)
    assert resized.shape == (side, side, 1)
    assert resized.dtype == np.float32
    if scale == 1:
        np.testing.assert_array_equal(resized, image / np.float32(255))
    else:  # neither clipped nor rounded
        assert resized.min() < -0.02
        assert resized.max() > 1.02
        assert len(np.unique(np.rint(resized * 255) - resized * 255)) > 100


def test_opencv_does_not_antialias():
    stripes = np.tile([0.0, 1.0], (64, 32))
    assert np.ptp(cubic(stripes, 0.7)) > 3 * np.ptp(imresize(stripes, 0.7)[8:-8, 8:-8])
