"""What must hold for any image, whatever the convention."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.scoring.conventions import CONVENTIONS, Window, applicable, score, score_many
from tests.helpers.photographs import clean_image, restored_image

COLOUR = [name for name in CONVENTIONS if applicable(name, 3) is None]
SYMMETRIC = [n for n in COLOUR if CONVENTIONS[n].psnr_input != "truncated" and CONVENTIONS[n].clamp]
quick = settings(max_examples=25, deadline=None)
seeds = st.integers(0, 2**32 - 1)


def _float(seed: int, low: float = 0.0, high: float = 1.0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    size = generator.integers(20, 30, 2)
    return generator.uniform(low, high, (*size, 3)).astype(np.float32)


def _pair(seed: int) -> tuple[np.ndarray, np.ndarray]:
    clean = _float(seed)
    noise = np.random.default_rng(seed + 1).normal(0, 0.1, clean.shape)
    return np.clip(clean + noise, 0, 1).astype(np.float32), clean


def _equal(a: dict, b: dict, rel: float = 1e-11) -> None:
    for name in a:
        assert a[name].psnr == pytest.approx(b[name].psnr, rel=rel)
        assert (a[name].ssim is None) == (b[name].ssim is None)
        if a[name].ssim is not None:
            assert a[name].ssim == pytest.approx(b[name].ssim, rel=rel, abs=1e-12)


@quick
@given(seeds)
def test_symmetric(seed: int) -> None:
    x, y = _pair(seed)
    _equal(score_many(x, y, SYMMETRIC), score_many(y, x, SYMMETRIC))


@quick
@given(seeds)
def test_flips_and_turns_change_nothing(seed: int) -> None:
    x, y = _pair(seed)
    upright = score_many(x, y, COLOUR)
    for change in (np.flipud, np.fliplr, lambda a: a.transpose(1, 0, 2), np.rot90):
        _equal(upright, score_many(np.ascontiguousarray(change(x)), np.ascontiguousarray(change(y)), COLOUR))


@quick
@given(seeds, st.permutations([0, 1, 2]))
def test_channel_order_matters_only_to_luma_and_volume(seed: int, order: list[int]) -> None:
    x, y = _pair(seed)
    names = [n for n in COLOUR if CONVENTIONS[n].plane == "all" and CONVENTIONS[n].ssim_over == "channels"]
    _equal(score_many(x, y, names), score_many(x[..., order], y[..., order], names))


def test_luma_and_volume_see_the_channel_order() -> None:
    clean = clean_image()
    restored = restored_image(clean)
    restored[..., 0] += 0.1
    for name in ("y-rounded-wang", "y-float-wang", "matlab-volume-float"):
        straight = score(restored, clean, name)
        turned = score(restored[..., [1, 0, 2]], clean[..., [1, 0, 2]], name)
        assert abs(straight.ssim - turned.ssim) > 1e-5


@quick
@given(seeds)
def test_bounds(seed: int) -> None:
    x, y = _float(seed, -0.5, 1.5), _float(seed)
    for name, found in score_many(x, y, COLOUR).items():
        assert math.isfinite(found.psnr)
        assert found.psnr > 0 or not CONVENTIONS[name].clamp
        assert found.ssim is None or -1 <= found.ssim <= 1


@quick
@given(seeds)
def test_identical_images(seed: int) -> None:
    x = _float(seed)
    eight = np.rint(x * 255).astype(np.uint8)
    for restored, clean in ((x, x.copy()), (eight, eight.copy())):
        for name, found in score_many(restored, clean, COLOUR).items():
            exact = clean.dtype == np.uint8 or CONVENTIONS[name].psnr_input != "truncated"
            assert (found.psnr == math.inf) == exact
            assert found.ssim is None or found.ssim == pytest.approx(1, abs=1e-12)


@quick
@given(seeds)
def test_float_copy_of_an_eight_bit_image_is_that_image(seed: int) -> None:
    x, y = (np.rint(image * 255).astype(np.uint8) for image in _pair(seed))
    white = np.float32(255)
    assert score_many(x, y, COLOUR) == score_many(x / white, y / white, COLOUR) == score_many(x / white, y, COLOUR)


@quick
@given(seeds, st.sampled_from(COLOUR))
def test_more_error_is_less_psnr(seed: int, name: str) -> None:
    clean = _float(seed, 0.3, 0.7)
    error = np.random.default_rng(seed + 2).choice([-1.0, 1.0], clean.shape).astype(np.float32)
    psnrs = [score(clean + np.float32(size) * error, clean, name).psnr for size in (0.02, 0.05, 0.1, 0.2)]
    assert psnrs == sorted(psnrs, reverse=True)


@quick
@given(seeds)
def test_clamping_never_hurts(seed: int) -> None:
    x, y = _float(seed, -0.5, 1.5), _float(seed)
    found = score_many(x, y, ["float-gauss", "unclamped-float"])
    assert found["float-gauss"].psnr > found["unclamped-float"].psnr


@quick
@given(seeds)
def test_quantising_costs_what_theory_says(seed: int) -> None:
    """Rounding adds 1/12 of a squared level to the error, truncation 1/3."""
    generator = np.random.default_rng(seed)
    clean = generator.integers(40, 216, (64, 64, 3)).astype(np.uint8)
    x = (clean / 255 + generator.normal(0, 4 / 255, clean.shape)).astype(np.float32)
    found = score_many(x, clean, ["float-gauss", "uint8-gauss", "trunc-uint8"])
    mse = {name: 255**2 / 10 ** (s.psnr / 10) for name, s in found.items()}
    assert mse["uint8-gauss"] - mse["float-gauss"] == pytest.approx(1 / 12, abs=0.15)
    assert mse["trunc-uint8"] - mse["float-gauss"] == pytest.approx(1 / 3, abs=0.3)


@quick
@given(seeds, st.permutations(COLOUR))
def test_one_pass_is_the_same_as_many(seed: int, names: list[str]) -> None:
    x, y = _pair(seed)
    together = score_many(x, y, names)
    assert list(together) == names
    assert together == {name: score(x, y, name) for name in names}


def test_inputs_are_left_alone() -> None:
    clean = clean_image()
    restored = restored_image(clean)
    before = restored.copy(), clean.copy()
    restored.setflags(write=False)
    clean.setflags(write=False)
    score_many(restored, clean, COLOUR)
    np.testing.assert_array_equal(before[0], restored)
    np.testing.assert_array_equal(before[1], clean)


def test_threads_do_not_disturb_each_other() -> None:
    clean = clean_image(height=64, width=64)
    outputs = [restored_image(clean, seed=seed) for seed in range(24)]
    expected = [score_many(x, clean, COLOUR) for x in outputs]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda x: score_many(x, clean, COLOUR), outputs)) == expected


def test_sizes_may_change_between_images() -> None:
    """The scratch memory that one image leaves must not show in the next, larger or smaller one."""
    alone: dict[int, dict] = {}
    for height in (20, 80, 33, 80, 20):
        clean = clean_image(height=height)
        found = score_many(restored_image(clean), clean, COLOUR)
        assert alone.setdefault(height, found) == found


def test_views_score_like_copies() -> None:
    clean = clean_image(height=64, width=64)
    restored = restored_image(clean)
    a, b = restored[::-2, 3:50], clean[::-2, 3:50]
    assert score_many(a, b, COLOUR) == score_many(a.copy(), b.copy(), COLOUR)
    turned = np.asfortranarray(restored), np.asfortranarray(clean)
    _equal(score_many(*turned, COLOUR), score_many(restored, clean, COLOUR))


def test_grey_with_and_without_a_channel_axis() -> None:
    clean = clean_image(1)
    restored = restored_image(clean)
    assert score(restored[..., 0], clean[..., 0], "awgn-grey") == score(restored, clean, "awgn-grey")
    assert score(restored[..., 0], clean, "float-gauss") == score(restored, clean, "float-gauss")


def test_volume_of_one_channel_is_the_channel() -> None:
    clean = clean_image(1)
    restored = restored_image(clean)
    flat = replace(CONVENTIONS["matlab-volume-float"], name="flat", ssim_over="channels")
    assert score(restored, clean, flat).ssim == score(restored, clean, "matlab-volume-float").ssim


def test_border_is_a_crop_for_every_padding() -> None:
    clean = clean_image()
    restored = restored_image(clean)
    for padding in ("valid", "replicate", "zero"):
        plain = replace(CONVENTIONS["float-gauss"], name="p", padding=padding)
        cut = score(restored[6:-6, 6:-6].copy(), clean[6:-6, 6:-6].copy(), plain)
        bordered = score(restored, clean, replace(plain, border=6))
        assert (bordered.psnr, bordered.ssim) == (
            pytest.approx(cut.psnr, rel=1e-12),
            pytest.approx(cut.ssim, rel=1e-12),
        )


def test_zero_padding_is_a_zero_frame() -> None:
    clean, c = clean_image(), CONVENTIONS["float-gauss"]
    restored = np.clip(restored_image(clean), 0, 1)
    frame = ((5, 5), (5, 5), (0, 0))
    framed = score(np.pad(restored, frame), np.pad(clean, frame), c).ssim
    assert score(restored, clean, replace(c, name="z", padding="zero")).ssim == pytest.approx(framed, rel=1e-9)


def test_tiles_are_averaged() -> None:
    clean, c = clean_image(height=64, width=40), CONVENTIONS["uint8-gauss"]
    restored = restored_image(clean)
    parts = [score(restored[r : r + 32, :32].copy(), clean[r : r + 32, :32].copy(), c) for r in (0, 32)]
    found = score(restored, clean, replace(c, name="t", tile=32))
    assert found.psnr == pytest.approx((parts[0].psnr + parts[1].psnr) / 2, rel=1e-12)
    assert found.ssim == pytest.approx((parts[0].ssim + parts[1].ssim) / 2, rel=1e-12)


def test_windows_sum_to_one_and_change_the_figure() -> None:
    clean, c = clean_image(), CONVENTIONS["float-gauss"]
    windows = [Window(), Window(taps=13), Window(sigma=2.0), Window("uniform", 7), Window("uniform", 11)]
    assert all(sum(w.weights) == pytest.approx(1) and len(w.weights) == w.taps for w in windows)
    assert len({score(restored_image(clean), clean, replace(c, name="w", window=w)).ssim for w in windows}) == 5
