"""Sets for desnowing: layouts as they are commonly told, and two paired folders in any place; and the stand-in."""

import numpy as np
import pytest

import datasets
from datasets import demo, demo_snow
from datasets.core.errors import UserError
from datasets.ops.images import write_png

SETS = ("snow100k", "csd", "srrs")
SPLITS = {"test": 20, "validation": 18, "train": 42}


def picture(seed, shape=(20, 24, 3)):
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def pairs(folder, names, kinds):
    for seed, name in enumerate(names):
        for number, kind in enumerate(kinds):
            write_png(folder / kind / f"{name}.png", picture(3 * seed + number))


@pytest.mark.parametrize("name", SETS)
def test_facts(name):
    facts = datasets.facts(name)
    assert (facts.name, facts.task, facts.train_split) == (name, "desnow", "train") and name in datasets.names()
    assert facts.default_split in facts.splits and set(facts.complete) <= set(facts.splits)
    assert facts.source.startswith("https") and "not checked" in facts.source and facts.citation


@pytest.mark.parametrize(
    ("name", "place", "kinds", "split"),
    [
        ("snow100k", "Snow100K-L", ("synthetic", "gt", "mask"), "test-l"),
        ("snow100k", "test/Snow100K-S", ("synthetic", "gt", "mask"), "test-s"),
        ("snow100k", "Snow100K-training/all", ("synthetic", "gt", "mask"), "train"),
        ("csd", "Test", ("Snow", "Gt", "Mask"), "test"),
        ("csd", "CSD/Train", ("Snow", "Gt", "Mask"), "train"),
        ("srrs", "Test", ("Snow", "Gt", "Mask"), "test"),
        ("srrs", "train", ("input", "target"), "train"),
        ("snow100k", "test-m", ("input", "target"), "test-m"),
        ("csd", "", ("snowy", "clean"), "test"),
        ("srrs", "", ("degraded", "clean"), "test"),
        ("snow100k", "Train", ("Input", "Target"), None),  # the split's own name has one spelling but for CSD and SRRS
    ],
)
def test_layouts(tmp_path, name, place, kinds, split):
    pairs(tmp_path / "source" / place, ["1", "2"], kinds)
    if split is None:
        with pytest.raises(UserError, match="there are none"):
            datasets.prepare(name, tmp_path / "source", tmp_path / "data")
        return
    assert datasets.prepare(name, tmp_path / "source", tmp_path / "data").splits[split] == 2
    opened = datasets.open_dataset(name, tmp_path / "data", split=split)
    assert [row.name for row in opened.rows] == ["1", "2"] and opened.degradation == "snow"
    np.testing.assert_array_equal(opened[1].degraded, picture(3))
    np.testing.assert_array_equal(opened[1].clean, picture(4))
    complete = opened.facts.complete.get(split)
    assert opened.partial == (f"partial: 2 of {complete}" if complete else "")


def test_a_picture_without_its_partner_is_refused(tmp_path):
    pairs(tmp_path / "source" / "Test", ["1", "2"], ("Snow", "Gt"))
    (tmp_path / "source" / "Test" / "Gt" / "2.png").unlink()
    with pytest.raises(UserError, match=r"2\.png has none"):
        datasets.prepare("csd", tmp_path / "source", tmp_path / "data")
    with pytest.raises(UserError, match="by hand"):
        datasets.prepare("csd", None, tmp_path / "data")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    root = tmp_path_factory.mktemp("demo-snow")
    datasets.prepare("demo-snow", None, root)
    return {split: datasets.open_dataset("demo-snow", root, split=split) for split in SPLITS}


def test_the_stand_in(prepared):
    assert {split: len(data) for split, data in prepared.items()} == SPLITS
    for data in prepared.values():
        assert (data.partial, data.degradation, data.facts.task) == ("", "snow", "desnow")
    scenes = {split: {row.scene for row in data.rows} for split, data in prepared.items()}
    assert scenes["train"] == scenes["validation"] and not scenes["train"] & scenes["test"]
    assert len(scenes["test"]) == 5 and len(scenes["train"]) == 9


def test_validation_crops_are_kept_from_the_training():
    seen = {}
    for crop in [*demo_snow.layout()["train"], *demo_snow.layout()["validation"]]:
        whole = seen.setdefault(crop.photograph, np.zeros(demo.photograph(crop.photograph).shape[:2], int))
        part = whole[crop.top : crop.top + crop.side, crop.left : crop.left + crop.side]
        assert part.shape == (crop.side, crop.side)
        part += 1
    assert all(whole.max() == 1 for whole in seen.values())


def test_snow_covers_the_picture_with_white_and_leaves_the_rest(prepared):
    for sample in (prepared["test"][0], prepared["train"][30]):
        crop = next(c for crops in demo_snow.layout().values() for c in crops if c.name == sample.name)
        cover = demo_snow.flakes(sample.clean.shape[:2], crop.name)
        np.testing.assert_array_equal(sample.clean, crop.pixels())
        bare = cover < 1e-4
        np.testing.assert_array_equal(sample.degraded[bare], sample.clean[bare])
        assert 0.02 < cover.mean() < 0.4 and cover.max() > 0.8 and cover.min() >= 0
        hidden = cover > 0.97
        assert hidden.sum() == 0 or abs(int(sample.degraded[hidden].mean()) - 242) < 8


def test_its_flakes_depend_on_the_name_alone():
    a, b = (demo_snow.flakes((64, 80), name) for name in ("a", "b"))
    np.testing.assert_array_equal(a, demo_snow.flakes((64, 80), "a"))
    assert not np.array_equal(a, b) and a.shape == (64, 80)


def test_the_grid_gives_it_two_reference_rows(prepared, tmp_path):
    from benchmark.inference.baselines import baselines_for

    assert baselines_for(prepared["test"].facts) == ["input", "blur"]
