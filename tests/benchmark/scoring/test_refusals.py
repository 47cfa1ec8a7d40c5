"""What is refused, and the sentence that says so."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from typing import Any

import numpy as np
import pytest

import benchmark
from benchmark.scoring.conventions import CONVENTIONS, Convention, Window, applicable, convention, score, score_many
from datasets.core.errors import UserError
from tests.helpers.photographs import clean_image

CLEAN = clean_image()
FLOAT = (CLEAN / 255).astype(np.float32)


def _spoiled(value: float) -> np.ndarray:
    image = FLOAT.copy()
    image[3, 4, 1] = value
    return image


@pytest.mark.parametrize(
    ("restored", "clean", "says"),
    [
        (FLOAT[:-1], CLEAN, r"shape \(48, 40, 3\), got \(47, 40, 3\)"),
        (FLOAT[..., 0], CLEAN, "shape"),
        (FLOAT.astype(np.float16), CLEAN, "got dtype float16"),
        (CLEAN.astype(np.int64), CLEAN, "got dtype int64"),
        (FLOAT, CLEAN.astype(bool), "clean image must be .* got dtype bool"),
        (FLOAT.tolist(), CLEAN, "got list"),
        (FLOAT[None], CLEAN[None], "got shape"),
        (FLOAT[..., :2], CLEAN[..., :2], "got shape"),
        (FLOAT[:0], CLEAN[:0], "got shape"),
        (_spoiled(np.nan), CLEAN, "restored image holds NaN or infinite values .1 of 5760"),
        (_spoiled(np.inf), CLEAN, "NaN or infinite values .1 of 5760"),
        (FLOAT, _spoiled(np.nan), "clean image cannot be used"),
        (FLOAT, CLEAN.astype(np.float32), r"within \[0, 1\], got values from 0 to 255"),
        (FLOAT, _spoiled(-0.01), r"within \[0, 1\]"),
    ],
)
def test_bad_images(restored: Any, clean: Any, says: str) -> None:
    with pytest.raises(UserError, match=says):
        score(restored, clean, "float-gauss")
    with pytest.raises(UserError, match=says):
        score_many(restored, clean, ["float-gauss", "uint8-gauss"])


def test_a_clean_image_may_overshoot_by_rounding_only() -> None:
    darker = FLOAT * np.float32(0.9)
    assert score(darker, _spoiled(1 + 2e-7), "float-gauss") == score(darker, _spoiled(1.0), "float-gauss")
    with pytest.raises(UserError, match="within"):
        score(FLOAT, _spoiled(1.001), "float-gauss")


def test_unknown_convention_suggests_the_nearest() -> None:
    with pytest.raises(UserError, match="Did you mean 'uint8-gauss'"):
        score(FLOAT, CLEAN, "uint8-gaus")


def test_colour_conventions_need_colour() -> None:
    for name in ("y-rounded-wang", "y-float-wang"):
        assert "R, G and B" in str(applicable(name, 1))
        with pytest.raises(UserError, match="R, G and B"):
            score(FLOAT[..., :1], CLEAN[..., :1], name)


def test_one_channel_conventions_need_one() -> None:
    for name in ("awgn-grey", "cs-luma-skimage7"):
        assert "one channel" in str(applicable(name, 3))
        with pytest.raises(UserError, match="one channel, and these images have 3"):
            score(FLOAT, CLEAN, name)


def test_eight_bit_files_get_eight_bit_conventions_only() -> None:
    allowed = {name for name in CONVENTIONS if applicable(name, 3, is_float=False) is None}
    assert allowed == {
        "uint8-gauss",
        "trunc-uint8",
        "matlab-volume-uint8",
        "skimage7-uint8",
        "y-rounded-wang",
        "y-float-wang",
        "rgb-border4-wang",
    }
    assert "--save-outputs" in str(applicable("mixed-gauss", 3, is_float=False))
    assert "--save-outputs" in str(applicable("awgn-grey", 1, is_float=False))


def test_most_conventions_take_grey_images() -> None:
    allowed = [name for name in CONVENTIONS if applicable(name, 1) is None]
    assert set(CONVENTIONS) - set(allowed) == {"y-rounded-wang", "y-float-wang"}
    found = score_many(FLOAT[..., :1] * np.float32(0.9), CLEAN[..., :1], allowed)
    assert len(found) == len(allowed)


def test_images_smaller_than_the_window() -> None:
    with pytest.raises(UserError, match="leaves nothing"):
        score(FLOAT[:10], CLEAN[:10], "uint8-gauss")
    assert score(FLOAT[:11] * np.float32(0.9), CLEAN[:11], "uint8-gauss").ssim is not None
    assert score(FLOAT[:3], CLEAN[:3], "matlab-volume-float").ssim == pytest.approx(1)
    with pytest.raises(UserError, match="leaves nothing"):
        score(FLOAT[:8], CLEAN[:8], "rgb-border4-wang")
    with pytest.raises(UserError, match="tiles of 64"):
        score(FLOAT, CLEAN, replace(CONVENTIONS["uint8-gauss"], name="t", tile=64))


def test_an_error_leaves_the_next_score_right() -> None:
    before = score(_spoiled(0.5), CLEAN, "uint8-gauss")
    with pytest.raises(UserError):
        score_many(FLOAT[:10] * np.float32(0.9), CLEAN[:10], ["skimage7-uint8", "uint8-gauss"])
    assert score(_spoiled(0.5), CLEAN, "uint8-gauss") == before


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"psnr_input": "floored"}, "psnr_input must be one of"),
        ({"psnr_input": None}, "psnr_input must be one of"),
        ({"plane": "lab"}, "plane must be one of"),
        ({"ssim_over": "volume"}, "volume SSIM needs padding='replicate'"),
        ({"border": -1}, "at least 0"),
        ({"ssim_range": 0.0}, "above 0"),
    ],
)
def test_conventions_that_make_no_sense(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says):
        Convention("mine", "", **fields)


@pytest.mark.parametrize("fields", [{"kind": "box"}, {"taps": 4}, {"sigma": 0.0}])
def test_windows_that_make_no_sense(fields: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="odd number of taps"):
        Window(**fields)


def test_conventions_are_frozen_and_named_after_themselves() -> None:
    with pytest.raises(FrozenInstanceError):
        CONVENTIONS["float-gauss"].border = 3  # type: ignore[misc]
    assert all(name == c.name and c.used_by for name, c in CONVENTIONS.items())
    mine = replace(CONVENTIONS["float-gauss"], name="mine")
    assert convention(mine) is mine


def test_public_name() -> None:
    assert benchmark.score is score
