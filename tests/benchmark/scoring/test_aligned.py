"""RealBlur's score: after alignment, and only where it is asked for."""

from __future__ import annotations

import numpy as np
import pytest

from benchmark.runs.asked import chosen
from benchmark.scoring.conventions import CONVENTIONS, ON_REQUEST, applicable, score
from datasets.core.errors import UserError
from datasets.ops.alignment import aligned_scores
from tests.helpers.photographs import clean_image


def test_a_moved_and_darker_image_is_scored_where_it_belongs() -> None:
    clean = clean_image()[:128, :128]
    moved = np.rint(np.roll(clean, 1, axis=1) * 0.9).astype(np.uint8)
    plain, aligned = score(moved, clean, "uint8-gauss"), score(moved, clean, "realblur-aligned")
    assert aligned.psnr > plain.psnr + 5 and aligned.ssim > plain.ssim
    expected = aligned_scores(moved / 255, clean / 255)
    assert (aligned.psnr, aligned.ssim) == pytest.approx(expected, rel=1e-12)


def test_it_is_on_request_or_the_datasets_own() -> None:
    assert "realblur-aligned" in ON_REQUEST and "realblur-aligned" not in CONVENTIONS
    assert "realblur-aligned" not in chosen((), 3).conventions
    assert "realblur-aligned" not in chosen((), 3, "float-gauss").conventions
    assert chosen((), 3, "realblur-aligned").conventions[-1] == "realblur-aligned"
    assert chosen(("realblur-aligned",), 3).conventions == ("realblur-aligned",)
    assert "RGB" in str(applicable("realblur-aligned", 1))
    with pytest.raises(UserError, match="realblur-aligned"):
        score(np.zeros((32, 32), np.uint8), np.zeros((32, 32), np.uint8), "realblur-aligned")
