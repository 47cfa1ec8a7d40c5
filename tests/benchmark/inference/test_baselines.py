"""The rows input, blur and nlm."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from benchmark.inference.baselines import baseline, baselines_for
from benchmark.runs.runner import run_cell
from benchmark.scoring.conventions import score
from datasets.base import Sample
from datasets.core.errors import UserError
from datasets.ops.resize import imresize
from methods.base import SampleInfo
from tests.helpers.small_world import Squares, Unknown, cell, context, tensor


def test_input_is_the_degraded_image():
    x = tensor(2, 3, 9, 7)
    assert torch.equal(baseline("input").restore(x), x)


def test_input_at_scale_is_matlabs_bicubic():
    x = tensor(2, 3, 9, 7)
    y = baseline("input", 2).restore(x)
    expected = imresize(x[1].permute(1, 2, 0).numpy(), 2, clip=False)
    assert y.shape == (2, 3, 18, 14)
    np.testing.assert_allclose(y[1].permute(1, 2, 0).numpy(), expected, atol=1e-6)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", ["blur", "nlm"])
def test_shapes_and_input_kept(name, channels):
    x = 0.5 + 0.05 * tensor(2, channels, 30, 26)
    before = x.clone()
    y = baseline(name).restore(x, [SampleInfo("a"), SampleInfo("b", 0.1)])
    assert y.shape == x.shape and y.dtype == torch.float32 and torch.equal(x, before)
    assert y.std() < x.std()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", ["blur", "nlm"])
def test_at_scale_what_they_give_is_enlarged(name, channels):
    x = 0.5 + 0.05 * tensor(2, channels, 30, 26)
    small, large = baseline(name).restore(x), baseline(name, 4).restore(x)
    assert large.shape == (2, channels, 120, 104)
    expected = imresize(small[1].permute(1, 2, 0).numpy(), 4, clip=False)
    np.testing.assert_allclose(large[1].permute(1, 2, 0).numpy(), expected, atol=1e-6)


def test_blur_at_scale_finds_its_sigma_after_enlarging():
    fine = np.clip(0.5 + 0.3 * np.sin(np.arange(80) / 6)[:, None, None] * np.ones((80, 80, 3)), 0, 1)
    noisy = imresize(fine, 0.25) + 0.1 * np.random.default_rng(0).standard_normal((20, 20, 3))
    samples = [Sample("a", noisy.astype(np.float32), fine.astype(np.float32), "a")]
    blur = baseline("blur", 4)
    blur.fit(lambda: iter(samples))
    x = torch.from_numpy(samples[0].degraded).permute(2, 0, 1)[None]

    def psnr(y):
        return score(y[0].permute(1, 2, 0).numpy(), samples[0].clean, "float-gauss").psnr

    best = psnr(blur.restore(x))
    assert best > psnr(baseline("input", 4).restore(x)) + 3
    for sigma in (0.5 * blur.sigma, 2 * blur.sigma):
        blur.sigma, kept = sigma, blur.sigma
        assert psnr(blur.restore(x)) < best
        blur.sigma = kept


def test_blur_finds_the_best_sigma():
    samples = list(Squares(None))
    blur = baseline("blur")
    blur.fit(lambda: iter(samples))

    def mean(sigma):
        blurred = [np.clip(cv2.GaussianBlur(s.degraded, (0, 0), sigma), 0, 1) for s in samples]
        return np.mean([score(b, s.clean, "float-gauss").psnr for b, s in zip(blurred, samples)])

    best = max(mean(sigma) for sigma in np.linspace(0.3, 6, 60))
    assert mean(blur.sigma) > best - 0.01
    assert mean(blur.sigma) > max(mean(0.3), mean(6)) + 0.3


def test_nlm_takes_its_strength_from_the_noise_level():
    x = tensor(1, 3, 30, 26)
    eight = cv2.cvtColor(np.rint(x[0].permute(1, 2, 0).numpy() * 255).astype(np.uint8), cv2.COLOR_RGB2BGR)
    for level, h in ((None, 10.0), (25 / 255, 25.0)):
        expected = cv2.cvtColor(cv2.fastNlMeansDenoisingColored(eight, None, h, h), cv2.COLOR_BGR2RGB) / np.float32(255)
        y = baseline("nlm").restore(x, [SampleInfo("a", level)])
        np.testing.assert_allclose(y[0].permute(1, 2, 0).numpy(), expected, atol=1e-6)


def test_which_rows_a_dataset_gets():
    from dataclasses import replace

    assert baselines_for(Squares.facts) == ["input", "blur", "nlm"]
    assert baselines_for(replace(Squares.facts, task="super-resolve")) == ["input", "blur", "nlm"]
    assert baselines_for(replace(Squares.facts, task="derain")) == ["input"]
    with pytest.raises(UserError, match="Did you mean 'blur'"):
        baseline("blurr")


def test_the_record_notes_the_sigma(world, tmp_path):
    record = run_cell(cell("blur"), context(tmp_path))
    assert record.status == "done" and record.cell.is_baseline and record.costs.params == 0
    assert "sigma" in record.note and "chosen on the test images" in record.note
    plain = run_cell(cell("input"), context(tmp_path))
    assert record.figures["float-gauss"].psnr.mean > plain.figures["float-gauss"].psnr.mean


def test_blur_without_ground_truth_is_skipped_with_the_reason(world, tmp_path):
    record = run_cell(cell("blur", "unknown"), context(tmp_path))
    assert record.status == "skipped" and "clean" in record.why
    assert Unknown.truth is False
