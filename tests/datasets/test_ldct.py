"""CT slices: stored and read as floats, windows in the meta; the phantoms of the demo."""

import numpy as np
import pytest

import datasets
from datasets import ldct_demo
from datasets.core.errors import UserError
from datasets.ldct import LDCT, WINDOW


def write(folder, names, seed=0, shape=(20, 24), dtype=np.float64):
    folder.mkdir(parents=True)
    for k, name in enumerate(names):
        np.save(folder / f"{name}.npy", np.random.default_rng([seed, k]).random(shape).astype(dtype))


@pytest.fixture
def source(tmp_path):
    for split, names in (("train", ["L067_1", "L067_2", "L096_1"]), ("test", ["L506_1", "L506_2"])):
        for seed, dose in enumerate(("low", "full")):
            write(tmp_path / "s" / split / dose, names, seed)
    return tmp_path / "s"


def test_slices_stay_floats_and_patients_are_scenes(source, tmp_path):
    datasets.prepare("ldct", source, tmp_path / "data")
    data = datasets.open_dataset("ldct", tmp_path / "data")
    sample = data[1]
    for image, dose in ((sample.degraded, "low"), (sample.clean, "full")):
        assert image.dtype == np.float32 and image.shape == (20, 24, 1)
        np.testing.assert_array_equal(image[..., 0], np.load(source / "test" / dose / "L506_2.npy").astype(np.float32))
    assert sample.scene == "L506" and sample.meta["window"] == list(WINDOW) and data.degradation == "low-dose"
    train = datasets.open_dataset("ldct", tmp_path / "data", split="train")
    assert {row.scene for row in train.rows} == {"L067", "L096"}
    assert set(train.rows[0].files) == {"degraded", "clean"} and train.facts.channels == 1


def test_two_folders_become_the_split_asked_for_with_a_window_of_their_own(tmp_path):
    for dose in ("quarter", "clean"):
        write(tmp_path / "s" / dose, ["a", "b"])
    datasets.prepare("ldct[split=train,lower=0.2,upper=0.4]", tmp_path / "s", tmp_path / "data")
    data = datasets.open_dataset("ldct", tmp_path / "data", split="train")
    assert len(data) == 2 and data[0].meta["window"] == [0.2, 0.4]
    with pytest.raises(UserError, match=r"below the upper one, but got 'test', 0\.5 and 0\.4"):
        list(LDCT.items(tmp_path / "s", lower=0.5, upper=0.4))


def test_low_dose_alone_can_be_restored_and_not_scored(tmp_path):
    write(tmp_path / "s" / "low", ["a"])
    datasets.prepare("ldct", tmp_path / "s", tmp_path / "data")
    assert datasets.open_dataset("ldct", tmp_path / "data")[0].clean is None


@pytest.mark.parametrize(("array", "message"), [
    (np.full((9, 9), 1.5), r"\[0, 1\] in .*1\.5"), (np.full((9, 9), np.nan), "nan"),
    (np.zeros((9, 9, 3)), r"\(9, 9, 3\)"), (np.zeros((9, 9), np.int16), "int16"), (None, "cannot be read"),
])  # fmt: skip
def test_what_is_no_slice_is_refused(tmp_path, array, message):
    write(tmp_path / "s" / "low", ["a"])
    if array is None:
        (tmp_path / "s" / "low" / "a.npy").write_bytes(b"no array")
    else:
        np.save(tmp_path / "s" / "low" / "a.npy", array)
    with pytest.raises(UserError, match=message):
        datasets.prepare("ldct", tmp_path / "s", tmp_path / "data")


def test_missing_folders_and_partners_are_named(source, tmp_path):
    (source / "test" / "full" / "L506_2.npy").unlink()
    with pytest.raises(UserError, match="'L506_2' is in one only"):
        list(LDCT.items(source))
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no folder low or quarter or degraded"):
        list(LDCT.items(tmp_path / "empty"))


def test_patches_are_cut_from_slices(source, tmp_path):
    from datasets.pool import Pool, open_store
    from datasets.streams import Stream

    datasets.prepare("ldct", source, tmp_path / "data")
    data, stream = datasets.open_dataset("ldct", tmp_path / "data", split="train"), Stream("paired", 8, 4)
    batch = Pool(stream, open_store(stream, data, range(3), tmp_path / "pool", seed=0), (0, "s", "p")).batch(0)
    assert batch["degraded"].shape == batch["clean"].shape == (4, 1, 8, 8)
    low = np.stack([np.load(path) for path in sorted((source / "train" / "low").glob("*.npy"))])
    assert np.isin(batch["degraded"].numpy(), low.astype(np.float32)).all()


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    root = tmp_path_factory.mktemp("ldct-demo")
    datasets.prepare("ldct-demo", None, root)
    return {split: datasets.open_dataset("ldct-demo", root, split=split) for split in ldct_demo.COUNTS}


def psnr(a, b):
    return -10 * np.log10(np.mean((a - b) ** 2))


def test_the_demo_is_whole_and_its_doses_differ(demo):
    assert {split: len(data) for split, data in demo.items()} == ldct_demo.COUNTS
    levels = [psnr(s.degraded, s.clean) for data in demo.values() for s in data]
    assert min(levels) > 26 and max(levels) < 31
    for sample in demo["test"]:
        head = ldct_demo.phantom(sample.name)
        assert sample.clean.shape == (128, 128, 1) and sample.clean.dtype == np.float32
        assert sample.degraded.min() >= 0 and sample.degraded.max() <= 1
        # what is left of the difference is the edges' sharpness
        inside = np.abs(head - 0.2) < 0.02
        assert abs(float(sample.clean[inside].mean()) - float(head[inside].mean())) < 0.01
        low, full = (np.median(np.abs(x[inside] - np.median(x[inside]))) for x in (sample.degraded, sample.clean))
        assert low > 3 * full


def test_fewer_photons_give_more_noise_by_their_square_root():
    """Where none of them is missed altogether."""
    quiet = ldct_demo.scanned("x", 1e9)
    few, many = (ldct_demo.scanned("x", photons) - quiet for photons in (1e5, 1e6))
    assert few.std() / many.std() == pytest.approx(10**0.5, rel=0.05)


def test_heads_differ_and_are_the_same_each_time(demo, tmp_path):
    heads = [ldct_demo.phantom(row.name) for data in demo.values() for row in data.rows]
    assert min(np.abs(a - b).mean() for k, a in enumerate(heads) for b in heads[:k]) > 0.02
    ldct_demo.projections.cache_clear()
    name = demo["test"].rows[2].name
    np.testing.assert_array_equal(ldct_demo.scanned(name, ldct_demo.LOW), demo["test"][2].degraded[..., 0])
