"""The demo: its noise, the raw path that gives its pictures exactly, and no test photograph in the training."""

import time
from collections import Counter

import numpy as np
import pytest

import datasets
from datasets import demo
from datasets.core.errors import UserError
from datasets.manifest import read_manifest
from datasets.ops import isp


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    root = tmp_path_factory.mktemp("demo")
    begin = time.perf_counter()
    datasets.prepare("demo", None, root)
    assert time.perf_counter() - begin < 10
    return root


def opened(root, split="test"):
    return datasets.open_dataset("demo", root, split=split)


def psnr(a, b):
    return -10 * np.log10(np.mean((a / 255 - b / 255) ** 2))


def test_counts_and_shapes(prepared):
    assert {s: len(opened(prepared, s)) for s in demo.Demo.facts.splits} == {"test": 20, "validation": 12, "train": 30}
    assert opened(prepared)[0].degraded.shape == (128, 128, 3)
    assert opened(prepared, "train")[0].degraded.shape == (192, 192, 3)
    assert opened(prepared).partial == ""
    assert opened(prepared).degradation == "raw-isp"
    assert len({row.scene for row in opened(prepared).rows}) == 5  # what an interval needs


def test_no_test_photograph_is_in_the_training(prepared):
    scenes = {split: {row.scene for row in opened(prepared, split).rows} for split in demo.Demo.facts.splits}
    assert not scenes["test"] & (scenes["train"] | scenes["validation"])
    assert scenes["validation"] == scenes["train"]
    # the wheel has one photograph twice, as a stereo pair
    assert "motorcycle_right" not in scenes["test"]


def test_crops_do_not_overlap_and_lie_inside():
    layout = demo.layout()
    for group in (layout["test"], layout["train"] + layout["validation"]):
        seen = {}
        for crop in group:
            whole = seen.setdefault(crop.photograph, np.zeros(demo.photograph(crop.photograph).shape[:2], int))
            part = whole[crop.top : crop.top + crop.side, crop.left : crop.left + crop.side]
            assert part.shape == (crop.side, crop.side)
            assert crop.top % 2 == crop.left % 2 == 0
            part += 1
        assert all(whole.max() == 1 for whole in seen.values())
    assert Counter(c.photograph for c in layout["test"]) == dict.fromkeys(demo.TEST, 4)


def test_noise_level_and_correlation_of_a_phone(prepared):
    samples = list(opened(prepared))
    levels = [psnr(s.degraded, s.clean) for s in samples]
    assert 24 <= np.mean(levels) <= 28
    lag1 = []
    for sample in samples:
        noise = sample.degraded.astype(float) - sample.clean
        noise -= noise.mean((0, 1))
        across, down = (noise[:, 1:] * noise[:, :-1]).mean(), (noise[1:] * noise[:-1]).mean()
        lag1.append([across / (noise**2).mean(), down / (noise**2).mean()])
    assert (np.array(lag1) > 0.3).all()
    assert (np.array(lag1) < 0.5).all()


def test_noise_depends_on_the_signal(prepared):
    data = opened(prepared)
    clean, noisy = (np.concatenate([data.read(k, role).ravel() for k in range(20)]) for role in ("raw_clean", "raw"))
    b1, b2 = demo.CAMERA["beta"][:2]
    edges = np.quantile(clean, np.linspace(0, 1, 9))
    for low, high in zip(edges[:-1], edges[1:]):
        inside = (clean >= low) & (clean < high)
        expected = b1 * clean[inside].mean() + b2
        assert np.var(noisy[inside] - clean[inside]) == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("split", ["test", "validation", "train"])
def test_raw_path_gives_the_pictures_exactly(prepared, split):
    data = opened(prepared, split)
    for k in range(0, len(data), 3):
        meta = data[k].meta
        for raw, picture in (("raw", data[k].degraded), ("raw_clean", data[k].clean)):
            mosaic = data.read(k, raw)
            assert mosaic.dtype == np.float32
            camera = (meta["cfa"], meta["as_shot_neutral"], meta["color_matrix2"])
            np.testing.assert_array_equal(isp.to_uint8(isp.render(mosaic, *camera, **meta["isp"])), picture)


def test_clean_picture_is_the_photograph_less_bright():
    crop = demo.layout()["test"][0]
    photograph = demo.photograph(crop.photograph)[crop.top : crop.top + 128, crop.left : crop.left + 128]
    clean = demo.images(crop)["clean"]
    assert clean.mean() < photograph.mean()
    linear = [np.where(p <= 0.04045, p / 12.92, ((p + 0.055) / 1.055) ** 2.4) for p in (photograph / 255, clean / 255)]
    assert psnr(linear[0] * demo.EXPOSURE * 255, linear[1] * 255) > 33  # what interpolation costs
    np.testing.assert_allclose(linear[1].mean((0, 1)), linear[0].mean((0, 1)) * demo.EXPOSURE, rtol=0.01)


def test_preparing_twice_gives_equal_bytes(prepared, tmp_path):
    demo.photograph.cache_clear()
    datasets.prepare("demo", None, tmp_path, workers=3)
    assert opened(tmp_path).fingerprint == opened(prepared).fingerprint
    assert opened(tmp_path, "train").fingerprint == opened(prepared, "train").fingerprint


def test_a_photograph_that_is_not_shipped():
    with pytest.raises(UserError, match="pip install"):
        demo.photograph("lily.png")


def test_with_a_sigma_the_same_clean_pictures_get_white_noise(prepared):
    for split in demo.Demo.facts.splits:
        own, made = opened(prepared, split), datasets.open_dataset("demo[sigma=50]", prepared, split=split)
        assert [row.name for row in made.rows] == [row.name for row in own.rows]
        noise = np.concatenate([(s.degraded - s.clean / np.float32(255)).ravel() for s in made])
        assert float(noise.std()) == pytest.approx(50 / 255, rel=0.005) and abs(float(noise.mean())) < 1e-3
        np.testing.assert_array_equal(made[0].clean, own[0].clean)
    assert made.degradation == "sigma50" and made[0].noise_level == 50 / 255 and made.options == {"sigma": 50.0}
    assert made.facts.synthetic and not own.facts.synthetic and made.fingerprint != own.fingerprint
    assert made[0].meta == {} and set(made.rows[0].files) == {"clean"}  # no mosaic that has another noise
    other = datasets.open_dataset("demo[sigma=50]", prepared, split="train", noise_seed=1)
    assert not np.array_equal(made[0].degraded, other[0].degraded)


def test_without_the_option_nothing_of_it_shows(prepared):
    """What records, trainings and the shipped weights' cards know the demo by."""
    for spec in ("demo", "demo[sigma=0]"):
        own = datasets.open_dataset(spec, prepared, split="train")
        assert own.rows == [row for row in read_manifest(prepared / "demo", "demo") if row.split == "train"]
        assert own.options == {} and own[0].noise_level is None and "raw" in own.rows[0].files


def test_a_sigma_below_zero_is_refused(prepared):
    with pytest.raises(UserError, match="a number of 0 or more .* but got '-5'"):
        datasets.open_dataset("demo[sigma=-5]", prepared)


def test_a_training_on_added_noise_reads_the_made_pictures(prepared, tmp_path):
    from datasets.pool import Pool, open_store
    from datasets.streams import Stream

    made = datasets.open_dataset("demo[sigma=50]", prepared, split="train")
    stream = Stream("paired", 64, 8)
    batch = Pool(stream, open_store(stream, made, range(4), tmp_path, seed=0), (0, "s", "p")).batch(3)
    assert float((batch["degraded"] - batch["clean"]).std()) == pytest.approx(50 / 255, rel=0.02)
