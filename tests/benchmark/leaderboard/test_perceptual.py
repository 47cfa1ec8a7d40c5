"""A perceptual convention from the run to every table: lower is better, absent files are a sentence."""

import csv

import numpy as np
import pytest

from benchmark.leaderboard.columns import columns_of
from benchmark.leaderboard.files import write_leaderboard
from benchmark.leaderboard.perceptual import columns, gap_columns
from benchmark.leaderboard.rows import board_rows
from benchmark.leaderboard.standings import distances
from benchmark.protocols.columns import perceptual_columns
from benchmark.protocols.table import ProtocolRow
from benchmark.records.files import from_json, read_records, read_scores, run_folder, to_json
from benchmark.records.merge import merge
from benchmark.records.record import Perceived
from benchmark.runs import asked
from benchmark.runs.asked import chosen
from benchmark.runs.runner import run_cell
from benchmark.scoring.conventions import score
from benchmark.scoring.perceptual import measure
from benchmark.scoring.perceptual.definition import PERCEPTUAL
from benchmark.scoring.perceptual.names import split
from benchmark.scoring.statistics import Spread
from datasets.core.errors import UserError
from tests.helpers.made_records import figures, interval, keep, record
from tests.helpers.small_world import cell, context

NAME = "dists"


@pytest.fixture
def at_hand(tmp_path, monkeypatch):
    """DISTS stands in for itself: the mean absolute difference, from a file that is there; grey images are taken."""
    file = tmp_path / "weights.pt"
    file.write_bytes(b"weights")
    monkeypatch.setattr(asked, "usable", lambda name, channels: "" if name == NAME else f"no file of {name}")
    for module in ("benchmark.scoring.perceptual.measure", "benchmark.runs.perceived"):
        monkeypatch.setattr(f"{module}.paths", lambda chosen: (file,))
    monkeypatch.setattr(measure, "meter", lambda *_: lambda x, y: float(np.abs(x / 255 - y / 255).mean()))


@pytest.mark.usefixtures("world", "at_hand")
def test_a_run_leaves_a_column_with_its_interval_definition_and_files(tmp_path):
    one = cell("half")
    record = run_cell(one, context(tmp_path, conventions=(NAME, "lpips-vgg")))
    assert len(record.figures) > 5  # beside all others
    found = record.perceptual[NAME]
    rows = read_scores(run_folder(tmp_path / "results", one.id), record)
    values = [row.values[f"perceptual[{NAME}]"] for row in rows]
    assert found.value.mean == pytest.approx(np.mean(values)) and found.value.low < found.value.mean
    assert found.n == 12 and list(found.files) == ["weights.pt"] and "rounded to 8 bits" in found.definition
    assert "not scored under lpips-vgg: no file of lpips-vgg" in record.note and "lpips-vgg" not in record.perceptual
    assert from_json(to_json(record)) == record
    again = run_cell(one, context(tmp_path, conventions=(NAME,)))
    assert again.environment.started == record.environment.started  # nothing is restored again
    plain = run_cell(cell("half", noise_seed=1), context(tmp_path))
    assert plain.perceptual == {} and "perceptual" not in plain.note


@pytest.mark.usefixtures("world", "at_hand")
def test_a_finished_cell_without_it_gets_it_later(tmp_path):
    one = cell("half")
    first = run_cell(one, context(tmp_path, save_outputs=True))
    later = run_cell(one, context(tmp_path, conventions=(NAME,), save_outputs=True))
    assert first.perceptual == {} and NAME in later.perceptual and later.figures.items() >= first.figures.items()
    assert later.costs == first.costs  # measured on what was saved


def perceived(mean, half=0.01):
    return Perceived(interval(mean, half), 12, 12, "what it is", {"w.pt": "a" * 64})


def kept(tmp_path):
    """Three rows: the one with the highest PSNR has the highest distance."""
    for name, psnr, distance in (("r2r", 33.0, 0.30), ("lir", 31.0, 0.10), ("mssr", 32.0, 0.20)):
        scores = {
            f"s{k}-0": {"psnr[matlab-volume-float]": psnr + k / 10, "perceptual[dists]": distance + k / 100}
            for k in range(12)
        }
        made = record(name, figures={"matlab-volume-float": figures(psnr)}, perceptual={NAME: perceived(distance)})
        keep(tmp_path, made, scores)
    return read_records(tmp_path)


