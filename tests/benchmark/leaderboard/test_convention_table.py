"""docs/conventions.md says what the code does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmark.cli.pages import main
from benchmark.leaderboard import convention_table as comparison
from benchmark.leaderboard.markdown_blocks import with_block
from benchmark.scoring.conventions import CONVENTIONS, score
from datasets.core.errors import UserError
from tests.helpers.material import material, needs_material
from tests.helpers.photographs import clean_image

PAGE = Path(__file__).parents[3] / "docs" / "conventions.md"


def test_page_describes_the_named_conventions() -> None:
    assert comparison.uses() in PAGE.read_text(encoding="utf-8")


def _pair() -> tuple[np.ndarray, np.ndarray]:
    clean = clean_image()
    return np.clip(clean + np.random.default_rng(0).normal(0, 9, clean.shape), 0, 255).astype(np.uint8), clean


def test_table_holds_the_scores() -> None:
    noisy, clean = _pair()
    text = comparison.measured_table(comparison.measure([(noisy, clean)]), 1)
    found = score(comparison.blur(noisy), clean, "float-gauss")
    line = next(row for row in text.splitlines() if row.startswith("| `float-gauss`"))
    assert f"{found.psnr:.3f} / {found.ssim:.4f}" in line
    assert text.count("\n| `") == len(CONVENTIONS)


def test_command_fills_the_page_and_checks_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import cv2

    for name, image in zip(("a_real.png", "a_mean.png"), _pair(), strict=True):
        cv2.imwrite(str(tmp_path / name), image[..., ::-1])
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- measured: begin -->\nold\n<!-- measured: end -->\nafter\n")
    arguments = ["measured", "--source", str(tmp_path), "--page", str(page)]
    assert main([*arguments, "--check"]) == 1
    assert "old" in page.read_text()
    assert main(arguments) == 0
    assert main([*arguments, "--check"]) == 0
    text = page.read_text()
    assert text.startswith("before\n") and text.endswith("after\n") and "old" not in text
    assert main(["measured", "--source", str(tmp_path / "nowhere"), "--page", str(page)]) == 2
    assert "found none" in capsys.readouterr().err


def test_page_without_marks_is_refused() -> None:
    with pytest.raises(UserError, match="marks"):
        with_block("nothing here", "measured", "x")


@needs_material
@pytest.mark.golden_slow
def test_page_is_up_to_date() -> None:
    assert main(["measured", "--source", str(material("data/polyu")), "--page", str(PAGE), "--check"]) == 0
