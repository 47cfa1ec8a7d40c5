"""From records to the table: columns, what is comparable, what is written, and whether two rows differ."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from benchmark.cli.pages import main as pages
from benchmark.console import Console
from benchmark.leaderboard.columns import COLUMNS, FIGURES, label
from benchmark.leaderboard.compare import compare, paired_scores
from benchmark.leaderboard.files import write_leaderboard
from benchmark.leaderboard.published import PublishedFigure
from benchmark.leaderboard.render import leaderboard_page, show_board
from benchmark.leaderboard.rows import board_rows
from benchmark.protocols.columns import COLUMNS as PROTOCOL
from benchmark.records.files import read_records, read_scores
from benchmark.records.record import NETWORK, TRAIN_DATA
from benchmark.tables.column import plain_values, stored_names
from benchmark.tables.formats import Number, WithInterval, WithSpread
from datasets.core.errors import UserError
from datasets.sources import hashes
from tests.benchmark.leaderboard.test_published import a_figure
from tests.helpers.made_records import figures, keep, record

ROOT = Path(__file__).parents[3]


def rows(records: Iterable[Any], published: Iterable[PublishedFigure] | None = None) -> list[dict[str, Any]]:
    """The rows as the columns of the CSV have them."""
    return plain_values(COLUMNS, board_rows(records, published))


def by_convention(board: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["convention"]: row for row in board}


def readable(records: Iterable[Any], published: Iterable[PublishedFigure] | None = None) -> list[dict[str, str]]:
    """The rows as people read them."""
    return [{column.heading: column.cell_text(row) for column in FIGURES} for row in board_rows(records, published)]


@pytest.mark.parametrize(
    ("path", "columns"),
    [
        ("results/leaderboard.csv", COLUMNS),
        *((f"results/protocols/{name}.csv", PROTOCOL) for name in ("polyu-scenes", "r2r-bsd68", "sidd-sample")),
    ],
)
def test_the_csv_files_of_the_project_are_read_by_their_columns(path: str, columns: Any) -> None:
    """Each stored number, read and stored again by its column's format, gives the same text."""
    text = (ROOT / path).read_text(encoding="utf-8")
    header, *lines = csv.reader(text.splitlines())
    assert header == stored_names(columns)
    formats = [column.format for column in columns for _ in column.stored_names]
    numbers = 0
    for line in lines:
        for format, part in zip(formats, line, strict=True):
            if part and isinstance(format, (Number, WithInterval, WithSpread)):
                assert format.stored(float(part) if not part.isdigit() else int(part)) == part
                numbers += 1
    assert numbers > 5 * len(lines)


def test_names_are_unique_and_every_column_is_described() -> None:
    page = (ROOT / "docs" / "tables.md").read_text(encoding="utf-8")
    for columns in (COLUMNS, PROTOCOL):
        names = stored_names(columns)
        assert len(set(names)) == len(names)
        for column in columns:
            assert column.about and all(f"`{name}`" in page for name in column.stored_names), column.name
    assert pages(["columns", "--page", str(ROOT / "docs" / "tables.md"), "--check"]) == 0


def test_difference_only_under_the_papers_convention() -> None:
    found = by_convention(rows([record()], [a_figure()]))
    same, other = found["unclamped-float"], found["matlab-volume-float"]
    assert same["delta_psnr"] == pytest.approx(33.4 - 35.0)
    assert same["delta_ssim"] is None
    assert same["comparable"] == "PSNR only: the SSIM's convention is unknown"
    assert (other["published_psnr"], other["published_ssim"]) == (35.0, 0.8)
    assert (other["delta_psnr"], other["comparable"]) == (None, "other convention: unclamped-float")


def test_everything_agrees() -> None:
    theirs = a_figure(ssim_convention="unclamped-float", ssim=0.8)
    ours = record(figures={"unclamped-float": figures(35.5, 0.85)})
    (row,) = rows([ours], [theirs])
    assert row["comparable"] == "yes"
    assert row["delta_ssim"] == pytest.approx(0.05)
    assert row["published_source"] == "a paper, Table 1"


def test_partial_set_is_shown_beside_the_figure_without_a_difference() -> None:
    found = by_convention(rows([record(partial="partial: 65 of 1280")], [a_figure()]))
    row = found["unclamped-float"]
    assert row["published_psnr"] == 35.0
    assert row["comparable"].startswith("partial: 65 of 1280; ")
    assert row["delta_psnr"] is None


