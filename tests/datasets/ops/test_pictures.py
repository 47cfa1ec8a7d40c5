"""The one reading of pictures: depth, orientation, kinds of colour, and files that are not what they claim."""

import io
import os
import struct
import threading
import time
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from datasets.core.errors import UserError
from datasets.ops.images import decode, encode_png
from datasets.ops.pictures import inspect, read_picture
from datasets.ops.ranges import levels, unit
from tests.helpers.picture_files import chunk, pillow, pixels, png, tiff


def save(folder, name, data):
    (folder / name).write_bytes(data)
    return folder / name


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", ["png", "png16", "tiff", "tiff16", "tifffloat", "webp"])
def test_upright_at_the_files_own_depth(tmp_path, kind, channels, orientation):
    dtype = {"png16": np.uint16, "tiff16": np.uint16, "tifffloat": np.float32}.get(kind, np.uint8)
    image = pixels(1, (5, 8, channels), dtype)
    if kind == "webp":
        image = np.repeat(image[..., :1], 3, 2) if channels == 1 else image
        data = pillow(image, "WEBP", orientation, lossless=True)
    else:
        data = png(image, orientation) if kind.startswith("png") else tiff(image, orientation)
    path = save(tmp_path, "a", data)
    picture = read_picture(path)
    np.testing.assert_array_equal(picture.pixels, image)
    assert picture.pixels.dtype == dtype
    assert (inspect(path).size, inspect(path).channels) == (image.shape[:2], image.shape[2])
    assert bool(picture.notes) == (orientation != 1)


@pytest.mark.parametrize("orientation", range(2, 9))
def test_jpeg_upright_as_pillow_has_it(tmp_path, orientation):
    from PIL import ImageOps

    smooth = cv2.resize(pixels(2, (3, 4, 3)), (40, 24), interpolation=cv2.INTER_CUBIC)
    path = save(tmp_path, "a.jpg", pillow(smooth, "JPEG", orientation, quality=95))
    upright = np.asarray(ImageOps.exif_transpose(Image.open(path)))
    assert upright.shape == smooth.shape
    assert np.abs(read_picture(path).pixels.astype(int) - upright).max() <= 3  # two builds of the decoder
    assert np.abs(upright.astype(int) - smooth).max() < 40


@pytest.mark.parametrize(("channels", "dtype"), [(2, np.uint8), (4, np.uint8), (2, np.uint16), (4, np.uint16)])
def test_alpha_is_read_when_asked_for_and_told_when_not(tmp_path, channels, dtype):
    image = pixels(3, (6, 7, channels), dtype)
    path = save(tmp_path, "a.png", png(image))
    picture = read_picture(path, alpha=True)
    np.testing.assert_array_equal(picture.pixels, image[..., : channels - 1])
    np.testing.assert_array_equal(picture.alpha, image[..., -1])
    assert not picture.notes
    assert "alpha" in read_picture(path).notes[0]


def test_palette_cmyk_pages_and_one_bit(tmp_path):
    colour = Image.fromarray(pixels(4, (6, 7, 3)))
    palette = colour.quantize(16)
    path = save(tmp_path, "p.png", b"")
    palette.save(path)
    np.testing.assert_array_equal(read_picture(path).pixels, np.asarray(palette.convert("RGB")))
    colour.convert("CMYK").save(tmp_path / "c.tif")
    assert "CMYK converted" in read_picture(tmp_path / "c.tif").notes[0]
    colour.convert("1").save(tmp_path / "b.png")
    np.testing.assert_array_equal(
        read_picture(tmp_path / "b.png").pixels[..., 0], np.asarray(colour.convert("1")) * 255
    )
    for name in ("a.tif", "a.png", "a.gif"):
        colour.save(tmp_path / name, save_all=True, append_images=[colour.rotate(180)])
        picture = read_picture(tmp_path / name)
        assert "first of several" in picture.notes[0]
        if name != "a.gif":
            np.testing.assert_array_equal(picture.pixels, np.asarray(colour))


