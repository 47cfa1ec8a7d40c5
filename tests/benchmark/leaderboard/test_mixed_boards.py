"""What boards of published figures mix: the flags, and the page that is made from them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmark.cli.pages import main
from benchmark.leaderboard.mixed_boards import boards, flagged, mixture, reported_differently
from benchmark.leaderboard.published import read_published as read

PAGE = Path(__file__).parents[3] / "docs" / "boards.md"
ONE = next(row for row in read() if row.psnr_convention == "y-rounded-wang")


def rows(*conventions: str, **fields):
    return [replace(ONE, variant=f"m{n}", psnr_convention=name, **fields) for n, name in enumerate(conventions)]


def test_one_known_convention_is_no_mixture() -> None:
    assert not mixture(rows("float-gauss", "float-gauss", "float-gauss")).mixed
    assert flagged(rows("float-gauss", "float-gauss")) == {}


def test_two_rows_under_different_conventions_are_flagged() -> None:
    found = flagged(rows("float-gauss", "uint8-gauss", "float-gauss"))
    ((board, mixed),) = found.items()
    assert board == (ONE.dataset, ONE.split, ONE.degradation)
    assert (mixed.differing, mixed.doubtful) == (2, 0)  # the second row against each of the others


@pytest.mark.parametrize(("known", "unknown", "doubtful"), [(2, 1, 2), (1, 2, 3), (0, 2, 1)])
def test_unknown_is_comparable_with_nothing(known: int, unknown: int, doubtful: int) -> None:
    mixed = mixture(rows(*["float-gauss"] * known, *["unknown"] * unknown))
    assert (mixed.differing, mixed.doubtful) == (0, doubtful) and mixed.mixed


def test_an_ensemble_beside_a_single_pass_differs() -> None:
    both = [*rows("float-gauss"), *rows("float-gauss", ensemble=True)]
    assert mixture(both).differing == 1


def test_other_boards_and_lone_rows_are_kept_apart() -> None:
    apart = [*rows("float-gauss"), *rows("uint8-gauss", split="another")]
    assert boards(apart) == {} and flagged(apart) == {}


def test_the_shipped_figures_have_flags_where_everybody_looks() -> None:
    found = flagged(read())
    sidd = found[("sidd", "validation", "real")]
    assert sidd.differing > 0 and {"matlab-volume-float", "uint8-gauss", "unknown"} <= set(sidd.psnr)
    assert found[("rain100h", "test", "rain")].differing > 0
    assert {name for name, rows in boards(read()).items() if len({r.psnr_convention for r in rows}) > 1} <= set(found)


def test_figures_that_sources_tell_differently_stand_together() -> None:
    told = {(row.variant, row.dataset, row.split): row for row in reported_differently(read())}
    assert ("R2R", "sidd", "benchmark") in told and ("NAFNet", "sidd", "validation") in told
    assert ("DGUNet", "rain100h", "test") not in told


def test_the_page_is_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["boards", "--page", str(PAGE), "--check"]) == 0, "run: python -m benchmark.cli.pages boards"
    assert main(["boards", "--page", "nowhere.md", "--check"]) == 2 and "Expected a page" in capsys.readouterr().err


def test_the_command_fills_a_page_and_finds_an_old_one(tmp_path: Path) -> None:
    page = tmp_path / "boards.md"
    page.write_text("before\n<!-- boards: begin -->\nold\n<!-- boards: end -->\nafter\n")
    assert main(["boards", "--page", str(page), "--check"]) == 1
    assert main(["boards", "--page", str(page)]) == 0
    text = page.read_text()
    assert text.startswith("before\n") and text.endswith("after\n") and "old" not in text and "| sidd ·" in text
