"""Sets for super-resolution: Set5 against its published files, challenge pools, pairs of real lenses."""

import numpy as np
import pytest

import datasets
from datasets.core.errors import UserError
from datasets.ops.images import read_image, write_png
from datasets.ops.resize import imresize
from datasets.sr import AIM2019, NTIRE2020, Set5
from tests.helpers.material import material, needs_material

HIGH = (32, 40, 3)
LOW = (8, 10, 3)


def picture(seed, shape):
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def write(folder, names, shape):
    for seed, name in enumerate(names):
        write_png(folder / f"{name}.png", picture(seed, shape))


@pytest.mark.parametrize("name", ["set5", "aim2019", "ntire2020", "realsr", "demo-sr"])
def test_facts(name):
    from benchmark.scoring.conventions import applicable

    facts = datasets.facts(name)
    assert (facts.name, facts.task, facts.scale) == (name, "super-resolve", 4) and name in datasets.names()
    assert facts.default_split in facts.splits and facts.licence and facts.citation and facts.source
    assert facts.convention == "rgb-border4-wang" and applicable(facts.convention, facts.channels) is None


@pytest.fixture
def set5(tmp_path):
    for seed, (stem, size) in enumerate(zip(Set5.layout.stems[0], [512, 288, 256, 280, 0], strict=True)):
        write_png(tmp_path / "s" / f"{stem}.png", picture(seed, (size or 344, size or 228, 3)))
    datasets.prepare("set5", tmp_path / "s", tmp_path / "data")
    return tmp_path / "data"


def test_set5_is_reduced_on_reading_to_bytes(set5):
    opened = datasets.open_dataset("set5", set5)
    assert (len(opened), opened.partial, opened.degradation) == (5, "partial: not the original files by hash", "x4")
    for sample in opened:
        assert sample.degraded.dtype == np.uint8
        assert sample.clean.shape[:2] == tuple(4 * side for side in sample.degraded.shape[:2])
        once = imresize(sample.clean, 0.25) * 255
        assert np.abs(sample.degraded - once).max() < 2  # rounded twice


def test_set5_at_another_scale_is_cut_to_a_multiple_of_it(set5):
    opened = datasets.open_dataset("set5[scale=3]", set5)
    assert opened.facts.scale == 3 and opened.degradation == "x3"
    assert opened[0].clean.shape == (510, 510, 3) and opened[0].degraded.shape == (170, 170, 3)
    with pytest.raises(UserError, match="scale of 2 to 8 for set5, but got 1"):
        datasets.open_dataset("set5[scale=1]", set5)


@needs_material
def test_set5_is_the_published_one_to_a_level():
    for item in Set5.items(material("data/set5/hr")):
        published = read_image(material(f"data/set5/lr_x4/{item.name}x4.bmp"))
        ours = Set5.degrade(None, item.load["clean"](), None, {"scale": 4}, 0)
        differences = np.abs(ours.astype(int) - published)
        assert differences.max() <= 1 and (differences > 0).mean() < 0.001


@pytest.mark.parametrize("cls", [AIM2019, NTIRE2020])
@pytest.mark.parametrize("own", [True, False])
def test_challenges_have_two_pools_and_pairs(tmp_path, cls, own):
    index = 0 if own else -1
    source, name = tmp_path / "s", cls.facts.name
    write(source / cls.pools["degraded"][index], ["a", "b"], (20, 24, 3))
    write(source / cls.pools["clean"][index], ["a", "c", "d"], HIGH)
    write(source / cls.pairs["degraded"][index], ["0801x4", "0802x4"], LOW)
    write(source / cls.pairs["clean"][index], ["0801", "0802"], HIGH)
    datasets.prepare(name, source, tmp_path / "data")
    train = datasets.open_dataset(name, tmp_path / "data", split="train")
    assert [row.name for row in train.rows] == ["degraded-a", "degraded-b", "clean-a", "clean-c", "clean-d"]
    assert [tuple(row.files) for row in train.rows] == [("degraded",)] * 2 + [("clean",)] * 3
    valid = datasets.open_dataset(name, tmp_path / "data")
    assert (valid.split, valid.partial, valid.degradation) == ("validation", "partial: 2 of 100", "x4")
    assert [row.name for row in valid.rows] == ["0801", "0802"]
    assert valid[0].degraded.shape == LOW and valid[0].clean.shape == HIGH


