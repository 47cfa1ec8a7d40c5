"""PolyU: layouts, irregular names, the split by scene, the real files."""

from collections import Counter

import numpy as np
import pytest

import datasets
from datasets.core.errors import UserError
from datasets.ops.images import read_image, write_png
from datasets.polyu import PolyU, scene_sides
from tests.helpers.material import material, needs_material

NAMES = (
    "Canon5D2_5_160_3200_chair_11",
    "NikonD800_6-3_125_5000_plant__4",
    "Sony_3-5_200_1600_classroom_1",
    "Canon80D_8_8_800_GO_7",
)


def picture(seed):
    return np.random.default_rng(seed).integers(0, 256, (8, 10, 3), np.uint8)


def write_pairs(folder, names=NAMES, noisy="_real.png", clean="_mean.png"):
    for k, name in enumerate(names):
        write_png(folder / f"{name}{noisy}", picture(k))
        write_png(folder / f"{name}{clean}", picture(k + 100))


@pytest.mark.parametrize("endings", [("_real.png", "_mean.png"), ("_Real.PNG", "_MEAN.png")])
@pytest.mark.parametrize("below", ["", "CroppedImages"])
def test_one_folder_any_case(tmp_path, endings, below):
    write_pairs(tmp_path / "source" / below, noisy=endings[0], clean=endings[1])
    report = datasets.prepare("polyu", tmp_path / "source", tmp_path / "data")
    assert report.splits == {"test": 4}
    opened = datasets.open_dataset("polyu", tmp_path / "data")
    assert [s.name for s in opened] == sorted(NAMES)
    assert opened.partial == "partial: 4 of 100"
    sample = opened[sorted(NAMES).index(NAMES[1])]
    np.testing.assert_array_equal(sample.degraded, picture(1))
    np.testing.assert_array_equal(sample.clean, picture(101))
    assert sample.scene == "plant"


@pytest.mark.parametrize("keep_ending", [False, True])
def test_two_folders_with_equal_names(tmp_path, keep_ending):
    end = "_real.png" if keep_ending else ".png"
    for k, name in enumerate(NAMES):
        write_png(tmp_path / "s" / "polyu_noisy" / f"{name}{end}", picture(k))
        write_png(tmp_path / "s" / "polyu_gt" / f"{name}{end}", picture(k + 100))
    datasets.prepare("polyu", tmp_path / "s", tmp_path / "data")
    opened = datasets.open_dataset("polyu", tmp_path / "data")
    assert {s.name for s in opened} == set(NAMES)
    np.testing.assert_array_equal(opened[0].clean, picture(100))


def test_fields_of_the_names(tmp_path):
    write_pairs(tmp_path)
    items = {item.name: item for item in PolyU.items(tmp_path)}
    nikon = items[NAMES[1]]
    assert (nikon.camera, nikon.iso, nikon.scene) == ("NikonD800", 5000, "plant")
    assert nikon.meta.items() >= {"aperture": 6.3, "shutter": "1/125", "recognised": False}.items()
    assert items[NAMES[3]].scene == "GO"


def test_uncropped_pictures_are_a_split_of_their_own(tmp_path):
    names = ("Canon5D2_bicyc", "Nikon_800_carbi", "Nikon800_plant", "SonyA7II_toy")
    write_pairs(tmp_path / "OriginalImages", names, "_Real.png", "_mean.png")
    write_pairs(tmp_path / "CroppedImages")
    items = list(PolyU.items(tmp_path))
    assert Counter(item.split for item in items) == {"test": 4, "original": 4}
    found = {item.name: (item.camera, item.scene) for item in items if item.split == "original"}
    assert list(found.values()) == [
        ("Canon5D2", "bicycle"), ("NikonD800", "plant"), ("NikonD800", "carbi"), ("Sony", "toy"),
    ]  # fmt: skip


def test_missing_partner_and_foreign_folder(tmp_path):
    write_pairs(tmp_path / "a")
    (tmp_path / "a" / f"{NAMES[0]}_mean.png").unlink()
    with pytest.raises(UserError, match=r"clean partner .*chair_11_real.png has none \(4 degraded, 3 clean"):
        datasets.prepare("polyu", tmp_path / "a", tmp_path / "data")
    write_png(tmp_path / "b" / "x.png", picture(0))
    with pytest.raises(UserError, match="CroppedImages"):
        datasets.prepare("polyu", tmp_path / "b", tmp_path / "data")
    assert not (tmp_path / "data" / "polyu" / "manifest.csv").exists()


def test_split_by_scene_is_fixed():
    sides = scene_sides()
    assert len(sides) == 23
    assert Counter(sides.values()) == {"train": 13, "test": 10}


@needs_material
def test_the_real_files(tmp_path):
    source = material("data/polyu")
    items = list(PolyU.items(source))
    assert len(items) == 100
    assert {item.scene for item in items} == set(scene_sides())
    assert Counter(item.camera for item in items) == {
        "NikonD800": 33, "Canon5D2": 29, "Canon80D": 15, "Sony": 12, "Canon600D": 11,
    }  # fmt: skip
    assert Counter(item.iso for item in items) == {
        800: 1, 1600: 16, 1800: 3, 3200: 27, 4000: 6, 5000: 5, 6400: 38, 12800: 4,
    }  # fmt: skip
    # the order of the published baseline figures: the noisy files' names as plain strings
    assert items[29].name == "Canon600D_3-5_125_1600_waterhouse_10"
    sides = scene_sides()
    held_out = [item for item in items if sides[item.scene] == "test"]
    assert len(held_out) == 30
    assert {item.camera for item in held_out} == {item.camera for item in items}
    original = source / "CroppedImages" / f"{items[5].name}_real.JPG"
    np.testing.assert_array_equal(items[5].load["degraded"](), read_image(original))


@needs_material
def test_the_whole_set_prepared(tmp_path):
    datasets.prepare("polyu", material("data/polyu"), tmp_path)
    opened = {s: datasets.open_dataset("polyu", tmp_path, split=s) for s in ("test", "scenes-train", "scenes-test")}
    assert {s: len(d) for s, d in opened.items()} == {"test": 100, "scenes-train": 70, "scenes-test": 30}
    assert not any(d.partial for d in opened.values())
    scenes = [{row.scene for row in opened[s].rows} for s in ("scenes-train", "scenes-test")]
    assert not scenes[0] & scenes[1]
    mse = [np.mean((s.degraded / 255 - s.clean / 255) ** 2) for s in opened["test"]]
    assert np.mean(-10 * np.log10(mse)) == pytest.approx(35.969, abs=0.005)
