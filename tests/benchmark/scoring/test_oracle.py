"""Every named convention against scikit-image and SciPy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import uniform_filter

from benchmark.scoring.conventions import CONVENTIONS, Score, applicable, score, score_many
from tests.helpers.photographs import clean_image, restored_image
from tests.helpers.scoring_oracle import ORACLES


def _close(name: str, restored: np.ndarray, clean: np.ndarray) -> None:
    _agree(score(restored, clean, name), *ORACLES[name](restored, clean))


def _agree(found: Score, psnr: float, ssim: float | None) -> None:
    assert found.psnr == pytest.approx(psnr, rel=1e-11)
    assert (found.ssim is None) == (ssim is None)
    if ssim is not None:
        assert found.ssim == pytest.approx(ssim, rel=1e-9)


def test_every_convention_has_an_oracle() -> None:
    assert set(ORACLES) == set(CONVENTIONS)


@pytest.mark.parametrize(("name", "channels"), [(n, c) for n in CONVENTIONS for c in (1, 3) if not applicable(n, c)])
def test_float_output(name: str, channels: int) -> None:
    clean = clean_image(channels)
    restored = restored_image(clean)
    assert restored.min() < 0 and restored.max() > 1
    _close(name, restored, clean)


@pytest.mark.parametrize("name", CONVENTIONS)
def test_eight_bit_output(name: str) -> None:
    clean = clean_image(3 if applicable(name, 3) is None else 1)
    restored = np.clip(np.rint(restored_image(clean) * 255), 0, 255).astype(np.uint8)
    # Between 8-bit images the float conventions see exact levels, not single precision quotients.
    pair = (restored / 255, clean / 255) if CONVENTIONS[name].needs_float else (restored, clean)
    _agree(score(restored, clean, name), *ORACLES[name](*pair))


@pytest.mark.parametrize("name", CONVENTIONS)
def test_float_clean_image(name: str) -> None:
    truth = clean_image(3 if applicable(name, 3) is None else 1)
    clean = np.clip(truth / 255 * 0.9 + 0.05, 0, 1).astype(np.float32)
    _close(name, restored_image(truth), clean)


def test_conventions_differ_where_they_should() -> None:
    """No two of the conventions of one image are one and the same by mistake."""
    clean = clean_image()
    names = [name for name in CONVENTIONS if applicable(name, 3) is None]
    found = score_many(restored_image(clean), clean, names)
    assert len({(s.psnr, s.ssim) for s in found.values()}) == len(names)


def test_wangs_later_script_scores_the_decimated_image() -> None:
    """Factor 2 from 384 pixels on: SciPy's box filter, every second pixel, then the plain SSIM."""
    clean = clean_image(height=400, width=390, at=20)
    restored = np.clip(restored_image(clean), 0, 1).astype(np.float64)
    small = [uniform_filter(a.astype(np.float64), (2, 2, 0), mode="reflect")[::2, ::2] for a in (restored, clean / 255)]
    plain = CONVENTIONS["float-gauss"]
    found = score(restored, clean, replace(plain, name="later", downsample=True))
    assert found.ssim == pytest.approx(score(*small, plain).ssim, rel=1e-10)
    assert found.psnr == pytest.approx(score(restored, clean, plain).psnr, rel=1e-12)