def test_what_a_row_is_not_stands_in_its_cell_the_strongest_first() -> None:
    adapted = record(departures=(NETWORK, TRAIN_DATA), variant="", tier="cpu", partial="partial: 65 of 1280")
    assert readable([adapted])[0]["comparable"] == "not the paper's network, training data; partial: 65 of 1280"
    row = board_rows([adapted])[0]
    assert row.strongest == "not the paper's network, training data"
    assert row.comparable == "partial: 65 of 1280; no published figure"  # the CSV has it as before
    # a record of before says no more than its recipe's tier; a baseline is nobody's
    assert readable([record(variant="", tier="cpu")])[0]["comparable"] == "not the paper's recipe"
    assert readable([record("blur", tier="baseline")])[0]["comparable"] == ""
    theirs = a_figure(second_hand=True)
    assert readable([record(tier="paper", ensemble=True)], [theirs])[0]["comparable"] == (
        "other convention: unclamped-float; ensemble: only ours; second source"
    )


def test_a_terminal_shows_the_strongest_reason_alone(capsys: pytest.CaptureFixture[str]) -> None:
    show_board(board_rows([record(ensemble=True)], [a_figure()]), Console())
    text = capsys.readouterr().out
    assert "other convention: unclamped-float" in text and "only ours" not in text.splitlines()[2]


def test_a_limit_that_leaves_nothing_out_is_not_partial() -> None:
    found = by_convention(rows([record(limit=5000)], [a_figure()]))
    assert "partial" not in found["unclamped-float"]["comparable"]


def test_ensemble_and_second_hand_are_told() -> None:
    found = by_convention(rows([record(ensemble=True)], [a_figure(second_hand=True)]))
    assert found["unclamped-float"]["comparable"].endswith("ensemble: only ours; second source")


def test_failures_are_forgotten_once_the_row_has_run_or_its_method_is_gone() -> None:
    missing = record(cell="r2r-sidd-a", status="failed", reason="No weights of r2r for sidd were found.", figures={})
    burst = record(cell="r2r-sidd-b", status="failed", reason="burst", figures={})
    assert [row["status"] for row in rows([missing])] == ["failed"]
    assert {row["record"] for row in rows([missing, burst])} == {"runs/r2r-sidd-b"}
    other = record(cell="r2r-sidd-c", status="failed", reason="burst", recipe="budget", figures={})
    assert {row["record"] for row in rows([missing, burst, record(), other])} == {
        "runs/r2r-sidd-c",
        "runs/r2r-sidd-0123456789ab",
    }
    assert len({row["record"] for row in rows([missing, record(seed=1)])}) == 2
    assert rows([record("gone", cell="gone-sidd-a", status="failed", reason="burst", figures={})]) == []


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
    board = write_leaderboard(tmp_path)
    with (tmp_path / "leaderboard.csv").open(newline="", encoding="utf-8") as stream:
        lines = list(csv.DictReader(stream))
    assert list(lines[0]) == stored_names(COLUMNS)
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
    write_leaderboard(tmp_path)
    line = (tmp_path / "leaderboard.csv").read_text().splitlines()[1].split(",")
    row = dict(zip(stored_names(COLUMNS), line, strict=True))
    assert (row["psnr"], row["ssim"], row["ssim_low"]) == ("inf", "", "")


def test_markdown_escapes_and_empty() -> None:
    assert "No records yet" in leaderboard_page([])
    assert "a\\|b" in leaderboard_page(board_rows([record(recipe="a|b")]))


def test_show_prints_one_table_per_split(capsys: pytest.CaptureFixture[str]) -> None:
    show_board(
        board_rows([record(), record(dataset="dnd", split="test", figures={"float-gauss": figures(30)})]), Console()
    )
    text = capsys.readouterr().out
    assert "# sidd · validation · real (matlab-volume-float)" in text
    assert "# dnd · test · real (float-gauss)" in text


def _scored(results: Path, method: str, offset: float, **changes: Any) -> Any:
    column = "psnr[unclamped-float]"
    scores = {f"s{scene}-{i}": {column: 30 + scene + offset + 0.01 * i} for scene in range(12) for i in range(2)}
    only = {"figures": {"unclamped-float": figures(30, None, None)}, "convention": "unclamped-float"}
    return keep(results, record(method, **{**only, **changes}), scores)


def test_compare_pairs_the_images(tmp_path: Path) -> None:
    _scored(tmp_path, "r2r", 0.2)
    _scored(tmp_path, "blur", 0.0)
    (line,) = compare(read_records(tmp_path), "r2r", "blur")
    assert line.n == 24
    assert line.psnr.mean == pytest.approx(0.2)
    assert line.psnr.low == pytest.approx(0.2, abs=1e-6)  # the same difference everywhere: no spread
    assert line.ssim is None


