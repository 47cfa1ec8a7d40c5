"""The figures that the papers' own metric codes gave, on stored images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmark.scoring.conventions import Convention, Score, score, score_many
from tests.helpers.material import material, needs_material

GOLDEN = Path(__file__).parents[2] / "golden" / "scoring"


def _same(found: Score, psnr: float, ssim: float | None, rel: float = 1e-9) -> None:
    assert found.psnr == pytest.approx(float(psnr), rel=rel)
    if ssim is not None:
        assert found.ssim == pytest.approx(float(ssim), rel=rel)


def test_dgunet_denoising_deblurring_deraining_and_sensing() -> None:
    g = np.load(GOLDEN / "dgunet.npz")
    sidd = score(g["denoised_f32"], g["gt_u8"], "matlab-volume-float")
    _same(sidd, g["sidd_psnr"], g["sidd_ssim_3d"])
    _same(score(g["restored_u8"], g["gt_u8"], "matlab-volume-uint8"), g["deblur_psnr_u8"], g["deblur_ssim_3d_u8"])
    _same(score(g["restored_u8"], g["gt_u8"], "y-rounded-wang"), g["derain_psnr_y"], g["derain_ssim_y"])
    sensed = score(g["cs_reconstruction_f64"], g["y_gt_u8"], "cs-luma-skimage7")
    _same(sensed, g["cs_psnr"], g["cs_ssim_skimage_win7"])


def test_dgunet_contrasts_on_eight_bits() -> None:
    g = np.load(GOLDEN / "dgunet.npz")
    found = score_many(g["restored_u8"], g["gt_u8"], ["uint8-gauss", "skimage7-uint8"])
    assert found["uint8-gauss"].ssim == pytest.approx(float(g["for_contrast_ssim_per_channel_gaussian"]), rel=1e-9)
    assert found["skimage7-uint8"].ssim == pytest.approx(
        float(g["for_contrast_ssim_skimage_default_win7_rgb"]), rel=1e-9
    )


def test_rounded_luma_is_octaves() -> None:
    from benchmark.scoring.metrics import luma

    g = np.load(GOLDEN / "dgunet.npz")
    for picture, plane in (("gt_u8", "y_gt_u8"), ("restored_u8", "y_restored_u8")):
        np.testing.assert_array_equal(np.rint(luma(g[picture].astype(np.float64)))[..., 0], g[plane])


def test_lir_eight_bit_and_float() -> None:
    g = np.load(GOLDEN / "lir.npz")
    height, width = g["test"].shape[:2]
    _same(score(g["test"], g["gt"][:height, :width].copy(), "skimage7-uint8"), g["psnr"], g["ssim"])
    for name, column in (("skimage7-float", "ssim_float_range1"), ("skimage7-float-range2", "ssim_float_range2")):
        _same(score(g["test_float"], g["gt_float"], name), g["psnr_float"], g[column])


def test_lir_png_rounding() -> None:
    from benchmark.scoring.quantise import Image

    g = np.load(GOLDEN / "lir.npz")
    output = g["net_output"].transpose(1, 2, 0)
    levels = Image(output, "restored").make("rounded", (slice(None), slice(None)), output.dtype, np.empty)
    np.testing.assert_array_equal(levels, g["png_plain"].transpose(1, 2, 0))


def test_mssr_border_and_swapped_luma() -> None:
    g = np.load(GOLDEN / "mssr.npz")
    _same(score(g["sr"], g["gt"], "rgb-border4-wang"), g["psnr_rgb"], g["ssim_rgb"])
    found = score(g["sr"], g["gt"], "y-border4-swapped")
    _same(found, found.psnr, g["ssim_y"])
    # The stored PSNR is a float32 number: its script sums the squares in single precision.
    assert g["psnr_y"].dtype == np.float32
    assert found.psnr == pytest.approx(float(g["psnr_y"]), rel=3e-7)


@needs_material
def test_mssr_training_log() -> None:
    g = np.load(material("golden/mssr/eval_metrics.npz"))
    x, y = (np.ascontiguousarray(g[k][0].transpose(1, 2, 0)) for k in ("val_x", "val_y"))
    # Both stored values are single precision sums.
    _same(score(x, y, "trunc-uint8"), g["val_psnr"], None, rel=3e-7)
    too_high = Convention("batch-of-two", "", clamp=False, data_range=255.0, ssim_input=None)
    _same(score(x, y, too_high), g["val_psnr_batch2"], None, rel=3e-7)


@needs_material
def test_scpgabnet_and_rscp2gan() -> None:
    g = np.load(material("golden/scpgan/losses.npz"))
    names = ["uint8-gauss", "mixed-gauss"]
    pairs = [(a.transpose(1, 2, 0), b.transpose(1, 2, 0)) for a, b in zip(g["a"], g["b"], strict=True)]
    found = [score_many(a, b, names) for a, b in pairs]
    eight = Score(*(np.mean([getattr(s["uint8-gauss"], key) for s in found]) for key in ("psnr", "ssim")))
    _same(eight, g["batch_PSNR_uint8"], g["batch_SSIM_uint8"])
    mixed = Score(*(np.mean([getattr(s["mixed-gauss"], key) for s in found]) for key in ("psnr", "ssim")))
    _same(mixed, g["psnr_float"], g["batch_SSIM_uint8"])
