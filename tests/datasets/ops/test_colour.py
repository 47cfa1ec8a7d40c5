"""Grey from RGB, against OpenCV and scikit-image."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.color import rgb2ycbcr

from datasets.ops.colour import grey, luma_uint8, matlab_y

pictures = st.integers(0, 999).map(lambda s: np.random.default_rng(s).integers(0, 256, (5, 6, 3), np.uint8))


@given(pictures)
def test_matlab_y_equals_scikit_image(rgb):
    np.testing.assert_allclose(matlab_y(rgb), rgb2ycbcr(rgb)[..., 0], rtol=1e-12)
    np.testing.assert_array_equal(matlab_y(rgb, rounded=True), np.floor(matlab_y(rgb) + 0.5))


def test_matlab_y_spans_the_video_range_and_keeps_float32():
    assert matlab_y(np.array([[0, 0, 0], [255, 255, 255]], np.uint8)).tolist() == pytest.approx([16, 235])
    assert matlab_y(np.zeros((2, 2, 3), np.float32)).dtype == np.float32


@given(pictures)
def test_luma_equals_opencv_on_every_byte(rgb):
    bgr = np.ascontiguousarray(rgb[..., ::-1])
    np.testing.assert_array_equal(luma_uint8(rgb), cv2.cvtColor(bgr, cv2.COLOR_BGR2YCrCb)[..., 0])
    assert np.abs(grey(rgb) - luma_uint8(rgb)).max() <= 0.51


@given(st.floats(0, 1))
def test_grey_of_grey_is_itself(level):
    np.testing.assert_allclose(grey(np.full((2, 3, 3), level)), level, atol=1e-15)


def test_other_shapes_and_types_are_refused():
    with pytest.raises(ValueError, match="RGB order"):
        grey(np.zeros((4, 4)))
    with pytest.raises(ValueError, match="uint8"):
        luma_uint8(np.zeros((4, 4, 3)))
