"""CC15: pairs, scenes, other files left out."""

import numpy as np
import pytest

import datasets
from datasets.cc15 import CC15
from datasets.core.errors import UserError
from datasets.ops.images import write_png
from tests.helpers.material import material, needs_material

SETS = ("5dmark3_iso3200", "d600_iso3200", "d800_iso1600", "d800_iso3200", "d800_iso6400")


def write_all(folder):
    for s, kind in enumerate(SETS):
        for n in (1, 2, 3):
            for k, end in enumerate(("real", "mean", "ours")):
                write_png(folder / f"{kind}_{n}_{end}.png", np.full((4, 4, 3), 40 * s + 10 * n + k, np.uint8))
    write_png(folder / "montage.png", np.zeros((4, 4, 3), np.uint8))


@pytest.mark.parametrize("below", ["", "Real_ccnoise_denoised_part"])
def test_fifteen_pairs(tmp_path, below):
    write_all(tmp_path / "s" / below)
    assert datasets.prepare("cc15", tmp_path / "s", tmp_path / "data").splits == {"test": 15}
    opened = datasets.open_dataset("cc15", tmp_path / "data")
    assert opened.partial == "partial: not the original files by hash"
    assert {s.scene for s in opened} == set(SETS)
    sample = opened[[r.name for r in opened.rows].index("d600_iso3200_2")]
    assert (sample.degraded[0, 0, 0], sample.clean[0, 0, 0]) == (60, 61)
    assert {(r.camera, r.iso) for r in opened.rows} >= {("5dmark3", 3200), ("d800", 6400)}


def test_missing_partner_and_foreign_folder(tmp_path):
    write_all(tmp_path / "s")
    (tmp_path / "s" / "d600_iso3200_1_real.png").unlink()
    with pytest.raises(UserError, match="degraded partner .*d600_iso3200_1_mean"):
        list(CC15.items(tmp_path / "s"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="found none"):
        list(CC15.items(tmp_path / "empty"))
    with pytest.raises(UserError, match="not there"):
        list(CC15.items(tmp_path / "nowhere"))


@needs_material
def test_the_real_files_have_the_published_level():
    pairs = [(i.load["degraded"](), i.load["clean"]()) for i in CC15.items(material("data/cc15"))]
    assert len(pairs) == 15
    psnr = [-10 * np.log10(np.mean((a / 255 - b / 255) ** 2)) for a, b in pairs]
    assert np.mean(psnr) == pytest.approx(33.41, abs=0.006)