def test_the_lowest_is_best_in_marks_and_differences(tmp_path):
    records = kept(tmp_path)
    board = board_rows(records)
    (value,), (gap,) = columns([NAME]), gap_columns([NAME])
    shown = {row.record.cell.method: (value.cell_text(row), gap.cell_text(row)) for row in board}
    assert value.heading == "DISTS ↓"
    assert shown["lir"] == ("0.1000 [0.0900, 0.1100] (best)", "best")
    assert shown["mssr"][0].endswith("(second)") and shown["mssr"][1].startswith("+0.1000 [")
    assert shown["r2r"][0] == "0.3000 [0.2900, 0.3100]" and shown["r2r"][1].startswith("+0.2000 [")
    assert next(row for row in board if row.is_best).record.cell.method == "r2r"  # of PSNR, higher is better


def test_the_page_and_the_csv_have_the_column_only_where_a_row_has_it(tmp_path):
    kept(tmp_path)
    write_leaderboard(tmp_path)
    header, *lines = csv.reader((tmp_path / "leaderboard.csv").read_text().splitlines())
    assert {"dists", "dists_low", "dists_high", "minus_best_dists"} <= set(header) and len(lines) == 3
    assert float(lines[0][header.index("dists")]) == 0.1
    page = (tmp_path / "leaderboard.md").read_text()
    assert "lower is better" in page and "- `dists`: what it is" in page and "(second)" in page
    assert columns_of(board_rows([record()]))[-1].name == "record"


def test_a_comparison_says_which_way_is_better(tmp_path):
    (found,) = distances(kept(tmp_path), "lir", "r2r")
    assert found.value.mean == pytest.approx(-0.2) and found.value.high < 0
    assert "lower is better" in found.sentence and found.sentence.endswith("; lir sidd-paper is better")
    (other,) = distances(read_records(tmp_path), "r2r", "lir")
    assert other.value.mean == pytest.approx(0.2) and "; lir sidd-paper is better" in other.sentence


def test_two_machines_that_differ_in_a_distance_are_a_conflict(tmp_path):
    kept(tmp_path / "a")
    other = record("lir", figures={"matlab-volume-float": figures(31.0)}, perceptual={NAME: perceived(0.15)})
    keep(tmp_path / "b", other, {"s0-0": {"psnr[matlab-volume-float]": 31.0, "perceptual[dists]": 0.15}})
    (conflict,) = merge(tmp_path / "a", [tmp_path / "b"]).conflicts
    assert "ours has 0.1000, theirs 0.1500 (dists)" in conflict


def test_a_protocol_s_rows_are_marked_within_their_test():
    rows = [
        ProtocolRow(name, test=test, perceptual={NAME: Spread(mean, 0.001)})
        for name, test, mean in (("a", "x", 0.3), ("b", "x", 0.2), ("c", "x", 0.4), ("d", "y", 0.1), ("e", "y", 0.5))
    ]
    (column,) = perceptual_columns(rows)
    marks = [column.cell_text(row).partition(" (")[2].rstrip(")") for row in rows]
    assert marks == ["second", "best", "", "best", "second"] and column.cell_text(rows[2]) == "0.4000 ± 0.0010"
    assert perceptual_columns([ProtocolRow("a")]) == ()


def test_names_are_told_apart_and_absent_files_are_sentences(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHMARK_FEATURES", str(tmp_path))
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path / "hub"))
    assert split(["niqe", "float-gauss", "niqe"]) == (("float-gauss",), ("niqe",))
    with pytest.raises(UserError, match="Did you mean 'lpips-alex'"):
        split(["lpips-alx"])
    found = chosen(tuple(PERCEPTUAL), 3)
    assert found.perceptual == () and "float-gauss" in found.conventions and len(found.remarks) == 4
    assert all("python -m benchmark fetch" in remark for remark in found.remarks)
    assert "defined on RGB" in chosen(("dists",), 1).remarks[0]
    with pytest.raises(UserError, match=r"benchmark\.perceptual"):
        score(np.zeros((32, 32)), np.zeros((32, 32)), "niqe")
    (tmp_path / "dists_weights.pt").write_bytes(b"another file")
    (tmp_path / "vgg16-397923af.pth").write_bytes(b"another file")
    assert "it has" in chosen(("dists",), 3).remarks[0]  # its name is right, its hash is not


def test_what_is_too_small_or_lacks_truth_has_no_figure(monkeypatch):
    monkeypatch.setattr(measure, "paths", lambda chosen: ())
    monkeypatch.setattr(measure, "meter", lambda *_: lambda x, y: 1.0)
    small, large = np.zeros((20, 40, 3), np.uint8), np.zeros((96, 96, 3), np.uint8)
    assert measure.measure(small, small, PERCEPTUAL) == {
        "lpips-alex": None, "lpips-vgg": 1.0, "dists": 1.0, "niqe": None,
    }  # fmt: skip
    assert measure.measure(large, None, ["dists", "niqe"]) == {"dists": None, "niqe": 1.0}
    with pytest.raises(UserError, match="NaN"):
        measure.measure(np.full((32, 32, 3), np.nan), small, ["dists"])