def test_an_unpaired_training_reads_the_pools_and_a_stage_of_one_alone_does_too(tmp_path):
    import torch

    from benchmark.training.data import TrainingData, pools
    from methods.base import Stage, Stream

    write(tmp_path / "s" / "source", ["a", "b"], (20, 24, 3))
    write(tmp_path / "s" / "target", ["a", "c", "d"], (72, 80, 3))
    datasets.prepare("aim2019", tmp_path / "s", tmp_path / "data")
    data = TrainingData(datasets.open_dataset("aim2019", tmp_path / "data", split="train"))
    stage, cpu = Stage(), torch.device("cpu")
    stage.streams = {"real": Stream("degraded", 16, 2), "clear": Stream("clean", 64, 3)}
    found = pools(stage, data, tmp_path / "pools", 0, cpu, unpaired=True)
    assert found["real"].batch(0)["degraded"].shape == (2, 3, 16, 16)
    assert found["clear"].batch(0)["clean"].shape == (3, 3, 64, 64)
    del stage.streams["real"]
    assert pools(stage, data, tmp_path / "pools", 0, cpu, unpaired=True)["clear"].order.count == 3


def test_a_challenge_without_one_pool_or_without_anything_is_refused(tmp_path):
    write(tmp_path / "source", ["a"], LOW)
    with pytest.raises(UserError, match="of the clean pictures there is no folder; it may be called train-clean"):
        list(AIM2019.items(tmp_path))
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="aim2019"):
        list(AIM2019.items(tmp_path / "empty"))


def test_a_pair_that_is_not_of_the_scale_is_refused(tmp_path):
    write(tmp_path / "valid_lr", ["a"], (8, 11, 3))
    write(tmp_path / "valid_hr", ["a"], HIGH)
    with pytest.raises(UserError, match="4 times as wide and as high, but .*11x8 and .*40x32"):
        list(AIM2019.items(tmp_path))


@pytest.fixture
def realsr(tmp_path):
    for camera in ("Canon", "Nikon"):
        for split, numbers in (("Train", (1, 2)), ("Test", (1,))):
            for number in numbers:
                folder = tmp_path / "s" / camera / split / "4"
                write(folder, [f"{camera}_{number:03d}_HR"], HIGH)
                write(folder, [f"{camera}_{number:03d}_LR4"], LOW)
    write(tmp_path / "s" / "test" / "x2" / "lr", ["p"], (8, 8, 3))
    write(tmp_path / "s" / "test" / "x2" / "hr", ["p"], (16, 16, 3))
    datasets.prepare("realsr", tmp_path / "s", tmp_path / "data")
    return tmp_path / "data"


def test_realsr_in_both_layouts_and_at_the_scale_asked_for(realsr):
    test = datasets.open_dataset("realsr", realsr)
    assert [row.name for row in test.rows] == ["Canon_001_x4", "Nikon_001_x4"]
    assert (test[0].degraded.shape, test[0].clean.shape, test.degradation) == (LOW, HIGH, "x4")
    train = datasets.open_dataset("realsr", realsr, split="train")
    assert len(train) == 4 and train.rows[0].camera == "Canon"
    assert not {row.scene for row in train.rows} & {row.scene for row in test.rows}
    half = datasets.open_dataset("realsr[scale=2]", realsr)
    assert half.facts.scale == 2 and [row.name for row in half.rows] == ["p_x2"]


def test_realsr_says_which_scales_it_has(realsr, tmp_path):
    with pytest.raises(UserError, match="has scales 2, 4 in split 'test', not 3"):
        datasets.open_dataset("realsr[scale=3]", realsr)
    (tmp_path / "other").mkdir()
    with pytest.raises(UserError, match="Canon/Test/4"):
        datasets.prepare("realsr", tmp_path / "other" / "..", tmp_path / "d2")
