"""The user's own pictures."""

import numpy as np
import pytest

import datasets
from datasets.core.errors import UserError
from datasets.ops.images import write_png


def picture(seed, channels=3, size=(6, 7)):
    return np.random.default_rng(seed).integers(0, 256, (*size, channels), np.uint8)


def write(folder, names, channels=3, start=0, suffix=".png"):
    for k, name in enumerate(names, start):
        write_png(folder / f"{name}{suffix}", picture(k, channels))


def open_folder(tmp_path, spec="folder", split=None):
    datasets.prepare(spec, tmp_path / "s", tmp_path / "data")
    return datasets.open_dataset("folder", tmp_path / "data", split=split)


@pytest.mark.parametrize("channels", [1, 3])
def test_pairs_by_name(tmp_path, channels):
    write(tmp_path / "s" / "degraded", ["b", "a"], channels)
    write(tmp_path / "s" / "clean", ["b", "A"], channels, 10)
    opened = open_folder(tmp_path)
    assert [s.name for s in opened] == ["a", "b"]
    assert opened.facts.channels == channels
    np.testing.assert_array_equal(opened[0].degraded, picture(1, channels))
    np.testing.assert_array_equal(opened[0].clean, picture(11, channels))
    assert [s.scene for s in opened] == ["a", "b"]
    assert opened.partial == ""
    assert datasets.facts("folder").channels == 3  # one opened folder does not change the next


def test_one_colour_picture_makes_the_set_rgb(tmp_path):
    write(tmp_path / "s", ["grey"], 1)
    write(tmp_path / "s", ["rgb"], 3, 5)
    opened = open_folder(tmp_path)
    assert opened.facts.channels == 3
    np.testing.assert_array_equal(opened[0].degraded, np.repeat(picture(0, 1), 3, 2))


@pytest.mark.parametrize("below", ["", "degraded"])
def test_without_clean_pictures(tmp_path, below):
    write(tmp_path / "s" / below, ["a", "b"])
    opened = open_folder(tmp_path)
    assert [s.clean for s in opened] == [None, None]
    np.testing.assert_array_equal(opened[1].degraded, picture(1))


def test_names_of_the_folders_and_scenes_are_options(tmp_path):
    write(tmp_path / "s" / "lq", ["park_1", "park_2", "zoo_1"])
    write(tmp_path / "s" / "hq", ["park_1", "park_2", "zoo_1"], start=5)
    opened = open_folder(tmp_path, "folder[degraded=lq,clean=hq,scene=_]")
    assert [s.scene for s in opened] == ["park", "park", "zoo"]
    assert opened[2].clean is not None


def test_unpaired_pools_for_training(tmp_path):
    write(tmp_path / "s" / "degraded", ["a", "b"])
    write(tmp_path / "s" / "clean", ["a", "x", "y"], start=5)
    opened = open_folder(tmp_path, "folder[unpaired=true,split=train]", "train")
    roles = {row.name: tuple(row.files) for row in opened.rows}
    assert roles == {
        "degraded-a": ("degraded",), "degraded-b": ("degraded",),
        "clean-a": ("clean",), "clean-x": ("clean",), "clean-y": ("clean",),
    }  # fmt: skip
    assert opened[0].clean is None
    assert opened[4].degraded is None


def test_training_and_test_folders_side_by_side(tmp_path):
    for split, names in (("train", ["a", "b", "c"]), ("test", ["d"])):
        write(tmp_path / split, names)
        datasets.prepare(f"folder[split={split}]", tmp_path / split, tmp_path / "data")
    for split, count in (("train", 3), ("test", 1)):
        assert len(datasets.open_dataset("folder", tmp_path / "data", split=split)) == count


def refused(tmp_path, spec="folder"):
    with pytest.raises(UserError) as caught:
        datasets.prepare(spec, tmp_path / "s", tmp_path / "data")
    assert not (tmp_path / "data" / "folder" / "manifest.csv").exists()
    return str(caught.value)


def test_missing_partner(tmp_path):
    write(tmp_path / "s" / "degraded", ["a", "b", "c"])
    write(tmp_path / "s" / "clean", ["a", "b"])
    message = refused(tmp_path)
    assert "clean partner" in message
    assert "c.png has none (3 degraded, 2 clean pictures" in message


def test_no_equal_names_at_all(tmp_path):
    write(tmp_path / "s" / "degraded", ["a"])
    write(tmp_path / "s" / "clean", ["b"])
    assert "folder[unpaired=true]" in refused(tmp_path)


def test_two_files_of_one_name(tmp_path):
    write(tmp_path / "s" / "degraded", ["a"])
    write(tmp_path / "s" / "clean", ["a"])
    write_png(tmp_path / "s" / "clean" / "A.png", picture(0))
    assert "one picture per name" in refused(tmp_path)


def test_other_sizes(tmp_path):
    write(tmp_path / "s" / "degraded", ["a"])
    write_png(tmp_path / "s" / "clean" / "a.png", picture(0, size=(9, 9)))
    assert "is 7x6 and" in refused(tmp_path)


@pytest.mark.parametrize("below", ["", "degraded", "clean"])
def test_empty_folders(tmp_path, below):
    (tmp_path / "s" / below).mkdir(parents=True)
    if below == "clean":
        write(tmp_path / "s" / "degraded", ["a"])
    message = refused(tmp_path)
    assert "empty" in message or "there are none" in message


def test_corrupt_picture(tmp_path):
    write(tmp_path / "s", ["a", "b"])
    whole = (tmp_path / "s" / "b.png").read_bytes()
    (tmp_path / "s" / "b.png").write_bytes(whole[:60])
    assert "b.png" in refused(tmp_path)
    (tmp_path / "s" / "b.png").write_bytes(b"")
    assert "b.png" in refused(tmp_path)


def test_unknown_split_and_option(tmp_path):
    write(tmp_path / "s", ["a"])
    assert "split=test or split=train" in refused(tmp_path, "folder[split=val]")
    assert "Did you mean 'degraded'" in refused(tmp_path, "folder[degradd=x]")
