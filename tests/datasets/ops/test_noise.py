"""Noise with a key, its laws, and the estimator of its level."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from datasets.core.errors import UserError
from datasets.ops.noise import (
    bernoulli,
    estimate_sigma,
    estimate_sigma_flat,
    gaussian,
    keyed_generator,
    photon_scale,
    poisson,
)
from tests.helpers.material import material, needs_material


@given(st.integers(0, 9), st.text(max_size=5), st.integers(0, 9), st.text(max_size=5))
def test_draws_depend_on_the_key_alone(seed, name, seed2, name2):
    draw = keyed_generator(seed, name).standard_normal(4)
    np.testing.assert_array_equal(draw, keyed_generator(seed, name).standard_normal(4))
    other = keyed_generator(seed2, name2).standard_normal(4)
    assert np.array_equal(draw, other) == ((seed, name) == (seed2, name2))


@needs_material
@pytest.mark.parametrize("name", ["image", "image_low"])
def test_official_noise_synthesis(name):
    golden = np.load(material("golden/lir/lir_noise_synthesis.npz"))
    image = golden[name]
    made = poisson(image, np.random.default_rng(20261152))
    np.testing.assert_allclose(made, golden[f"{name}_poisson"], atol=1e-7)
    assert photon_scale(image) == (256 if name == "image" else 64)


@given(st.floats(1e-3, 0.3), st.integers(0, 5))
def test_gaussian_has_its_level_and_no_clipping(sigma, seed):
    clean = np.full((64, 64, 1), 255, np.uint8)
    noisy = gaussian(clean, sigma, keyed_generator(seed, "a"))
    assert noisy.dtype == np.float32
    assert float(noisy.std()) == pytest.approx(sigma, rel=0.06)
    assert noisy.max() > 1


def scene(seed: int) -> np.ndarray:
    """A colour picture with shading and the edges of some rectangles."""
    rng = np.random.default_rng(seed)
    shading = gaussian_filter(rng.standard_normal((192, 192, 3)), (12, 12, 0))
    image = 0.2 + 0.3 * (shading - shading.min()) / np.ptp(shading)
    for top, left, height, width in rng.integers(10, 100, (5, 4)):
        image[top : top + height, left : left + width] += rng.uniform(-0.1, 0.2, 3)
    return image


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 30), st.floats(0.01, 0.2))
def test_estimator_recovers_white_noise_within_five_per_cent(seed, sigma):
    assert estimate_sigma(gaussian(scene(seed), sigma, keyed_generator(seed))) == pytest.approx(sigma, rel=0.05)


@pytest.mark.parametrize("sigma", [10 / 255, 25 / 255, 50 / 255])
def test_estimator_on_a_photograph(sigma):
    from skimage.data import astronaut

    noisy = gaussian(astronaut()[:256, :256], sigma, keyed_generator("photograph"))
    assert estimate_sigma(noisy) == pytest.approx(sigma, rel=0.05)
    # one channel has a third of the dimensions to find flat ones among
    assert estimate_sigma(noisy[..., 0]) == pytest.approx(sigma, rel=0.12)


def test_estimator_sees_less_of_correlated_noise():
    field = gaussian_filter(keyed_generator(1).standard_normal((128, 128)), 1)
    assert estimate_sigma(0.5 + 0.05 * field / field.std()) < 0.03


def test_estimator_needs_enough_patches():
    for size in ((6, 40), (14, 14)):
        with pytest.raises(ValueError, match="patches"):
            estimate_sigma(np.zeros(size))


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 30), st.floats(0.02, 0.2), st.booleans())
def test_flat_blocks_show_correlated_noise_too(seed, sigma, correlated):
    draw = keyed_generator(seed, "blocks").standard_normal((192, 192, 3))
    if correlated:
        draw = gaussian_filter(draw, (0.7, 0.7, 0))
    noisy = 0.5 + sigma * draw / draw.std()
    assert estimate_sigma_flat(noisy) == pytest.approx(sigma, rel=0.1)
    if correlated:
        assert estimate_sigma(noisy) < 0.75 * sigma


def test_flat_blocks_leave_textured_ones_out():
    image = np.zeros((64, 64, 1))
    image[:, 16:] = keyed_generator(0).random((64, 48, 1))
    noisy = gaussian(image, 0.02, keyed_generator(1))
    assert estimate_sigma_flat(noisy) == pytest.approx(0.02, rel=0.15)
    with pytest.raises(UserError, match="at least 16 pixels"):
        estimate_sigma_flat(image[:10])


def test_poisson_with_a_scale_of_ones_own():
    """Variance x / K whatever the image's number of values."""
    flat = np.full((200, 200, 3), 102, np.uint8)
    for scale in (30, 256):
        noisy = poisson(flat, keyed_generator(0), scale)
        assert float(noisy.var()) == pytest.approx(0.4 / scale, rel=0.03)
        np.testing.assert_allclose(noisy * scale, np.rint(noisy * scale), atol=1e-4)


@pytest.mark.parametrize("shape", [(200, 150), (200, 150, 1), (200, 150, 3)])
def test_bernoulli_loses_whole_pixels(shape):
    clean = np.random.default_rng(0).integers(1, 256, shape, np.uint8)
    noisy = bernoulli(clean, 0.95, keyed_generator(3))
    lost = (noisy == 0).reshape(*shape[:2], -1)
    assert (lost.all(-1) == lost.any(-1)).all() and lost.all(-1).mean() == pytest.approx(0.05, abs=0.005)
    np.testing.assert_array_equal(noisy[~lost.any(-1)], (clean / np.float32(255))[~lost.any(-1)])
    assert noisy.dtype == np.float32
