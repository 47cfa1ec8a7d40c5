"""What somebody meets in the first hour: where things go, what is refused before work begins, tables that fit."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from benchmark.console import Console
from benchmark.leaderboard.meaning import meaning, next_steps
from benchmark.leaderboard.render import show_board
from benchmark.leaderboard.rows import board_rows
from benchmark.paths import OWN
from benchmark.records.files import read_records
from benchmark.tables.terminal_table import fitting
from tests.helpers.command_line import Studio
from tests.helpers.made_records import record

ROOT = Path(__file__).resolve().parents[3]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


# --- where things go -------------------------------------------------------------------------------------------------


def test_a_run_leaves_the_checkout_as_it_was(studio: Studio) -> None:
    """As after a clone: what is tracked is not touched, and what is made is ignored."""
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@y"]
    shutil.copy(ROOT / ".gitignore", studio.root)
    (studio.root / "results").mkdir()
    shutil.copy(ROOT / "results/leaderboard.csv", studio.root / "results")
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-qm", "clone"], check=True)
    assert studio("run", "--methods", "plain", "--dataset", "demo", "--limit", 2, "--quiet") == 0, studio.err
    assert studio("restore", "data/demo", "--methods", "r2r", "--recipe", "nothing") == 2
    assert studio("leaderboard") == 0
    assert {"restored", "page", "kit"} == set(re.findall(r"--(?:out|output) (\w+)`", (ROOT / "README.md").read_text()))
    for folder in ("restored", "page", "kit", "degraded", "submission"):
        (studio.root / folder).mkdir(exist_ok=True)
        (studio.root / folder / "a.png").touch()
    status = subprocess.run([*git, "status", "--porcelain"], capture_output=True, text=True, check=True).stdout
    assert status == ""
    assert (studio.root / OWN / "leaderboard.md").is_file()


def test_results_of_earlier_versions_are_found_with_a_sentence(studio: Studio) -> None:
    studio.prepared()
    assert studio.run("--methods", "plain", "--quiet") == 0  # into ./results
    assert studio("leaderboard") == 2
    assert "give --results results to go on with them" in studio.err
    assert studio("leaderboard", "--results", "results") == 0
    assert "earlier" not in studio.err
    OWN.mkdir()
    assert studio("leaderboard") == 2
    assert "earlier" not in studio.err


# --- refused early, and once -----------------------------------------------------------------------------------------


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
@pytest.mark.parametrize(
    "words",
    [
        ("run", "--methods", "r2r", "--dataset", "demo"),
        ("train", "--methods", "r2r", "--dataset", "demo"),
        ("restore", ".", "--methods", "r2r"),
        ("reproduce", "polyu-scenes"),
    ],
)
def test_a_device_that_is_not_there_is_one_sentence(studio: Studio, words: tuple[str, ...]) -> None:
    assert studio(*words, "--device", "cuda") == 2
    assert "'cuda'" in studio.sentence
    assert not list(studio.root.iterdir())


@pytest.mark.parametrize(
    ("words", "near"),
    [
        (("run", "--methods", "r2r", "--dataset", "demo", "--set", "restore.drws=5"), "restore.draws"),
        (("run", "--methods", "r2r", "--dataset", "demo", "--set", "dataset.sigm=5"), "sigma"),
        (("run", "--methods", "r2r", "--dataset", "demo", "--set", "restore.draws=many"), "type int"),
        (("train", "--methods", "r2r", "--dataset", "demo", "--set", "train.rat=5"), "train.rate"),
        (("train", "--methods", "r2r", "--dataset", "demo", "--recipe", "tny"), "tiny"),
        (("prepare", "demo[sigm=5]"), "sigma"),
    ],
)
def test_settings_are_checked_before_data_are_prepared(studio: Studio, words: tuple[str, ...], near: str) -> None:
    assert studio(*words) == 2
    assert near in studio.sentence
    assert not list(studio.root.iterdir())


def test_a_protocol_is_planned_without_data(studio: Studio) -> None:
    assert studio("reproduce", "polyu-scenes", "--tier", "cpu", "--dry-run") == 0, studio.err
    assert "dgunet cpu" in studio.out
    assert not studio.data.exists()


def test_a_failed_cell_is_told_once_and_goes_once_it_has_run(studio: Studio) -> None:
    studio.prepared()
    assert studio.run("--methods", "pair") == 1
    assert (studio.out + studio.err).count("returned a tuple") == 1


def test_a_page_keeps_its_table_where_there_are_no_records_for_it(studio: Studio) -> None:
    studio.prepared()
    assert studio.run("--methods", "plain", "--quiet") == 0
    page = studio.root / "page.md"
    page.write_text("<!-- leaderboard: begin -->\nfigures\n<!-- leaderboard: end -->\n")
    assert studio("leaderboard", "--results", studio.results, "--dataset", "sidd", "--page", page) == 2
    assert "no records of 'sidd'" in studio.sentence and "folder" in studio.sentence
    assert "figures" in page.read_text()


def test_a_kit_without_what_draws_it_is_refused_before_a_file_is_written(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio.prepared()
    assert studio.run("--methods", "plain", "--quiet") == 0
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    words = ("paper", "--out", studio.root / "kit", "--results", studio.results, "--data", studio.data)
    assert studio(*words) == 2
    assert "restoration-benchmark[report]" in studio.sentence
    assert not (studio.root / "kit").exists()


# --- tables that fit -------------------------------------------------------------------------------------------------


def shown(width: int, monkeypatch: pytest.MonkeyPatch, wide: bool = False) -> list[str]:
    monkeypatch.setenv("COLUMNS", str(width))
    records = [record(method, cell=f"{method}-sidd-{n}") for n, method in enumerate(("input", "blur", "r2r", "dgunet"))]
    out = Terminal()
    show_board(board_rows(records, []), Console(out=out, err=io.StringIO(), wide=wide))
    return out.getvalue().splitlines()


@pytest.mark.parametrize("width", [80, 100, 120])
def test_a_row_is_a_line_at_every_width(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = shown(width, monkeypatch)
    assert max(map(len, lines)) <= width
    rows = [line for line in lines if line.split() and line.split()[0] in ("input", "blur", "r2r", "dgunet")]
    assert len(rows) >= 4
    for row in rows:  # no interval is broken: as many brackets open as close, and none ends in an ellipsis
        assert row.count("[") == row.count("]") and "…]" not in row
    assert all("PSNR" in line for line in lines if line.startswith("method"))


def test_wider_shows_more_and_wide_shows_all(monkeypatch: pytest.MonkeyPatch) -> None:
    heads = {w: next(line for line in shown(w, monkeypatch) if line.startswith("method")) for w in (60, 80, 200)}
    assert len(heads[60].split()) < len(heads[80].split()) <= len(heads[200].split())
    everything = shown(60, monkeypatch, wide=True)
    assert "Not shown" in "".join(shown(60, monkeypatch)) and "Not shown" not in "".join(everything)
    assert "GMAC" in next(line for line in everything if line.startswith("method"))


@pytest.mark.parametrize(
    ("widths", "room", "given"),
    [
        ([5, 10, 10], 0, [5, 10, 10]),
        ([5, 10, 10], 29, [5, 10, 10]),
        ([5, 10, 10], 28, [5, 10, 0]),
        ([5, 30, 4], 20, [5, 0, 4]),
        ([5, 60], 40, [5, 33]),
        ([50, 5], 40, [50, 0]),
    ],
)
def test_columns_that_have_room(widths: list[int], room: int, given: list[int]) -> None:
    assert fitting(widths, room) == given


def test_a_run_ends_with_what_it_means_and_what_to_do_next(studio: Studio) -> None:
    studio.prepared()
    assert studio.run("--methods", "plain") == 0
    (sentence,) = [line for line in studio.err.splitlines() if "leads with" in line]
    assert sentence.startswith("folder · test")
    assert "--compare" in studio.err and "leaderboard.md" in studio.err
    found = read_records(studio.results)
    (leader,) = [row.record.id for row in board_rows(found, []) if row.is_best][:1]
    others = {record.id for record in found} - {leader}
    assert ", of an earlier run, leads with" in meaning(board_rows(found, []), others)[0]
    assert "earlier" not in meaning(board_rows(found, []), {leader})[0]
    board = board_rows([record("input"), record()], [])
    assert meaning(board) == []  # without scores of images there is nothing to say of a difference
    assert list(next_steps(board, Path("r")))[-1].startswith("All columns: r/leaderboard.md")