def test_profiles(tmp_path):
    colour = Image.fromarray(pixels(5, (6, 7, 3)))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    other = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    for name in ("a.png", "a.jpg", "a.tif"):
        colour.save(tmp_path / name, icc_profile=srgb)
        assert not read_picture(tmp_path / name).notes
        colour.save(tmp_path / name, icc_profile=other)
        assert "not applied" in read_picture(tmp_path / name).notes[0]
        assert read_picture(tmp_path / name).header.profile == other
    data = encode_png(pixels(5, (6, 7, 3)), other)
    assert Image.open(io.BytesIO(data)).info["icc_profile"] == other


@pytest.mark.parametrize("name", ["a.ppm", "a.pgm", "a.bmp", "a.gif"])
def test_other_formats(tmp_path, name):
    image = pixels(6, (6, 7, 1 if name == "a.pgm" else 3))
    Image.fromarray(image[..., 0] if name == "a.pgm" else image).save(tmp_path / name)
    found = read_picture(tmp_path / name)
    np.testing.assert_array_equal(found.pixels if name != "a.gif" else 0, image if name != "a.gif" else 0)
    assert found.pixels.shape == image.shape
    grey = save(tmp_path, "grey.bmp", cv2.imencode(".bmp", image[..., 0])[1].tobytes())
    np.testing.assert_array_equal(read_picture(grey).pixels, image[..., :1])


def test_bytes_after_the_end_are_fine(tmp_path):
    image = pixels(7, (6, 7, 3))
    np.testing.assert_array_equal(decode(png(image, after=b"camera's own data" * 40), "a.png"), image)
    jpeg = pillow(image, "JPEG")
    np.testing.assert_array_equal(decode(jpeg + b"thumbnail" * 99, "a.jpg"), decode(jpeg, "a.jpg"))


@pytest.mark.parametrize(
    ("dtype", "sentence"),
    [(np.uint32, "32-bit uint"), (np.int16, "16-bit int"), (np.float16, "16-bit float"), (np.complex64, "complex")],
)
def test_kinds_of_numbers_that_are_not_read_are_named(tmp_path, dtype, sentence):
    path = save(tmp_path, "a.tif", tiff(np.zeros((4, 5, 1), dtype)))
    with pytest.raises(UserError, match=sentence):
        read_picture(path)


@pytest.mark.parametrize("factor", [255, 65535, np.nan, -3])
def test_floats_on_another_scale_are_refused_with_their_range(tmp_path, factor):
    path = save(tmp_path, "a.tif", tiff(pixels(8, (4, 5, 1), np.float32) * np.float32(factor)))
    with pytest.raises(UserError, match="white at 1"):
        read_picture(path)


def test_64_bit_floats_are_kept_in_32(tmp_path):
    image = pixels(9, (4, 5, 3), np.float64)
    picture = read_picture(save(tmp_path, "a.tif", tiff(image)))
    np.testing.assert_array_equal(picture.pixels, image.astype(np.float32))
    assert picture.notes


# What claims to be larger, is cut or changed.


def jpegs():
    smooth = cv2.resize(pixels(10, (9, 12, 3)), (120, 90), interpolation=cv2.INTER_CUBIC)
    for options in ({}, {"progressive": True}, {"subsampling": 0}, {"restart_marker_rows": 1}, {"optimize": True}):
        yield pillow(smooth, "JPEG", quality=90, **options)
    yield pillow(smooth[..., :1], "JPEG", quality=80)
    yield pillow(np.zeros((90, 120, 3), np.uint8), "JPEG")  # of one colour: nothing missing, though nothing shows


@pytest.mark.parametrize("index", range(7))
def test_a_whole_jpeg_is_taken_and_a_cut_one_with_an_end_mark_is_not(index):
    data = list(jpegs())[index]
    assert decode(data, "a.jpg").shape == (90, 120, 3)
    for part in (0.6, 0.9) if index < 6 else ():
        start = data.rfind(b"\xff\xda")
        cut = data[: start + int((len(data) - start) * part)] + b"\xff\xd9"
        with pytest.raises(UserError, match="a.jpg"):
            decode(cut, "a.jpg")


def test_a_picture_of_one_colour_with_tables_of_its_own_is_taken():
    """Its code takes anything for that colour."""
    for size in ((106, 51, 3), (118, 116, 1), (84, 116, 1)):
        for quality in (2, 24):
            data = pillow(np.full(size, 77, np.uint8), "JPEG", quality=quality, optimize=True)
            assert decode(data, "a.jpg", 1).shape == (*size[:2], 1)


