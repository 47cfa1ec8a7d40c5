"""Scoring in pieces gives what the plain functions give, in a memory that does not grow with the image."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.scoring import metrics, pieces
from benchmark.scoring.conventions import CONVENTIONS, ON_REQUEST, Convention, Window, applicable, score, score_many
from benchmark.scoring.filters import decimate
from tests.helpers.photographs import clean_image, restored_image

CLEAN = clean_image(height=120, width=100)
RESTORED = restored_image(CLEAN)
COLOUR = [name for name in CONVENTIONS if applicable(name, 3) is None]
QUANTISE = {"rounded": np.rint, "truncated": np.floor}


def form(image: np.ndarray, kind: str, clamp: bool) -> np.ndarray:
    """One input of a convention, float64 with white at 255, quantised in single precision."""
    single = image / np.float32(255) if image.dtype == np.uint8 else image
    single = np.clip(single, 0, 1) if clamp or kind != "float" else single
    levels = single.astype(np.float64) * 255 if kind == "float" else QUANTISE[kind](single * np.float32(255))
    return levels.astype(np.float64)


def plane(image: np.ndarray, name: str) -> np.ndarray:
    made = {"y-float": metrics.luma, "y-rounded": lambda a: np.rint(metrics.luma(a)), "y-swapped": metrics.luma_swapped}
    return made[name](image) if name in made else image


def plainly(restored: np.ndarray, clean: np.ndarray, c: Convention) -> tuple[float, float | None]:
    """A convention by the plain functions, on whole images."""

    def pair(kind: str) -> tuple[np.ndarray, np.ndarray]:
        both = form(restored, kind, c.clamp), form(clean, "float" if kind == "float" else "rounded", True)
        inside = slice(c.border, -c.border or None)
        x, y = (plane(image, c.plane)[inside, inside] for image in both)
        return np.ascontiguousarray(x), np.ascontiguousarray(y)

    x, y = pair(c.psnr_input)
    peak = 255 * c.data_range
    channels = [metrics.psnr(x[..., k], y[..., k], peak) for k in range(x.shape[2])]
    psnr = metrics.psnr(x, y, peak) if c.psnr_over == "joint" else float(np.mean(channels))
    if c.ssim_input is None:
        return psnr, None
    x, y = pair(c.ssim_input)
    x, y = (decimate(x), decimate(y)) if c.downsample else (x, y)
    return psnr, metrics.ssim(x, y, 255 * c.ssim_range, c.window, c.padding, c.covariance, c.ssim_over)


def same(found, expected: tuple[float, float | None], rel: float = 1e-11) -> None:
    assert found.psnr == pytest.approx(expected[0], rel=rel)
    assert (found.ssim is None) == (expected[1] is None)
    assert found.ssim is None or found.ssim == pytest.approx(expected[1], rel=rel)


OWN = [
    replace(CONVENTIONS["float-gauss"], name="zero", padding="zero", border=3),
    replace(CONVENTIONS["uint8-gauss"], name="replicate", padding="replicate", border=7, psnr_over="channels"),
    replace(CONVENTIONS["float-gauss"], name="downsample", downsample=True, border=2),
    replace(CONVENTIONS["float-gauss"], name="wide", window=Window("gaussian", 21, 3.0), border=30),
]
ALL = [CONVENTIONS[name] for name in COLOUR] + [c for c in ON_REQUEST.values() if c.align == "none"] + OWN


@pytest.mark.parametrize("most", [(256, 512), (40, 50), (17, 100), (120, 9)])
@pytest.mark.parametrize("dtype", [np.float32, np.uint8])
def test_any_pieces_equal_the_plain_functions(monkeypatch, most, dtype) -> None:
    monkeypatch.setattr(pieces, "_MOST", most)
    restored = RESTORED if dtype == np.float32 else np.clip(np.rint(RESTORED * 255), 0, 255).astype(np.uint8)
    found = score_many(restored, CLEAN, ALL)
    for c in ALL:
        eight = dtype == np.uint8  # then float, rounded and truncated are one
        inputs = {"psnr_input": "rounded", "ssim_input": c.ssim_input and "rounded"} if eight else {}
        # MSSR's luma is in single precision, where a product of matrices may round otherwise on fewer rows.
        same(found[c.name], plainly(restored, CLEAN, replace(c, **inputs)), 1e-6 if c.plane == "y-swapped" else 1e-11)


def test_pieces_agree_to_the_last_digits(monkeypatch) -> None:
    whole = score_many(RESTORED, CLEAN, COLOUR)
    monkeypatch.setattr(pieces, "_MOST", (31, 47))
    for name, found in score_many(RESTORED, CLEAN, COLOUR).items():
        same(found, (whole[name].psnr, whole[name].ssim), 1e-12)


def test_a_halo_that_is_too_small_is_seen(monkeypatch) -> None:
    """The tests above can fail: pieces that are given nothing around them show their edges."""
    whole = score(RESTORED, CLEAN, "float-gauss")
    monkeypatch.setattr(pieces, "_MOST", (40, 50))
    monkeypatch.setattr(pieces.Box, "grown", lambda box, by: box)
    assert abs(score(RESTORED, CLEAN, "float-gauss").ssim - whole.ssim) > 1e-4


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 2000), st.integers(1, 2000))
def test_boxes_cover_the_image_once(height: int, width: int) -> None:
    counted = np.zeros((height, width), np.int8)
    for box in pieces.boxes(height, width):
        assert not box.empty and box.bottom - box.top <= 256 and box.right - box.left <= 512
        counted[box.top : box.bottom, box.left : box.right] += 1
    assert (counted == 1).all()


def test_memory_does_not_grow_with_the_image() -> None:
    def peak(height: int) -> int:
        clean = np.random.default_rng(0).random((height, 512, 3), np.float32)
        restored = clean + np.float32(0.01)
        tracemalloc.start()
        try:
            score_many(restored, clean, COLOUR)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(1024)  # the scratch memory is there from now on
    low, high = peak(512), peak(4096)
    assert high < 1.1 * low + 2**20
