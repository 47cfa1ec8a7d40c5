"""`prepare` of what people have: right, or refused in one sentence, and what was found is told."""

import os

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import datasets
from datasets.core.errors import UserError
from datasets.ops.images import encode_png
from tests.helpers.picture_files import pillow, pixels, png, tiff


def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def psnr(a, b):
    return 10 * np.log10(1 / np.mean((np.asarray(a, np.float64) - np.asarray(b, np.float64)) ** 2))


def to_unit(image):
    return image.astype(np.float64) / {"u": 255.0, "H": 65535.0}.get("u" if image.dtype == np.uint8 else "H")


def prepared(tmp_path, spec="folder"):
    report = datasets.prepare(spec, tmp_path / "s", tmp_path / "data")
    return report, datasets.open_dataset(spec.partition("[")[0], tmp_path / "data")


def scored(opened):
    values = []
    for sample in opened:
        a, b = (v / 255.0 if v.dtype == np.uint8 else v for v in (sample.degraded, sample.clean))
        values.append(psnr(a, b))
    return float(np.mean(values))


# Case 1: 12 bits in a container of 16


def twelve_bits(folder):
    from skimage import data

    camera = data.camera()
    for k in range(3):
        clean = camera[128 * k : 128 * (k + 1), :128].astype("u2") * 16
        noise = np.random.default_rng(k).normal(0, 120, clean.shape)
        noisy = np.clip(clean + noise, 0, 4095).round().astype("u2")
        for name, image in (("degraded", noisy), ("clean", clean)):
            write(folder / name / f"{k}.tif", tiff(image[..., None]))


