"""RealBlur's scores after alignment."""

import cv2
import numpy as np
import pytest
from skimage import data
from skimage.metrics import structural_similarity

from datasets.core.errors import UserError
from datasets.ops.alignment import align, aligned_scores


@pytest.fixture(scope="module")
def picture():
    small = cv2.resize(data.astronaut(), (200, 160), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    return cv2.GaussianBlur(small, (0, 0), 1.0)


@pytest.fixture(scope="module")
def moved(picture):
    """The picture seen by another camera: darker, shifted and turned a little."""
    warp = np.array([[1.003, 0.004, 2.3], [-0.003, 0.998, -1.6], [1e-6, -2e-6, 1]], np.float32)
    return 0.8 * cv2.warpPerspective(picture, warp, (200, 160), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)


def db(a, b):
    return -10 * np.log10(np.mean((a - b) ** 2))


def test_brightness_and_position_are_taken_back(picture, moved):
    aligned, inside = align(moved, picture)
    assert aligned.shape == picture.shape and inside.shape == picture.shape[:2]
    assert 0.95 < inside.mean() < 1
    middle = (slice(8, -8), slice(8, -8))
    assert db(moved, picture) < 20
    # the brightness is estimated before the images are aligned, so that a little of its error stays
    restored = aligned[middle] * (np.sum(picture[middle] * aligned[middle]) / np.sum(aligned[middle] ** 2))
    assert db(restored, picture[middle]) > 40
    psnr, ssim = aligned_scores(moved, picture)
    assert psnr == pytest.approx(db(aligned[inside], picture[inside]), abs=1e-3)
    assert psnr > 28 and 0.97 < ssim < 1


def test_where_there_is_nothing_to_align_the_scores_are_the_plain_ones(picture):
    noisy = np.clip(picture + np.random.default_rng(0).normal(0, 0.05, picture.shape), 0, 1).astype(np.float32)
    psnr, ssim = aligned_scores(noisy, picture)
    scaled = noisy * np.sum(picture * noisy) / np.sum(noisy**2)
    assert psnr == pytest.approx(db(scaled, picture), abs=0.3)
    options = {"channel_axis": 2, "data_range": 1.0, "gaussian_weights": True, "use_sample_covariance": False}
    assert ssim == pytest.approx(structural_similarity(scaled, picture, **options), abs=0.03)


def test_what_cannot_be_aligned(picture):
    with pytest.raises(UserError, match="one size"):
        align(picture[:-1], picture)
    with pytest.raises(UserError, match="too little in common"):
        align(np.zeros_like(picture), picture)