@pytest.mark.parametrize(("height", "width"), [(180, 120), (90, 240), (40, 120), (90, 60)])
def test_a_jpeg_that_claims_another_size(height, width):
    data = next(jpegs())
    at = data.find(b"\xff\xc0") + 5
    with pytest.raises(UserError, match="a.jpg"):
        decode(data[:at] + struct.pack(">HH", height, width) + data[at + 4 :], "a.jpg")


def test_flipped_bits_of_a_jpeg_are_found_where_data_end_too_early():
    """A bit that leaves the amount of data as it was cannot be found; what is found is refused, nothing hangs."""
    data, rng, found = next(jpegs()), np.random.default_rng(0), 0
    start = data.rfind(b"\xff\xda") + 20
    for at in rng.integers(start, len(data) - 20, 40):
        changed = bytearray(data)
        changed[at] ^= 1 << int(rng.integers(8))
        try:
            decode(bytes(changed), "a.jpg")
        except UserError:
            found += 1
    assert found >= 5


def bmp_of(width, height, bits=24):
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + head


def png_of(width, height):
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")


def jpeg_of(width, height):
    data = pillow(np.zeros((8, 8, 3), np.uint8), "JPEG")
    at = data.find(b"\xff\xc0") + 5
    return data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]


def tiff_of(width, height):
    data = bytearray(tiff(np.zeros((8, 8, 1), np.uint8)))
    for tag, value in ((256, width), (257, height)):
        at = data.find(struct.pack("<H", tag), 8)
        data[at : at + 12] = struct.pack("<HHII", tag, 4, 1, value)
    return bytes(data)


HOSTILE = {
    "length.png": b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 9, 9, 8, 2, 0, 0, 0)) + b"\xff" * 8,
    "wide.png": png_of(50000, 50000),
    "cut.png": png_of(12000, 12000),
    "wide.jpg": jpeg_of(30000, 30000),
    "much.jpg": jpeg_of(16000, 16000),
    "wide.bmp": bmp_of(1 << 30, 1 << 30),
    "cut.bmp": bmp_of(12000, 12000),
    "negative.bmp": bmp_of(-5, 5),
    "wide.tif": tiff_of(1 << 31, 1 << 31),
    "cut.tif": tiff_of(12000, 12000),
    "zero.tif": tiff_of(0, 5),
    "tags.tif": b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", 65535),
    "astray.tif": b"II*\0" + struct.pack("<I", 1 << 31),
    "far.tif": b"II+\0" + struct.pack("<HHQ", 8, 0, (1 << 64) - 2),
    "empty.png": b"",
    "text.png": b"<html>not found</html>",
    "wide.gif": b"GIF89a" + struct.pack("<HH", 65535, 65535) + b"\0" * 20,
    "wide.ppm": b"P6\n60000 60000\n255\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_cost_neither_time_nor_memory(tmp_path, name):
    import tracemalloc

    path = save(tmp_path, name, HOSTILE[name])
    start = time.perf_counter()
    tracemalloc.start()
    with pytest.raises(UserError, match=name):
        read_picture(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 50e6 and time.perf_counter() - start < 5


def test_pipes_devices_folders_and_links_to_nothing_are_named(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "link.png").symlink_to(tmp_path / "gone.png")
    (tmp_path / "folder.png").mkdir()
    found = []

    def try_all():
        for name in ("pipe.png", "link.png", "folder.png"):
            with pytest.raises(UserError, match=name):
                read_picture(tmp_path / name)
            found.append(name)

    thread = threading.Thread(target=try_all, daemon=True)
    thread.start()
    thread.join(10)
    assert len(found) == 3
    with pytest.raises(UserError, match="link to nothing"):
        read_picture(tmp_path / "link.png")


def test_unit_and_levels_know_every_white():
    for dtype, white in ((np.uint8, 255), (np.uint16, 65535)):
        image = pixels(11, (20, 30, 3), dtype)
        np.testing.assert_array_equal(unit(image), image.astype(np.float32) / np.float32(white))
        np.testing.assert_array_equal(levels(unit(image), dtype), image)
    assert unit(np.float64([0.25])).dtype == np.float32
