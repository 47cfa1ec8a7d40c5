"""Twenty real pairs under 21 conventions, image by image; those without a name are made from fields."""

from __future__ import annotations

import csv
from dataclasses import replace

import pytest

from benchmark.leaderboard.convention_table import means
from benchmark.scoring.conventions import CONVENTIONS, Convention, score_many
from datasets.ops.images import read_image
from tests.helpers.material import material, needs_material

EIGHT = CONVENTIONS["uint8-gauss"]
BOX = CONVENTIONS["skimage7-uint8"]
COLUMNS = {
    "psnr_rgb": EIGHT,
    "psnr_per_channel": replace(EIGHT, psnr_over="channels"),
    "psnr_y_float": CONVENTIONS["y-float-wang"],
    "psnr_y_rounded": CONVENTIONS["y-rounded-wang"],
    "psnr_grey": replace(EIGHT, plane="grey-rounded"),
    "psnr_rgb_crop4": CONVENTIONS["rgb-border4-wang"],
    "psnr_rgb_blocks256": replace(EIGHT, tile=256, ssim_input=None),
    "ssim_matlab_volume": CONVENTIONS["matlab-volume-uint8"],
    "ssim_matlab_per_channel": replace(EIGHT, padding="replicate"),
    "ssim_wang_per_channel": EIGHT,
    "ssim_wang_downsample": replace(EIGHT, downsample=True),
    "ssim_skimage_default": BOX,
    "ssim_skimage_gauss": EIGHT,
    "ssim_skimage_gauss_samplecov": replace(EIGHT, covariance="sample"),
    "ssim_skimage_range2": replace(CONVENTIONS["skimage7-float"], ssim_range=2.0),
    "ssim_wang_y_rounded": CONVENTIONS["y-rounded-wang"],
    "ssim_wang_y_float": CONVENTIONS["y-float-wang"],
    "ssim_matlab_y_float": replace(CONVENTIONS["y-float-wang"], padding="replicate"),
    "ssim_wang_grey": replace(EIGHT, plane="grey-rounded"),
    "ssim_skimage_grey": replace(BOX, plane="grey-rounded"),
    "ssim_wang_crop4": CONVENTIONS["rgb-border4-wang"],
}


def _rows() -> list[dict[str, str]]:
    with material("golden/metrics/polyu20_metrics.csv").open() as stream:
        return list(csv.DictReader(stream))


def _check(row: dict[str, str]) -> None:
    folder = material("data/polyu/CroppedImages")
    noisy, clean = read_image(folder / row["file"]), read_image(folder / row["file"].replace("_real", "_mean"))
    restored = noisy if row["image"] == "noisy" else means(noisy)
    columns: dict[str, Convention] = {key: replace(c, name=key) for key, c in COLUMNS.items()}
    found = score_many(restored, clean, columns.values())
    for key in columns:
        value = found[key].psnr if key.startswith("psnr") else found[key].ssim
        # The file keeps ten decimals.
        assert value == pytest.approx(float(row[key]), rel=1e-9, abs=6e-11), (row["file"], key)


@needs_material
def test_columns_are_the_files() -> None:
    assert set(COLUMNS) == set(_rows()[0]) - {"file", "image"}


@needs_material
@pytest.mark.parametrize("number", [0, 1, 16, 39])
def test_pairs(number: int) -> None:
    _check(_rows()[number])


@needs_material
@pytest.mark.golden_slow
def test_all_pairs() -> None:
    rows = _rows()
    assert len(rows) == 40
    for row in rows:
        _check(row)
