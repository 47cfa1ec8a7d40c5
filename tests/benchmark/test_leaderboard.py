"""From records to the table: columns, what is comparable, what is written, and whether two rows differ."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from benchmark import leaderboard
from benchmark.comparing import compare
from benchmark.console import Console
from benchmark.leaderboard import COLUMNS, rows
from benchmark.leaderboard_text import markdown, show
from benchmark.published import Published
from datasets.ops.errors import UserError
from tests.benchmark.boards import figures, keep, record
from tests.benchmark.test_published import _figure

ORDER = (
    "dataset,split,task,degradation,method,recipe,weights,seed,convention,n,scenes,psnr,psnr_low,psnr_high,ssim,"
    "ssim_low,ssim_high,minus_best_psnr,minus_best_psnr_low,minus_best_psnr_high,best,published_psnr,published_ssim,published_source,delta_psnr,delta_ssim,comparable,params,gmacs,"
    "ms_per_megapixel,peak_mb,ensemble,tile,device,precision,train_data,train_steps,selected_by,status,note,record"
)


def by_convention(board: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["convention"]: row for row in board}


def test_columns_are_those_that_were_agreed() -> None:
    assert ",".join(COLUMNS) == ORDER
    assert all(list(row) == list(COLUMNS) for row in rows([record(), record("input")]))


def test_difference_only_under_the_papers_convention() -> None:
    found = by_convention(rows([record()], [_figure()]))
    same, other = found["unclamped-float"], found["matlab-volume-float"]
    assert same["delta_psnr"] == pytest.approx(33.4 - 35.0)
    assert same["delta_ssim"] is None
    assert same["comparable"] == "PSNR only: the SSIM's convention is unknown"
    assert (other["published_psnr"], other["published_ssim"]) == (35.0, 0.8)
    assert (other["delta_psnr"], other["comparable"]) == (None, "other convention: unclamped-float")


def test_everything_agrees() -> None:
    theirs = _figure(ssim_convention="unclamped-float", ssim=0.8)
    ours = record(figures={"unclamped-float": figures(35.5, 0.85)})
    (row,) = rows([ours], [theirs])
    assert row["comparable"] == "yes"
    assert row["delta_ssim"] == pytest.approx(0.05)
    assert row["published_source"] == "a paper, Table 1"


def test_partial_set_is_shown_beside_the_figure_without_a_difference() -> None:
    found = by_convention(rows([record(partial="partial: 65 of 1280")], [_figure()]))
    row = found["unclamped-float"]
    assert row["published_psnr"] == 35.0
    assert row["comparable"].startswith("partial: 65 of 1280; ")
    assert row["delta_psnr"] is None


def test_a_limit_that_leaves_nothing_out_is_not_partial() -> None:
    found = by_convention(rows([record(limit=5000)], [_figure()]))
    assert "partial" not in found["unclamped-float"]["comparable"]


def test_ensemble_and_second_hand_are_told() -> None:
    found = by_convention(rows([record(ensemble=True)], [_figure(second_hand=True)]))
    assert found["unclamped-float"]["comparable"].endswith("ensemble: only ours; second source")


def test_missing_weights_are_forgotten_once_the_method_has_run() -> None:
    missing = record(
        cell="r2r-sidd-a", status="failed", reason="No weights of r2r for sidd were found.", figures={}, degradation=""
    )
    burst = record(cell="r2r-sidd-b", status="failed", reason="burst", figures={})
    assert [row["status"] for row in rows([missing])] == ["failed"]
    assert {row["record"] for row in rows([missing, burst, record()])} == {
        "runs/r2r-sidd-b",
        "runs/r2r-sidd-0123456789ab",
    }
    assert len({row["record"] for row in rows([missing, record(seed=1)])}) == 2


def test_the_real_figures_join() -> None:
    row = by_convention(rows([record(partial="partial: 65 of 1280")]))["unclamped-float"]
    assert (row["published_psnr"], row["published_ssim"]) == (35.04, 0.844)


def test_order_references_first_and_own_convention_first() -> None:
    board = rows([record(), record("nlm"), record("input"), record("blur")])
    assert list(dict.fromkeys(row["method"] for row in board)) == ["input", "blur", "nlm", "r2r"]
    assert board[0]["convention"] == "matlab-volume-float"


def test_unfinished_cells_keep_a_row_with_the_reason() -> None:
    failed = record("lir", status="failed", reason="out of memory", figures={})
    (row,) = rows([failed])
    assert (row["status"], row["note"], row["psnr"]) == ("failed", "out of memory", None)


def test_written_files(tmp_path: Path) -> None:
    keep(tmp_path, record())
    keep(tmp_path, record("input"))
    keep(tmp_path, record("lir", status="skipped", reason="it cannot | denoise", figures={}))
    board = leaderboard.write(tmp_path)
    with (tmp_path / "leaderboard.csv").open(newline="", encoding="utf-8") as stream:
        lines = list(csv.DictReader(stream))
    assert list(lines[0]) == list(COLUMNS)
    assert len(lines) == len(board) == 5
    assert {line["record"] for line in lines} == {f"runs/{name}-sidd-0123456789ab" for name in ("r2r", "input", "lir")}
    assert lines[0]["psnr"] == "33.5000"
    page = (tmp_path / "leaderboard.md").read_text(encoding="utf-8")
    assert "33.50 [33.00, 34.00]" in page
    assert "skipped: it cannot | denoise" in page
    assert "35.04 / 0.844" in page
    assert "Under the other conventions" in page
    assert not list(tmp_path.glob(".*part"))


def test_infinite_and_missing_figures(tmp_path: Path) -> None:
    keep(tmp_path, record("input", figures={"unclamped-float": figures(float("inf"), None, None)}))
    leaderboard.write(tmp_path)
    line = (tmp_path / "leaderboard.csv").read_text().splitlines()[1].split(",")
    row = dict(zip(COLUMNS, line, strict=True))
    assert (row["psnr"], row["ssim"], row["ssim_low"]) == ("inf", "", "")


def test_markdown_escapes_and_empty() -> None:
    assert "No records yet" in markdown([])
    board = rows([record(recipe="a|b")])
    assert "a\\|b" in markdown(board)


def test_show_prints_one_table_per_split(capsys: pytest.CaptureFixture[str]) -> None:
    show(rows([record(), record(dataset="dnd", split="test", figures={"float-gauss": figures(30)})]), Console())
    text = capsys.readouterr().out
    assert "# sidd · validation · real (matlab-volume-float)" in text
    assert "# dnd · test · real (float-gauss)" in text


def _scored(results: Path, method: str, offset: float, **changes: Any) -> Any:
    column = "psnr[unclamped-float]"
    scores = {f"s{scene}-{i}": {column: 30 + scene + offset + 0.01 * i} for scene in range(12) for i in range(2)}
    only = {"figures": {"unclamped-float": figures(30, None, None)}, "convention": "unclamped-float"}
    return keep(results, record(method, **{**only, **changes}), scores)


def test_compare_pairs_the_images(tmp_path: Path) -> None:
    from benchmark.records import read_records

    _scored(tmp_path, "r2r", 0.2)
    _scored(tmp_path, "blur", 0.0)
    (line,) = compare(read_records(tmp_path), "r2r", "blur")
    assert line.n == 24
    assert line.psnr.mean == pytest.approx(0.2)
    assert line.psnr.low == pytest.approx(0.2, abs=1e-6)  # the same difference everywhere: no spread
    assert line.ssim is None


def test_compare_says_what_is_wrong(tmp_path: Path) -> None:
    from benchmark.records import read_records

    _scored(tmp_path, "r2r", 0.2)
    _scored(tmp_path, "r2r", 0.3, cell="r2r-sidd-aaaaaaaaaaaa")
    _scored(tmp_path, "blur", 0.0, fingerprint="0" * 64)
    found = read_records(tmp_path)
    with pytest.raises(UserError, match="several rows.*r2r-sidd-0123456789ab, r2r-sidd-aaaaaaaaaaaa|several rows"):
        compare(found, "r2r", "blur")
    with pytest.raises(UserError, match="no finished record of the same split"):
        compare(found, "r2r-sidd-a", "blur")
    with pytest.raises(UserError, match="Did you mean 'blur'"):
        compare(found, "blurr", "r2r-sidd-a")


def test_rows_do_not_touch_the_figures_given() -> None:
    known: tuple[Published, ...] = (_figure(),)
    assert rows([record("unknown-method", variant="Nobody")], known)[0]["comparable"] == "no published figure"


def test_a_difference_under_another_convention_gets_its_own_line() -> None:
    page = markdown(rows([record()], [_figure()]))
    assert "| r2r | sidd-paper | 33.50 [33.00, 34.00] |" in page
    line = "| r2r (unclamped-float) | sidd-paper | 33.40 [32.90, 33.90] |  |  | 12 (12 scenes) | 35 / 0.8 | -1.60 |"
    assert line in page
    assert "| r2r sidd-paper | 33.40 |" in page  # the compact matrix; that convention has no SSIM


def test_every_row_against_the_best_on_the_same_images(tmp_path: Path) -> None:
    _scored(tmp_path, "blur", 0.0)
    _scored(tmp_path, "r2r", 0.2, figures={"unclamped-float": figures(30.2, None, None)})
    _scored(tmp_path, "lir", 0.9, figures={"unclamped-float": figures(30.9, None, None)}, fingerprint="0" * 64)
    found = {row["method"]: row for row in leaderboard.write(tmp_path)}
    blur, best = found["blur"], found["r2r"]
    assert blur["minus_best_psnr"] == pytest.approx(-0.2) and blur["minus_best_psnr_high"] < 0
    assert blur["best"] == best["best"] == best["record"] and best["minus_best_psnr"] is None
    assert found["lir"]["best"] is None  # measured on other images: alone
    page = (tmp_path / "leaderboard.md").read_text(encoding="utf-8")
    assert "| blur |  | 30.00 |  | -0.20 [-0.20, -0.20] | 12 (12 scenes) |" in page
    assert "| r2r | sidd-paper | 30.20 |  | best | 12 (12 scenes) |" in page


def test_scores_that_cannot_be_read_are_told_and_the_rows_stay(tmp_path: Path) -> None:
    _scored(tmp_path, "blur", 0.0)
    _scored(tmp_path, "r2r", 0.2)
    scores = tmp_path / "runs" / "r2r-sidd-0123456789ab" / "scores.csv"
    scores.write_text("name,scene,psnr[unclamped-float]\na,b,none\n", encoding="utf-8")
    said: list[str] = []
    board = leaderboard.write(tmp_path, warn=said.append)
    assert [(row["method"], row["best"]) for row in board] == [("blur", None), ("r2r", None)]
    assert len(said) == 1 and "run with --force" in said[0]


def test_the_page_has_costs_and_every_convention_with_intervals() -> None:
    page = markdown(rows([record("input"), record(seed=2)]))
    assert "| r2r sidd-paper, seed 2 | 560,000 | 146.00 | 1500 | 800 |" in page
    folded = page[page.index("<details>") : page.index("</details>")]
    assert "`unclamped-float`" in folded and "`matlab-volume-float`" in folded
    assert "| r2r sidd-paper, seed 2 | 33.50 [33.00, 34.00] | 0.9000 [0.8900, 0.9100] |" in folded


def test_a_failed_row_stands_with_its_neighbours() -> None:
    failed = record("lir", status="failed", reason="no weights", figures={}, degradation="", task="")
    board = rows([failed, record("input"), record()])
    assert [row["method"] for row in board if row["convention"] != "unclamped-float"] == ["input", "lir", "r2r"]
    assert {row["degradation"] for row in board} == {"real"}
