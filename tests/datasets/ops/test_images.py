"""PNG and JPEG reading: RGB order, grey, and files that are not whole."""

import cv2
import numpy as np
import pytest

from datasets.core.errors import UserError
from datasets.ops.images import decode, encode_png, read_image, write_png


@pytest.mark.parametrize("channels", [1, 3])
def test_png_round_trip(tmp_path, channels):
    image = np.random.default_rng(0).integers(0, 256, (17, 23, channels), np.uint8)
    write_png(tmp_path / "a.png", image)
    assert np.array_equal(read_image(tmp_path / "a.png", channels), image)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_rgb_order_is_that_of_an_independent_reader(tmp_path):
    from PIL import Image

    image = np.random.default_rng(1).integers(0, 256, (8, 9, 3), np.uint8)
    write_png(tmp_path / "a.png", image)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "a.png")), image)
    Image.fromarray(image).save(tmp_path / "b.png")
    assert np.array_equal(read_image(tmp_path / "b.png"), image)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
@pytest.mark.parametrize("part", [0.0, 0.1, 0.6, 0.97])
def test_truncated_files_are_named(tmp_path, suffix, part):
    image = np.random.default_rng(2).integers(0, 256, (64, 64, 3), np.uint8)
    data = cv2.imencode(suffix, image)[1].tobytes()
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(data[: int(len(data) * part)])
    with pytest.raises(UserError, match=f"cut\\{suffix}"):
        read_image(path)


def test_a_changed_byte_in_a_png_is_noticed(tmp_path):
    data = bytearray(encode_png(np.random.default_rng(3).integers(0, 256, (64, 64, 3), np.uint8)))
    data[len(data) // 2] ^= 0xFF
    with pytest.raises(UserError, match="x\\.png"):
        decode(bytes(data), "x.png")


def test_missing_file_and_16_bit_are_refused(tmp_path):
    with pytest.raises(UserError, match="nothing\\.png"):
        read_image(tmp_path / "nothing.png")
    deep = cv2.imencode(".png", np.zeros((8, 8), np.uint16))[1].tobytes()
    with pytest.raises(UserError, match="16-bit"):
        decode(deep, "deep.png", 1)


def test_encode_refuses_floats():
    with pytest.raises(ValueError, match="float32"):
        encode_png(np.zeros((4, 4, 3), np.float32))