def test_twelve_bits_are_asked_about_and_right_when_told(tmp_path):
    twelve_bits(tmp_path / "s")
    with pytest.raises(UserError, match=r"white is not known: say folder\[peak=4095\] if they are of 12 bits"):
        prepared(tmp_path)
    report, opened = prepared(tmp_path, "folder[peak=4095]")
    assert scored(opened) == pytest.approx(30.91, abs=0.01)
    sample = opened[0]
    assert sample.degraded.dtype == np.float32 and sample.meta["depth"] == 12 and sample.meta["peak"] == 4095
    stored = cv2.imread(str(tmp_path / "s/degraded/0.tif"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(sample.degraded[..., 0], (stored / 4095.0).astype(np.float32))
    assert "kept at 16 bits per channel: 3 pictures (0, 1, 2)" in report.notes


def test_a_peak_below_the_values_is_refused(tmp_path):
    twelve_bits(tmp_path / "s")
    with pytest.raises(UserError, match="Expected values up to peak=1023"):
        prepared(tmp_path, "folder[peak=1023]")
    _, opened = prepared(tmp_path, "folder[peak=65535]")
    assert opened[0].degraded.max() < 0.07


def test_sixteen_bits_stay_sixteen(tmp_path):
    images = {role: pixels(k, (9, 8, 3), np.uint16) for k, role in enumerate(("degraded", "clean"))}
    for role, image in images.items():
        write(tmp_path / "s" / role / "a.png", png(image))
    _, opened = prepared(tmp_path)
    np.testing.assert_array_equal(opened[0].degraded, images["degraded"].astype(np.float32) / np.float32(65535))
    assert opened.rows[0].files["clean"].endswith("clean/a.png") and opened.rows[0].meta["depth"] == 16
    stored = cv2.imread(str(tmp_path / "data/folder/test/clean/a.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(stored[..., ::-1], images["clean"])


def test_floats_are_kept_as_arrays(tmp_path):
    image = pixels(1, (9, 8, 1), np.float32)
    write(tmp_path / "s" / "degraded" / "a.tif", tiff(image))
    write(tmp_path / "s" / "clean" / "a.tiff", tiff(image * np.float32(0.5)))
    _, opened = prepared(tmp_path)
    np.testing.assert_array_equal(opened[0].degraded, image)
    assert opened.rows[0].files["degraded"].endswith(".npy") and opened.rows[0].meta["depth"] == 32


def test_prepared_folders_of_eight_bits_have_the_fingerprint_that_they_had(tmp_path):
    """Cells and cards hang on it."""
    for role in ("degraded", "clean"):
        write(tmp_path / "s" / role / "a.png", encode_png(np.full((8, 8, 3), 7, np.uint8)))
    _, opened = prepared(tmp_path)
    assert opened.rows[0].meta == {"channels": 3}
    assert "peak" not in opened.options
    from datasets.core.files import digest, sha256_file

    own = sha256_file(tmp_path / "data/folder/test/clean/a.png")
    assert opened.fingerprint == digest([["a", "test", "a", {"degraded": own, "clean": own}, {"channels": 3}]])


# Cases 5, 10, 15, 18, 20, 28, 31


def test_orientation_is_applied_on_both_sides(tmp_path):
    smooth = cv2.resize(pixels(2, (4, 3, 3)), (24, 40), interpolation=cv2.INTER_CUBIC)
    write(tmp_path / "s/degraded/a.jpg", pillow(smooth, "JPEG", 6, quality=100, subsampling=0))
    write(tmp_path / "s/clean/a.png", png(smooth))
    report, opened = prepared(tmp_path)
    assert scored(opened) > 40
    assert "turned upright, as the orientation tag says: 1 picture (a)" in report.notes


def test_webp_is_read_and_other_formats_and_folders_are_counted(tmp_path):
    image = pixels(3, (16, 16, 3))
    for role in ("degraded", "clean"):
        write(tmp_path / "s" / role / "a.webp", pillow(image, "WEBP", lossless=True))
        write(tmp_path / "s" / role / "b.png", png(image))
        write(tmp_path / "s" / role / "c.heic", b"?")
        write(tmp_path / "s" / role / "more" / "d.png", png(image))
    (tmp_path / "s/clean/gone.png").symlink_to("nowhere.png")
    write(tmp_path / "s/clean/._b.png", b"companion")
    report, opened = prepared(tmp_path)
    assert [s.name for s in opened] == ["a", "b"]
    np.testing.assert_array_equal(opened[0].clean, image)
    assert (
        "left out, not part of what is prepared: 5 pictures (clean/c.heic, clean/gone.png: a link to nothing, "
        in (report.notes[0])
    )
    again = datasets.prepare("folder", tmp_path / "s", tmp_path / "data")
    assert again.written == 0 and again.notes == report.notes


def test_a_small_pair_among_others_is_named(tmp_path):
    for role in ("degraded", "clean"):
        write(tmp_path / "s" / role / "small.png", png(pixels(1, (8, 8, 3))))
        write(tmp_path / "s" / role / "large.png", png(pixels(1, (20, 20, 3))))
    report, _ = prepared(tmp_path)
    assert "smaller than 11x11: PSNR can be scored, SSIM cannot: 1 picture (small)" in report.notes


def test_bytes_after_the_end_and_too_large_pictures(tmp_path):
    image = pixels(1, (20, 20, 3))
    write(tmp_path / "s/a.png", png(image, after=b"more" * 100))
    _, opened = prepared(tmp_path)
    np.testing.assert_array_equal(opened[0].degraded, image)
    from tests.datasets.ops.test_pictures import HOSTILE

    for name in ("wide.jpg", "wide.png", "wide.bmp"):
        write(tmp_path / "t" / name, HOSTILE[name])
        with pytest.raises(UserError, match=name):
            datasets.prepare("folder", tmp_path / "t", tmp_path / "data2")
        (tmp_path / "t" / name).unlink()


def test_names_that_are_not_utf8_are_refused(tmp_path):
    (tmp_path / "s").mkdir()
    with open(os.fsencode(tmp_path / "s") + b"/caf\xe9.png", "wb") as stream:
        stream.write(png(pixels(1, (4, 4, 3))))
    with pytest.raises(UserError, match="UTF-8"):
        prepared(tmp_path)


# Case 9: sets that ship with hashes


def set12(folder, suffix, encode):
    for k in range(12):
        side = 256 if k < 7 else 512
        write(folder / f"{k + 1:02d}{suffix}", encode(cv2.resize(pixels(k, (8, 8)), (side, side))))


def test_a_set_that_is_not_the_published_one_is_neither_complete_nor_comparable(tmp_path, monkeypatch):
    import hashlib

    from datasets import recognition

    set12(tmp_path / "s", ".jpg", lambda a: pillow(a[..., None], "JPEG", quality=75))
    report, opened = prepared(tmp_path, "set12")
    assert opened.partial == "partial: not the original files by hash"
    assert "12 of them not the original ones" in str(report) and report.strangers == {"test": 12}
    assert any(note.startswith("not the original files by hash: 12 pictures (01, 02, 03") for note in report.notes)
    known = []
    set12(tmp_path / "known/s", ".png", lambda a: known.append(a) or png(a[..., None]))
    hashes = frozenset(hashlib.sha256(a.tobytes()).hexdigest() for a in known)
    monkeypatch.setattr(recognition, "pixel_hashes", lambda name: hashes)
    report, opened = prepared(tmp_path / "known", "set12")
    assert (opened.partial, report.strangers) == ("", {})
    assert opened.rows[0].meta == {}  # so that the fingerprint of the original set is what it was
    assert any("the original by its hash: 12 pictures" in note for note in report.notes)


def test_the_tables_of_hashes_have_pixels_for_every_file():
    from datasets.sources import SOURCES, hashes, pixel_hashes

    for name, source in SOURCES.items():
        if source.hashes is None:
            assert all(len(text) == 64 for text in pixel_hashes(name))
            assert len(pixel_hashes(name)) == len(hashes(name))


def test_training_crops_of_sidd_are_not_called_validation(tmp_path):
    for folder in ("input", "target"):
        for k in (1, 2):
            write(tmp_path / "s/train" / folder / f"{k}.png", png(pixels(k, (256, 256, 3))))
    report = datasets.prepare("sidd", tmp_path / "s" / "train", tmp_path / "data")
    assert report.splits == {"train": 2}
    assert any("training crops" in note for note in report.notes)
    for folder in ("noisy", "clean"):
        for k in (0, 47):
            write(tmp_path / "v" / folder / f"{k:04d}.png", png(pixels(k, (256, 256, 3))))
    report = datasets.prepare("sidd", tmp_path / "v", tmp_path / "other")
    assert any("not the SIDD validation blocks" in note for note in report.notes)
    assert "2 of them not the original ones" in str(report)


def test_training_pairs_of_sidd_of_unequal_size_are_refused(tmp_path):
    scene = tmp_path / "s" / "0001_001_S6_00100_00060_3200_L"
    write(scene / "NOISY_SRGB_010.PNG", png(pixels(1, (20, 30, 3))))
    write(scene / "GT_SRGB_010.PNG", png(pixels(1, (20, 31, 3))))
    with pytest.raises(UserError, match=r"NOISY_SRGB_010.PNG is 30x20 and .*GT_SRGB_010.PNG is 31x20"):
        datasets.prepare("sidd", tmp_path / "s", tmp_path / "data")


# Case 33: layouts


@pytest.mark.parametrize(
    ("spec", "files", "names"),
    [
        ("folder", ["input/a.png", "target/a.png"], ["a"]),
        ("folder", ["noisy/a.png", "gt/a.png"], ["a"]),
        ("folder", ["my_noisy/a.png", "my_clean/a.png"], ["a"]),
        ("folder", ["noisy/a_noisy.png", "gt/a_gt.png"], ["a"]),
        ("folder", ["Nam_patches/01_noise.png", "Nam_patch_GT/01_gt.png"], ["01"]),
        ("folder", ["01_noise.png", "01_gt.png"], ["01"]),
        ("folder", ["rain-1.png", "norain-1.png"], ["1"]),
        ("gopro", ["GOPRO_Large/test/GOPR1/blur/1.png", "GOPRO_Large/test/GOPR1/sharp/1.png"], ["GOPR1-1"]),
        ("gopro", ["GOPR1/blur/1.png", "GOPR1/sharp/1.png"], None),
        ("rain100h", ["rain-001.png", "norain-001.png"], ["001"]),
        ("rain100l", ["Rain100L/rain-001.png", "Rain100L/norain-001.png"], ["001"]),
        ("rain100h", ["input/rain-001.png", "target/norain-001.png"], ["001"]),
        ("polyu", ["noisy/Canon5D2_5_160_3200_toy_11_real.png", "clean/Canon5D2_5_160_3200_toy_11_mean.png"],
         ["Canon5D2_5_160_3200_toy_11"]),
        ("cc15", ["noisy/d600_iso3200_1_real.png", "gt/d600_iso3200_1_mean.png"], ["d600_iso3200_1"]),
    ],
)  # fmt: skip
def test_layouts_of_the_authors_own_packages(tmp_path, spec, files, names):
    for file in files:
        write(tmp_path / "s" / file, png(pixels(len(file), (16, 16, 3))))
    if names is None:
        with pytest.raises(UserError, match="Expected folders"):
            datasets.prepare(spec, tmp_path / "s", tmp_path / "data")
        (tmp_path / "s").rename(tmp_path / "test")
        report = datasets.prepare(spec, tmp_path / "test", tmp_path / "data")
        assert report.splits == {"test": 1}
        return
    _, opened = prepared(tmp_path, spec)
    assert [row.name for row in opened.rows] == names
    sample = opened[0]
    np.testing.assert_array_equal(sample.degraded, pixels(len(files[0]), (16, 16, 3)))
    np.testing.assert_array_equal(sample.clean, pixels(len(files[1]), (16, 16, 3)))


def test_marks_that_not_every_picture_bears_make_no_pairs(tmp_path):
    for name in ("a_noisy", "a_clean", "b"):
        write(tmp_path / "s" / f"{name}.png", png(pixels(len(name), (16, 16, 3))))
    assert [sample.clean is None for sample in prepared(tmp_path)[1]] == [True] * 3
    (tmp_path / "s" / "b.png").rename(tmp_path / "s" / "b_noisy.png")
    with pytest.raises(UserError, match="b_noisy.png has none"):
        datasets.prepare("folder", tmp_path / "s", tmp_path / "other")


def test_names_whose_accents_are_stored_apart(tmp_path):
    import unicodedata

    for role, form in (("degraded", "NFD"), ("clean", "NFC")):
        write(tmp_path / "s" / role / unicodedata.normalize(form, "café.png"), png(pixels(1, (16, 16, 3))))
    assert [s.name for s in prepared(tmp_path)[1]] == ["café"]


def test_slices_as_red_cnn_writes_them(tmp_path):
    (tmp_path / "s").mkdir()
    for end in ("input", "target"):
        np.save(tmp_path / "s" / f"L506_0_{end}.npy", pixels(len(end), (8, 8), np.float32))
    report, opened = prepared(tmp_path, "ldct")
    assert [(s.name, s.scene) for s in opened] == [("L506_0", "L506")]
    np.testing.assert_array_equal(opened[0].clean[..., 0], pixels(6, (8, 8), np.float32))
    assert any("4096" in note for note in report.notes)


def test_a_list_with_a_byte_order_mark(tmp_path):
    base = tmp_path / "s"
    for kind in ("gt", "blur"):
        write(base / f"RealBlur-J/scene001/{kind}/{kind}_1.png", png(pixels(1, (16, 16, 3))))
    write(base / "RealBlur_J_test_list.txt",
          b"\xef\xbb\xbfRealBlur-J/scene001/gt/gt_1.png RealBlur-J/scene001/blur/blur_1.png\n")  # fmt: skip
    assert datasets.prepare("realblur-j", base, tmp_path / "data").splits == {"test": 1}


@pytest.mark.parametrize(("count", "partial"), [(13711, ""), (13712, ""), (13710, "partial: 13710 of 13711")])
def test_rain13k_as_the_package_holds_it_and_as_the_papers_count_it(tmp_path, monkeypatch, count, partial):
    from datasets.rain import Rain13K

    opened = object.__new__(Rain13K)
    row = datasets.base.Row("a", "train", "a", "", None, {}, {}, {})
    opened.rows, opened._whole = [row] * count, 13711
    assert opened.partial == partial


# The property: 200 combinations

KINDS = ("png8", "png16", "tiff8", "tiff16", "tifffloat", "webp", "bmp", "jpeg", "tiffint")


def encoded(kind, image, orientation):
    """(bytes, suffix, what numpy says that they hold on [0, 1]); None where it is to be refused."""
    eight = (image * 255).round().astype(np.uint8)
    sixteen = (image * 65535).round().astype(np.uint16)
    if kind == "png8":
        return png(eight, orientation), ".png", eight / 255.0
    if kind == "png16":
        return png(sixteen, orientation), ".png", sixteen / 65535.0
    if kind == "tiff8":
        return tiff(eight, orientation), ".tif", eight / 255.0
    if kind == "tiff16":
        return tiff(sixteen, orientation), ".tif", sixteen / 65535.0
    if kind == "tifffloat":
        return tiff(image.astype(np.float32), orientation), ".tiff", image.astype(np.float32).astype(np.float64)
    if kind == "tiffint":
        return tiff(sixteen.astype(np.uint32), orientation), ".tif", None
    if kind == "bmp":
        return cv2.imencode(".bmp", eight[..., ::-1])[1].tobytes(), ".bmp", eight / 255.0
    if kind == "webp":
        colour = np.repeat(eight, 3, 2) if eight.shape[2] == 1 else eight
        return pillow(colour, "WEBP", orientation, lossless=True), ".webp", colour / 255.0
    from io import BytesIO

    from PIL import Image, ImageOps

    data = pillow(eight, "JPEG", orientation, quality=100, subsampling=0)
    told = np.asarray(ImageOps.exif_transpose(Image.open(BytesIO(data)))) / 255.0
    return data, ".jpg", told.reshape(*told.shape[:2], -1)


COMBINATIONS = {
    "kinds": st.tuples(st.sampled_from(KINDS), st.sampled_from(KINDS)),
    "channels": st.tuples(st.sampled_from((1, 3)), st.sampled_from((1, 3))),
    "orientations": st.tuples(st.integers(1, 8), st.integers(1, 8)),
    "size": st.tuples(st.integers(3, 24), st.integers(3, 24)),
    "peak": st.sampled_from((0, 0, 0, 65535)),
    "transposed": st.sampled_from((False, False, False, True)),
    "layout": st.sampled_from((("degraded", "clean"), ("input", "target"))),
    "seed": st.integers(0, 999),
}


def made(source, kinds, channels, orientations, size, peak, transposed, layout, seed):
    """Write one pair. Returns its PSNR by numpy, None where it is to be refused."""
    rng = np.random.default_rng(seed)
    truth, refused = [], "tiffint" in kinds
    for role, kind, count, orientation in zip(layout, kinds, channels, orientations, strict=True):
        shape = size[::-1] if transposed and role == layout[0] else size
        small = rng.random((3, 4, count))
        smooth = np.clip(cv2.resize(small, shape[::-1], interpolation=cv2.INTER_LINEAR).reshape(*shape, count), 0, 1)
        data, suffix, told = encoded(kind, smooth, orientation if kind != "bmp" else 1)
        write(source / role / f"x{suffix}", data)
        truth.append(told)
    refused |= transposed and size[0] != size[1]
    deep = [t for t, k in zip(truth, kinds, strict=True) if k.endswith("16") and t is not None]
    refused |= bool(deep) and not peak and max(t.max() for t in deep) * 65535 <= 16383.5
    if refused:
        return None
    wide = max(t.shape[2] for t in truth)
    noisy, clean = (np.repeat(t, 3, 2) if t.shape[2] < wide else t for t in truth)
    return psnr(noisy, clean) if (noisy != clean).any() else np.inf


@settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(**COMBINATIONS)
def test_prepare_agrees_with_numpy_or_refuses(tmp_path_factory, **combination):
    tmp_path = tmp_path_factory.mktemp("p")
    wanted = made(tmp_path / "s", **combination)
    spec = f"folder[peak={combination['peak']}]" if combination["peak"] else "folder"
    if wanted is None:
        with pytest.raises(UserError) as raised:
            prepared(tmp_path, spec)
        assert "\n" not in str(raised.value)
    else:
        assert scored(prepared(tmp_path, spec)[1]) == pytest.approx(wanted, abs=1e-3)