def test_a_score_that_one_row_lacks_is_not_passed_over(tmp_path: Path) -> None:
    """A mean over the images that both happen to have would compare two rows on the easier part of a set."""
    column = "psnr[unclamped-float]"
    r2r = _scored(tmp_path, "r2r", 0.2, figures={"unclamped-float": figures(30.2, None, None)})
    whole = {f"s{scene}-0": {column: 30.0 + scene} for scene in range(12)}
    holed = {**whole, "s3-0": {column: None}}
    here = {"figures": {"unclamped-float": figures(30, None, None)}, "convention": "unclamped-float"}
    keep(tmp_path, record("blur", **here), holed)
    ours, theirs = (read_scores(tmp_path / "runs" / f"{name}-sidd-0123456789ab") for name in ("r2r", "blur"))
    assert paired_scores(ours, theirs, column) is None and paired_scores(theirs, ours, column) is None
    with pytest.raises(UserError, match="lack unclamped-float"):
        compare(read_records(tmp_path), "r2r", "blur")
    (blur,) = (row for row in write_leaderboard(tmp_path) if row.record.cell.method == "blur")
    assert blur.gap and (blur.gap.best, blur.gap.psnr) == (r2r.id, None)
    # where both lack it, the image is in neither mean
    both = [score for score in theirs if score.name != "s3-0"]
    found = paired_scores(theirs, both + [score for score in theirs if score.name == "s3-0"], column)
    assert found and (found.n, found.mean) == (11, 0.0)


def test_compare_says_what_is_wrong(tmp_path: Path) -> None:
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
    known: tuple[PublishedFigure, ...] = (a_figure(),)
    assert rows([record("unknown-method", variant="Nobody")], known)[0]["comparable"] == "no published figure"


def test_a_difference_under_another_convention_gets_its_own_line() -> None:
    page = leaderboard_page(board_rows([record()], [a_figure()]))
    assert "| r2r | sidd-paper | 33.50 [33.00, 34.00] |" in page
    line = "| r2r (unclamped-float) | sidd-paper | 33.40 [32.90, 33.90] |  |  | 12 (12 scenes) | 35 / 0.8 | -1.60 |"
    assert line in page
    assert "| r2r sidd-paper | 33.40 |" in page  # the compact matrix; that convention has no SSIM


def test_every_row_against_the_best_on_the_same_images(tmp_path: Path) -> None:
    _scored(tmp_path, "blur", 0.0)
    _scored(tmp_path, "r2r", 0.2, figures={"unclamped-float": figures(30.2, None, None)})
    _scored(tmp_path, "lir", 0.9, figures={"unclamped-float": figures(30.9, None, None)}, fingerprint="0" * 64)
    found = {row["method"]: row for row in plain_values(COLUMNS, write_leaderboard(tmp_path))}
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
    board = plain_values(COLUMNS, write_leaderboard(tmp_path, warn=said.append))
    assert [(row["method"], row["best"]) for row in board] == [("blur", None), ("r2r", None)]
    assert len(said) == 1 and "run with --force" in said[0]


def test_the_page_has_costs_and_every_convention_with_intervals() -> None:
    page = leaderboard_page(board_rows([record("input"), record(seed=2)]))
    assert "| r2r sidd-paper, seed 2 | 560,000 | 146.00 | 1500 | 800 |" in page
    folded = page[page.index("<details>") : page.index("</details>")]
    assert "`unclamped-float`" in folded and "`matlab-volume-float`" in folded
    assert "| r2r sidd-paper, seed 2 | 33.50 [33.00, 34.00] | 0.9000 [0.8900, 0.9100] |" in folded


def test_a_failed_row_stands_with_its_neighbours() -> None:
    failed = record("lir", status="failed", reason="no weights", figures={})
    board = rows([failed, record("input"), record()])
    assert [row["method"] for row in board if row["convention"] != "unclamped-float"] == ["input", "lir", "r2r"]
    assert {row["degradation"] for row in board} == {"real"}


def test_the_authors_own_weights_are_named() -> None:
    """By the file's hash, so that a copy under another name is known too."""
    (sha256,) = hashes("r2r-sidd-weights").values()
    (row, *_), (other, *_) = board_rows([record(weights_sha256=sha256)]), board_rows([record(weights_sha256="0" * 64)])
    assert label(row) == "r2r sidd-paper (authors' weights)" and label(other) == "r2r sidd-paper"
