"""`restore` of folders as people have them: depth, alpha, orientation, sub-folders; what fails costs only itself."""

import os

import cv2
import numpy as np
import pytest
import torch
from PIL import Image, ImageCms

from benchmark.inference import photos
from benchmark.inference.photos import left_out, pictures, restore_pictures, targets
from benchmark.inference.restorer import Restorer
from datasets.core.errors import UserError
from methods.base import Facts
from tests.helpers.picture_files import pillow, pixels, png, tiff


class Half(torch.nn.Module):
    """Halves what it is given; may want colour, large pictures, or little memory."""

    name = "half"

    def __init__(self, channels=(1, 3), scale=1, min_side=1, most=0):
        super().__init__()
        self.facts = Facts(tasks=("denoise",), supervision="paired", channels=channels, scale=scale, min_side=min_side, context=0)  # fmt: skip # noqa: E501
        self.most, self.seen = most, []

    def restore(self, x, info=None):
        self.seen.append(tuple(x.shape))
        if self.most and x.shape[-1] * x.shape[-2] > self.most:
            raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 GB")
        return torch.nn.functional.interpolate(x * 0.5, scale_factor=self.facts.scale)


def save(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def restored(tmp_path, method=None, source="in", **options):
    root = tmp_path / source
    found = pictures(root, tmp_path / "out")
    return restore_pictures(Restorer(method or Half()), found, tmp_path / "out", root=root, **options)


def read(path):
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("method", [(1, 3), (3,)])
@pytest.mark.parametrize("kind", ["png", "tiff", "float"])
def test_sixteen_bits_in_sixteen_bits_out_and_grey_stays_grey(tmp_path, kind, channels, method):
    image = pixels(1, (9, 8, channels), np.float32 if kind == "float" else np.uint16)
    save(tmp_path / "in" / f"a.{'png' if kind == 'png' else 'tif'}", png(image) if kind == "png" else tiff(image))
    outcome = restored(tmp_path, Half(method))
    assert outcome.failed == [] and outcome.depths == {16: 1} and "1 at 16 bits" in outcome.summary()
    found = read(tmp_path / "out/a.png")
    white = 1.0 if kind == "float" else 65535.0
    wanted = image.astype(np.float64) / white / 2 * 65535
    assert found.dtype == np.uint16 and found.ndim == (2 if channels == 1 else 3)
    found = found[..., None] if channels == 1 else found[..., ::-1]
    assert np.abs(found - wanted).max() <= 0.51


@pytest.mark.parametrize(("channels", "dtype"), [(2, np.uint8), (4, np.uint8), (4, np.uint16)])
@pytest.mark.parametrize("scale", [1, 2])
def test_alpha_is_carried_over(tmp_path, channels, dtype, scale):
    image = pixels(2, (9, 8, channels), dtype)
    save(tmp_path / "in/a.png", png(image))
    outcome = restored(tmp_path, Half(scale=scale))
    assert outcome.notes == []
    found = read(tmp_path / "out/a.png")
    assert found.shape == (9 * scale, 8 * scale, 4) and found.dtype == dtype
    if scale == 1:
        np.testing.assert_array_equal(found[..., 3], image[..., -1])
        assert np.abs(found[..., 0] - image[..., -2] / 2.0).max() <= 0.51


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_upright_pixels_are_written_and_told(tmp_path, orientation):
    image = pixels(3, (9, 8, 3))
    save(tmp_path / "in/a.png", png(image, orientation))
    outcome = restored(tmp_path)
    assert np.abs(read(tmp_path / "out/a.png")[..., ::-1] - image / 2.0).max() <= 0.51
    assert outcome.notes == ["turned upright, as the orientation tag says: 1 picture (a.png)"]


def test_profiles_are_carried_on(tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes().replace(b"sRGB", b"mine")
    save(tmp_path / "in/a.jpg", pillow(pixels(4, (16, 16, 3)), "JPEG", icc_profile=profile))
    assert restored(tmp_path).notes == []
    assert Image.open(tmp_path / "out/a.png").info["icc_profile"] == profile


def test_colour_for_a_grey_method_and_floats_are_told(tmp_path):
    save(tmp_path / "in/a.png", png(pixels(5, (9, 8, 3))))
    save(tmp_path / "in/b.tif", tiff(pixels(5, (9, 8, 1), np.float32)))
    outcome = restored(tmp_path, Half((1,)))
    assert read(tmp_path / "out/a.png").ndim == 2
    assert outcome.notes == [
        "converted to grey, which is what the method restores: 1 picture (a.png)",
        "floats written as 16 bits, clipped to [0, 1]: 1 picture (b.tif)",
    ]


def test_a_dark_sixteen_bit_picture_is_told(tmp_path):
    save(tmp_path / "in/a.png", png(pixels(6, (9, 8, 1), np.uint16, high=4096)))
    assert "with white at 65535" in restored(tmp_path).notes[0]


def test_folders_are_kept_and_what_is_left_out_is_told(tmp_path):
    image = png(pixels(7, (9, 8, 3)))
    for name in ("a.png", "b/a.png", "b/c/d.png", ".hidden.png", "._a.png", ".trash/e.png", "out/old.png"):
        save(tmp_path / "in" / name, image)
    save(tmp_path / "in/raw.cr2", b"?")
    save(tmp_path / "in/notes.txt", b"?")
    (tmp_path / "in/gone.png").symlink_to("nowhere.png")
    os.mkfifo(tmp_path / "in/pipe.png")
    out = tmp_path / "in" / "out"
    found = pictures(tmp_path / "in", out)
    outcome = restore_pictures(Restorer(Half()), found, out, root=tmp_path / "in")
    assert [str(p.relative_to(out)) for p in outcome.written] == ["a.png", "b/a.png", "b/c/d.png"]
    assert left_out(tmp_path / "in", out) == [
        "left out, a link to nothing: 1 picture (gone.png)",
        "left out, no ordinary file: 1 picture (pipe.png)",
        "left out, .cr2 is not read: 1 picture (raw.cr2)",
    ]


def test_same_stems_go_to_names_of_their_own(tmp_path):
    image = pixels(8, (16, 16, 3))
    for name, data in (("a.png", png(image)), ("a.jpg", pillow(image, "JPEG")), ("a.webp", pillow(image, "WEBP")),
                       ("b.jpg", pillow(image, "JPEG"))):  # fmt: skip
        save(tmp_path / "in" / name, data)
    assert sorted(p.name for p in restored(tmp_path).written) == ["a.jpg.png", "a.png", "a.webp.png", "b.png"]


@pytest.mark.parametrize(("length", "done"), [(245, True), (251, True), (252, False)])
def test_long_names(tmp_path, length, done):
    save(tmp_path / "in" / ("n" * (length - 4) + ".jpg"), pillow(pixels(9, (16, 16, 3)), "JPEG"))
    save(tmp_path / "in" / ("n" * (length - 4) + ".bmp"), cv2.imencode(".bmp", pixels(9, (16, 16, 3)))[1].tobytes())
    outcome = restored(tmp_path)
    assert len(outcome.written) == (2 if done else 0)
    assert all("longer than 255 bytes" in sentence for sentence in outcome.failed)


def test_one_bad_picture_costs_only_itself(tmp_path):
    from tests.datasets.ops.test_pictures import HOSTILE

    for name, data in HOSTILE.items():
        save(tmp_path / "in" / name, data)
    save(tmp_path / "in/tiny.png", png(pixels(1, (3, 3, 3))))
    save(tmp_path / "in/good.png", png(pixels(1, (20, 20, 3))))
    outcome = restored(tmp_path, Half(min_side=16))
    assert [path.name for path in outcome.written] == ["good.png"]
    assert len(outcome.failed) == len(HOSTILE) + 1
    assert any("tiny.png: it is 3x3, and half takes sides of 16 pixels or more." in text for text in outcome.failed)
    assert outcome.summary() == f"1 at 8 bits, {len(HOSTILE) + 1} skipped"
    assert not any("\n" in sentence for sentence in outcome.failed)


def test_where_memory_runs_out_smaller_tiles_are_tried(tmp_path):
    image = pixels(2, (300, 260, 3))
    save(tmp_path / "in/a.png", png(image))
    save(tmp_path / "in/b.png", png(pixels(3, (40, 40, 3))))
    method = Half(most=130 * 130)
    outcome = restored(tmp_path, method)
    assert outcome.failed == [] and outcome.notes == [
        "restored in smaller tiles, since memory ran out: 1 picture (a.png)"
    ]
    assert np.abs(read(tmp_path / "out/a.png")[..., ::-1] - image / 2.0).max() <= 0.51
    assert method.seen[-1][-2:] == (40, 40)  # the next one is whole again


def test_a_picture_that_does_not_fit_at_all_costs_only_itself(tmp_path):
    save(tmp_path / "in/a.png", png(pixels(2, (300, 260, 3))))
    save(tmp_path / "in/b.png", png(pixels(3, (20, 20, 3))))
    outcome = restored(tmp_path, Half(most=500))
    assert [path.name for path in outcome.written] == ["b.png"]
    assert "memory ran out even in tiles of" in outcome.failed[0]


def test_outputs_never_go_over_inputs(tmp_path):
    path = save(tmp_path / "in/a.png", png(pixels(2, (20, 20, 3))))
    for output in (tmp_path / "in", path):
        with pytest.raises(UserError, match="would replace its own source"):
            targets([path], output, tmp_path / "in")
    (tmp_path / "alias").symlink_to(tmp_path / "in")
    with pytest.raises(UserError, match="would replace its own source"):
        targets([path], tmp_path / "alias", tmp_path / "in")
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked/a.png").symlink_to(path)
    with pytest.raises(UserError, match="would replace its own source"):
        targets([path], tmp_path / "linked", tmp_path / "in")


def test_an_output_that_is_a_file(tmp_path):
    path = save(tmp_path / "in/a.png", png(pixels(2, (20, 20, 3))))
    save(tmp_path / "file", b"")
    for output in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(UserError, match="is a file"):
            targets([path], output)


def test_a_full_disk_is_a_sentence(tmp_path, monkeypatch):
    save(tmp_path / "in/a.png", png(pixels(2, (20, 20, 3))))

    def full(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(photos, "write_png", full)
    assert "No space left" in restored(tmp_path).failed[0]
