"""Blurred and rainy pairs in the layouts that are passed on, and the pictures of compressive sensing."""

import numpy as np
import pytest

import datasets
from datasets.core.errors import UserError
from datasets.ops.images import read_image, write_png
from datasets.registry import DATASETS
from tests.helpers.material import material, needs_material

TASKS = {
    "deblur": ("gopro", "hide", "realblur-j", "realblur-r"),
    "derain": ("rain13k", "rain100l", "rain100h", "test100", "test1200", "test2800"),
    "compressive-sensing": ("set11",),
}
RAIN = {"rain100l": 100, "rain100h": 100, "test100": 98, "test1200": 1200, "test2800": 2800}


def picture(seed, shape=(20, 24, 3)):
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def pairs(folder, names, kinds=("input", "target"), suffixes=("", "")):
    for seed, name in enumerate(names):
        for number, (kind, suffix) in enumerate(zip(kinds, suffixes, strict=True)):
            write_png(folder / kind / f"{name}{suffix}.png", picture(2 * seed + number))


@pytest.mark.parametrize(("task", "name"), [(task, name) for task, names in TASKS.items() for name in names])
def test_facts(task, name):
    from benchmark.scoring.conventions import applicable

    facts = datasets.facts(name)
    assert (facts.name, facts.task) == (name, task) and name in datasets.names()
    assert facts.default_split in facts.splits and facts.default_split in facts.complete
    assert applicable(facts.convention, facts.channels) is None
    assert facts.source.startswith(("https", "the deraining package")) and facts.licence and facts.citation


def test_conventions_are_those_of_the_published_figures():
    from benchmark.leaderboard.published import read_published

    ours = {name for names in TASKS.values() for name in names}
    rows = [row for row in read_published() if row.method == "dgunet" and row.dataset in ours]
    assert len(rows) == 2 * (2 + len(RAIN) + 5)
    for row in rows:
        facts = datasets.facts(row.dataset)
        assert (row.split, row.psnr_convention) == (facts.default_split, facts.convention)


@pytest.mark.parametrize("place", ["test/Rain100H", "Rain100H/test", "Rain100H", "test", ""])
def test_rain_in_any_folder(tmp_path, place):
    pairs(tmp_path / "s" / place, ["1", "2", "10"])
    datasets.prepare("rain100h", tmp_path / "s", tmp_path / "data")
    opened = datasets.open_dataset("rain100h", tmp_path / "data")
    assert [row.name for row in opened.rows] == ["1", "10", "2"]
    assert (opened.partial, opened.degradation) == ("partial: 3 of 100", "rain")
    sample = opened[0]
    np.testing.assert_array_equal(sample.degraded, picture(0))
    np.testing.assert_array_equal(sample.clean, picture(1))
    assert sample.scene == "1"


def test_a_photograph_with_many_kinds_of_rain_is_one_scene(tmp_path):
    pairs(tmp_path / "s", ["901_1", "901_14", "902_3"])
    datasets.prepare("test2800", tmp_path / "s", tmp_path / "data")
    assert [row.scene for row in datasets.open_dataset("test2800", tmp_path / "data").rows] == ["901", "901", "902"]


def test_training_pairs(tmp_path):
    pairs(tmp_path / "s" / "train" / "Rain13K", ["1", "2"])
    datasets.prepare("rain13k", tmp_path / "s", tmp_path / "data")
    opened = datasets.open_dataset("rain13k", tmp_path / "data")
    assert (opened.split, opened.partial) == ("train", "partial: 2 of 13711")


def test_gopro_as_a_package(tmp_path):
    pairs(tmp_path / "s" / "GoPro" / "test", ["GOPR0384_11_00-000001", "GOPR0384_11_05-004001"])
    pairs(tmp_path / "s" / "GoPro" / "train", ["GOPR0372_07_00-000047"])
    report = datasets.prepare("gopro", tmp_path / "s", tmp_path / "data")
    assert report.splits == {"test": 2, "train": 1}
    opened = datasets.open_dataset("gopro", tmp_path / "data")
    assert [row.scene for row in opened.rows] == ["GOPR0384_11_00", "GOPR0384_11_05"]
    assert opened.degradation == "blur"


def test_gopro_as_its_authors_have_it(tmp_path):
    film = tmp_path / "s" / "test" / "GOPR0384_11_00"
    pairs(film, ["000001", "000002"], ("blur", "sharp"))
    pairs(film, ["000001"], ("blur_gamma",), ("",))
    datasets.prepare("gopro", tmp_path / "s", tmp_path / "data")
    opened = datasets.open_dataset("gopro", tmp_path / "data")
    assert [row.name for row in opened.rows] == ["GOPR0384_11_00-000001", "GOPR0384_11_00-000002"]
    np.testing.assert_array_equal(opened[1].clean, picture(3))


