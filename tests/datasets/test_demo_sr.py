"""The demo for super-resolution: sizes, splits without a common photograph, and what the small camera does."""

import numpy as np
import pytest

import datasets
from datasets import demo, demo_sr
from datasets.ops.resize import imresize

SPLITS = {"test": 16, "validation": 8, "train": 7}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    root = tmp_path_factory.mktemp("demo-sr")
    datasets.prepare("demo-sr", None, root)
    return {split: datasets.open_dataset("demo-sr", root, split=split) for split in SPLITS}


def psnr(a, b):
    return -10 * np.log10(np.mean((a - b) ** 2))


def test_counts_sizes_and_facts(prepared):
    assert {split: len(data) for split, data in prepared.items()} == SPLITS
    for data in prepared.values():
        assert (data.partial, data.degradation, data.facts.scale) == ("", "raw-isp-x4", 4)
        for sample in data:
            assert sample.clean.shape[:2] == tuple(4 * side for side in sample.degraded.shape[:2])
            assert sample.degraded.dtype == sample.clean.dtype == np.uint8 and sample.noise_level is None
    assert prepared["test"][0].clean.shape == (192, 192, 3)
    assert len({row.scene for row in prepared["test"].rows}) == 5  # what an interval needs


def test_no_photograph_is_in_two_splits(prepared):
    scenes = [{row.scene for row in data.rows} for data in prepared.values()]
    assert sum(map(len, scenes)) == len(set.union(*scenes)) == 14


def test_crops_do_not_overlap():
    for crops in demo_sr.layout().values():
        seen = {}
        for crop in crops:
            whole = seen.setdefault(crop.photograph, np.zeros(demo.photograph(crop.photograph).shape[:2], int))
            part = whole[crop.top : crop.top + crop.side, crop.left : crop.left + (crop.width or crop.side)]
            assert part.shape == crop.pixels().shape[:2]
            part += 1
        assert all(whole.max() == 1 for whole in seen.values())


def test_degraded_pictures_are_noisy_and_aligned_with_the_clean_ones(prepared):
    data = prepared["test"]
    levels = [psnr(s.degraded / 255, imresize(s.clean, 0.25)) for s in data]
    assert 27 <= np.mean(levels) <= 30
    for sample in data:
        reduced, degraded = imresize(sample.clean, 0.25), sample.degraded / 255
        light = [demo.linear_light(picture).mean((0, 1)) for picture in (sample.degraded, sample.clean)]
        np.testing.assert_allclose(*light, rtol=0.06)  # what clipped noise adds in the dark
        places = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)]
        shifted = {(y, x): psnr(degraded[2:-2, 2:-2], reduced[2 + y : 46 + y, 2 + x : 46 + x]) for y, x in places}
        assert max(shifted, key=shifted.get) == (0, 0) or sample.scene == "moon"  # it is nearly flat


def test_without_noise_it_is_blur_and_reduction_in_linear_light(monkeypatch):
    crop = demo_sr.layout()["test"][8]
    noisy = demo_sr.degraded(crop)
    monkeypatch.setitem(demo_sr.CAMERA, "beta", [0.0] * 6)
    quiet = demo_sr.degraded(crop)
    assert psnr(quiet / 255, imresize(demo_sr.clean(crop), 0.25)) > psnr(noisy / 255, quiet / 255)
    noise = (noisy / 255 - quiet / 255)[..., 1]
    assert np.corrcoef(noise[:, 1:].ravel(), noise[:, :-1].ravel())[0, 1] > 0.2  # a demosaiced camera's


def test_an_unpaired_training_cuts_both_pools_from_scenes_of_their_own(prepared, tmp_path):
    import torch

    from benchmark.training.data import TrainingData, pools
    from methods.base import Stage, Stream

    stage = Stage()
    stage.streams = {
        "real": Stream("degraded", crop=16, batch=4, augment="flips8"),
        "clear": Stream("clean", crop=64, batch=4, augment="flips8"),
        "scaled": Stream("clean", crop=16, batch=4, scale=4),
    }
    found = pools(stage, TrainingData(prepared["train"]), tmp_path, 0, torch.device("cpu"))
    assert found["real"].batch(0)["degraded"].shape == (4, 3, 16, 16)
    assert found["clear"].batch(0)["clean"].shape == found["scaled"].batch(0)["clean"].shape == (4, 3, 64, 64)
    assert found["real"].order.count == 4 and found["clear"].order.count == found["scaled"].order.count == 3


def test_pairs_are_cut_alike(prepared, tmp_path):
    from datasets.pool import Pool, open_store
    from datasets.streams import Stream

    stream = Stream("paired", 24, 6, scale=4, augment="flips8")
    store = open_store(stream, prepared["train"], range(7), tmp_path, seed=0)
    batch = Pool(stream, store, (0, "s", "p")).batch(5)
    for degraded, clean in zip(batch["degraded"], batch["clean"], strict=True):
        small = imresize(clean.permute(1, 2, 0).numpy(), 0.25)
        assert psnr(small, degraded.permute(1, 2, 0).numpy()) > 15  # the wrong place gives about 10


def test_preparing_twice_gives_equal_bytes(prepared, tmp_path):
    demo.photograph.cache_clear()
    datasets.prepare("demo-sr", None, tmp_path, workers=1)
    for split, data in prepared.items():
        assert datasets.open_dataset("demo-sr", tmp_path, split=split).fingerprint == data.fingerprint


def test_the_grid_has_its_reference_rows_and_says_why_a_denoiser_is_skipped(prepared, tmp_path):
    from benchmark.planning.planner import plan
    from benchmark.planning.request import RunRequest
    from benchmark.runs.config import RunConfig
    from benchmark.runs.runner import run_cell

    data = prepared["test"].root.parent
    request = RunRequest(("r2r",), ("demo-sr",), limit=2, data=data, results=tmp_path)
    planned = [one.cell for one in plan(request)]
    assert [cell.method for cell in planned] == ["input", "blur", "nlm", "r2r"]
    assert "demo-sr is for super-resolve" in planned[-1].blocked.text
    records = [run_cell(cell, RunConfig(data=data, results=tmp_path, device="cpu")) for cell in planned[:3]]
    assert [r.status for r in records] == ["done"] * 3, [r.why for r in records]
    measured = {r.cell.method: r.figures["rgb-border4-wang"].psnr.mean for r in records}
    assert measured["blur"] > measured["input"] > 20 and measured["nlm"] > 20
