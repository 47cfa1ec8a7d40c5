"""DND: a small copy with the same containers and references."""

import h5py
import numpy as np
import pytest

import datasets
from datasets.core.errors import UserError
from datasets.dnd import DND

SIZE, BOX = 24, 8


def write_dnd(folder, images=2, crops=3, sigma=True):
    """Write images (stored C x W x H) and info.mat (1 x n references to 4 x crops boxes). Returns the images."""
    rng = np.random.default_rng(7)
    made = [rng.random((SIZE, SIZE + 6, 3)).astype(np.float32) for _ in range(images)]
    (folder / "images_srgb").mkdir(parents=True)
    for k, image in enumerate(made, 1):
        with h5py.File(folder / "images_srgb" / f"{k:04d}.mat", "w") as file:
            file["InoisySRGB"] = image.transpose(2, 1, 0)
    with h5py.File(folder / "info.mat", "w") as file:
        info = file.create_group("info")
        fields = {"boundingboxes": lambda k: np.array([box(k, c) for c in range(crops)], float).T}
        if sigma:
            fields["sigma_srgb"] = lambda k: 0.01 * np.arange(1, crops + 1)[None] + k
        for field, make in fields.items():
            refs = info.create_dataset(field, (1, images), h5py.ref_dtype)
            for k in range(images):
                file[f"#refs#/{field}{k}"] = make(k)
                refs[0, k] = file[f"#refs#/{field}{k}"].ref
    return made


def box(image, crop):
    """y1, x1, y2, x2, 1-based and inclusive; not square in position, so that a transposed reading shows."""
    top, left = 1 + 2 * crop, 1 + 5 * crop + image
    return [top, left, top + BOX - 1, left + BOX - 1]


def test_crops_are_those_of_the_boxes(tmp_path):
    made = write_dnd(tmp_path / "dnd")
    assert datasets.prepare("dnd", tmp_path / "dnd", tmp_path / "data").images == 6
    opened = datasets.open_dataset("dnd", tmp_path / "data")
    assert [s.name for s in opened] == ["0001_01", "0001_02", "0001_03", "0002_01", "0002_02", "0002_03"]
    assert opened.partial == "partial: 6 of 1000"
    for k, sample in enumerate(opened):
        image, crop = divmod(k, 3)
        top, left, bottom, right = box(image, crop)
        want = made[image][top - 1 : bottom, left - 1 : right]
        np.testing.assert_array_equal(sample.degraded, np.floor(want * 255 + 0.5).astype(np.uint8))
        assert sample.clean is None
        assert sample.scene == f"{image + 1:04d}"
        assert sample.noise_level == pytest.approx(0.01 * (crop + 1) + image)


def test_the_package_one_level_up(tmp_path):
    """Case 33."""
    made = write_dnd(tmp_path / "downloads" / "dnd_2017", images=1)
    assert datasets.prepare("dnd", tmp_path / "downloads", tmp_path / "data").images == 3
    top, left, bottom, right = box(0, 0)
    want = np.floor(made[0][top - 1 : bottom, left - 1 : right] * 255 + 0.5).astype(np.uint8)
    np.testing.assert_array_equal(datasets.open_dataset("dnd", tmp_path / "data")[0].degraded, want)


def test_without_noise_levels(tmp_path):
    write_dnd(tmp_path / "dnd", images=1, sigma=False)
    assert all("sigma_srgb" not in item.meta for item in DND.items(tmp_path / "dnd"))


def test_bad_sources(tmp_path):
    write_dnd(tmp_path / "dnd")
    (tmp_path / "dnd" / "images_srgb" / "0002.mat").unlink()
    with pytest.raises(UserError, match="0002.mat"):
        datasets.prepare("dnd", tmp_path / "dnd", tmp_path / "data")
    data = (tmp_path / "dnd" / "info.mat").read_bytes()
    (tmp_path / "dnd" / "info.mat").write_bytes(data[: len(data) // 2])
    with pytest.raises(UserError, match="info.mat"):
        list(DND.items(tmp_path / "dnd"))
    (tmp_path / "other").mkdir()
    with pytest.raises(UserError, match="info.mat"):
        list(DND.items(tmp_path / "other"))
    with pytest.raises(UserError, match="--source"):
        list(DND.items(None))


def test_bad_images(tmp_path):
    write_dnd(tmp_path / "dnd")
    path = tmp_path / "dnd" / "images_srgb" / "0001.mat"
    items = list(DND.items(tmp_path / "dnd"))
    with h5py.File(path, "w") as file:
        file["InoisySRGB"] = np.zeros((3, 10, 10), np.float32)
    with pytest.raises(UserError, match="outside"):
        items[2].load["degraded"]()
    with h5py.File(path, "w") as file:
        file["Inoisy"] = np.zeros((10, 10), np.float32)
    with pytest.raises(UserError, match="InoisySRGB"):
        items[0].load["degraded"]()