def test_blurred_pictures_alone_have_no_truth(tmp_path):
    pairs(tmp_path / "s" / "HIDE" / "test", ["a", "b"], ("input",), ("",))
    datasets.prepare("hide", tmp_path / "s", tmp_path / "data")
    assert [sample.clean for sample in datasets.open_dataset("hide", tmp_path / "data")] == [None, None]


def test_realblur_by_its_list(tmp_path):
    scene = "RealBlur-J_ECC_IMCORR_centroid_itensity_ref/scene007"
    pairs(tmp_path / "s" / scene, ["1", "2"], ("blur", "gt"))
    lines = [f"{scene}/gt/{n}.png {scene}/blur/{n}.png \n" for n in (2, 1)]
    (tmp_path / "s" / "RealBlur_J_test_list.txt").write_text("".join(lines))
    datasets.prepare("realblur-j", tmp_path / "s", tmp_path / "data")
    opened = datasets.open_dataset("realblur-j", tmp_path / "data")
    assert [(row.name, row.scene) for row in opened.rows] == [("scene007_2", "scene007"), ("scene007_1", "scene007")]
    np.testing.assert_array_equal(opened[1].degraded, picture(0))
    (tmp_path / "s" / scene / "gt" / "2.png").unlink()
    with pytest.raises(UserError, match=r"gt/2\.png is missing"):
        datasets.prepare("realblur-j", tmp_path / "s", tmp_path / "other")


def test_realblur_as_a_package(tmp_path):
    pairs(tmp_path / "s" / "RealBlur_R" / "test", ["scene012_1"])
    datasets.prepare("realblur-r", tmp_path / "s", tmp_path / "data")
    assert datasets.open_dataset("realblur-r", tmp_path / "data").rows[0].scene == "scene012"


def test_sources_that_are_refused(tmp_path):
    (tmp_path / "empty" / "else").mkdir(parents=True)
    with pytest.raises(UserError, match="test/input and test/target in .* there are none"):
        datasets.prepare("rain100l", tmp_path / "empty", tmp_path / "data")
    pairs(tmp_path / "lone", ["1", "2"])
    (tmp_path / "lone" / "target" / "2.png").unlink()
    with pytest.raises(UserError, match=r"2\.png has none"):
        datasets.prepare("rain100l", tmp_path / "lone", tmp_path / "data")
    pairs(tmp_path / "sizes", ["1"])
    write_png(tmp_path / "sizes" / "target" / "1.png", picture(0, (20, 25, 3)))
    with pytest.raises(UserError, match=r"one size, but .* is 24x20 and .* is 25x20"):
        datasets.prepare("rain100l", tmp_path / "sizes", tmp_path / "data")
    for name in (name for names in TASKS.values() for name in names):
        with pytest.raises(UserError, match="by hand"):
            datasets.prepare(name, None, tmp_path / "data")
    assert not (tmp_path / "data" / "rain100l").exists()


@needs_material
def test_real_rain(tmp_path):
    datasets.prepare("rain100h", material("data/rain100h"), tmp_path)
    opened = datasets.open_dataset("rain100h", tmp_path)
    assert len(opened) == 10 and opened.partial == "partial: 10 of 100"
    from benchmark import score

    values = [score(sample.degraded, sample.clean, opened.facts.convention).psnr for sample in opened]
    assert 10 < np.mean(values) < 20


@needs_material
def test_the_real_blurred_frame(tmp_path):
    datasets.prepare("gopro", material("data/gopro"), tmp_path)
    (sample,) = datasets.open_dataset("gopro", tmp_path)
    assert (sample.name, sample.scene, sample.clean) == ("GOPR0384_11_00-000001", "GOPR0384_11_00", None)
    assert sample.degraded.shape == (720, 1280, 3)


@needs_material
def test_set11(tmp_path):
    datasets.prepare("set11", material("data/set11"), tmp_path)
    opened = datasets.open_dataset("set11[ratio=25]", tmp_path)
    assert (len(opened), opened.partial, opened.degradation) == (11, "", "cs25")
    assert datasets.open_dataset("set11", tmp_path).degradation == "cs10"
    for sample in opened:
        assert sample.degraded is None and sample.meta["ratio"] == 25
        assert sample.clean.shape[2] == 1 and sample.clean.shape[:2] in ((256, 256), (512, 512))
    parrots = next(sample for sample in opened if sample.name == "parrots")
    palette = read_image(material("data/set11/Parrots.tif"), 3)
    np.testing.assert_array_equal(parrots.clean, palette[..., 1:2])
    with pytest.raises(UserError, match="ratio above 0"):
        datasets.open_dataset("set11[ratio=0]", tmp_path)
    with pytest.raises(UserError, match="11 are missing, the first is 'barbara'"):
        datasets.prepare("set11", material("data/set12"), tmp_path / "other")


def test_registry_holds_them_all():
    assert {name for names in TASKS.values() for name in names} <= set(DATASETS.names())
