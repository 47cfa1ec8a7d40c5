"""What the SIDD and DND servers take, written and read back."""

import base64
import csv
import sys

import numpy as np
import pytest
import scipy.io

from datasets import submission
from datasets.core.errors import UserError
from datasets.submission import to_uint8, write_dnd, write_sidd_csv, write_sidd_mat


@pytest.fixture
def small(monkeypatch):
    """Four blocks in place of 1280: the layout is the same, 300 MB are not written."""
    monkeypatch.setattr(submission, "SCENES", 2)
    monkeypatch.setattr(submission, "PER_SCENE", 2)
    monkeypatch.setattr(submission, "DND_IMAGES", 2)
    rng = np.random.default_rng(0)
    return [rng.random((256, 256, 3)).astype(np.float32) * 1.2 - 0.1 for _ in range(4)]


def rounded(image):
    return np.rint(np.clip(image.astype(np.float64), 0, 1) * 255).astype(np.uint8)


def test_full_size_is_that_of_the_benchmark():
    assert (submission.SCENES, submission.PER_SCENE, submission.DND_IMAGES, submission.DND_CROPS) == (40, 32, 50, 20)


def test_rounding_not_truncating():
    values = np.array([-0.5, 0.0, 0.4999 / 255, 0.5001 / 255, 254.6 / 255, 1.0, 7.0])
    assert to_uint8(values).tolist() == [0, 0, 0, 1, 255, 255, 255]
    assert to_uint8(np.arange(256, dtype=np.float32) / 255).tolist() == list(range(256))
    with pytest.raises(UserError, match="NaN"):
        to_uint8(np.array([np.nan]))


def test_sidd_csv(tmp_path, small):
    assert write_sidd_csv(tmp_path / "SubmitSrgb.csv", iter(small)) == 4
    csv.field_size_limit(sys.maxsize)
    with (tmp_path / "SubmitSrgb.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["ID"] for row in rows] == ["0", "1", "2", "3"] and list(rows[0]) == ["ID", "BLOCK"]
    for row, image in zip(rows, small, strict=True):
        assert len(row["BLOCK"]) == 262144
        block = np.frombuffer(base64.b64decode(row["BLOCK"]), np.uint8).reshape(256, 256, 3)
        assert np.array_equal(block, rounded(image))


@pytest.mark.parametrize("layout", ["array", "cell"])
def test_sidd_mat(tmp_path, small, layout):
    write_sidd_mat(tmp_path / "SubmitSrgb.mat", iter(small), 1.5, layout=layout, details={"MethodName": "R2R"})
    content = scipy.io.loadmat(tmp_path / "SubmitSrgb.mat")
    blocks = content["DenoisedBlocksSrgb"]
    assert content["TimeMPSrgb"].item() == 1.5 and content["OptionalData"]["MethodName"][0, 0].item() == "R2R"
    assert blocks.shape[:2] == (2, 2)
    for index, image in enumerate(small):
        block = blocks[divmod(index, 2)]
        if layout == "cell":
            assert block.dtype == np.float32 and block.max() <= 1
            block = np.rint(block * 255).astype(np.uint8)
        assert np.array_equal(block, rounded(image))


def test_wrong_counts_shapes_and_nan_leave_nothing(tmp_path, small):
    broken = [*small[:3], np.full((256, 256, 3), np.nan, np.float32)]
    cut = [small[0][:128]]
    too_many = [*small, small[0]]
    for blocks, text in ((small[:3], "but got 3"), (too_many, "block 5"), (cut, r"\(128, 256, 3\)"), (broken, "NaN")):
        with pytest.raises(UserError, match=text):
            write_sidd_csv(tmp_path / "a.csv", blocks)
        with pytest.raises(UserError, match=text):
            write_sidd_mat(tmp_path / "a.mat", blocks, 1.0)
    with pytest.raises(UserError, match="'cube'"):
        write_sidd_mat(tmp_path / "a.mat", small, 1.0, layout="cube")
    assert not list(tmp_path.iterdir())


def test_dnd(tmp_path, small):
    rng = np.random.default_rng(1)
    crops = [[rng.random((512, 512, 3)).astype(np.float32)] * 20, [rng.random((512, 512, 3)).astype(np.float32)] * 20]
    paths = write_dnd(tmp_path / "out", iter(crops))
    assert [path.name for path in paths] == ["0001.mat", "0002.mat"]
    content = scipy.io.loadmat(paths[1])
    assert content["Idenoised"].shape == (1, 20) and not content["israw"].item() and content["eval_version"] == ["1.0"]
    assert content["Idenoised"][0, 19].dtype == np.float32 and np.array_equal(content["Idenoised"][0, 19], crops[1][19])
    for images, text in (
        ([crops[0]], "those of 1"),
        ([crops[0], crops[1][:19]], "19 crops"),
        ([[c[:9] for c in crops[0]]], "9, 512"),
    ):
        with pytest.raises(UserError, match=text):
            write_dnd(tmp_path / "bad", images)
    assert not list((tmp_path / "bad").glob("*.mat"))


def test_dnd_raw(tmp_path, small):
    crops = [[np.zeros((512, 512), np.float32)] * 20] * 2
    assert scipy.io.loadmat(write_dnd(tmp_path, crops, raw=True)[0])["israw"].item() == 1
