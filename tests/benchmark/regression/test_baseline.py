"""The baseline's file, what counts as moved, and the verb `check`."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from benchmark.cli import checking, main
from benchmark.inference.restorer import Restorer
from benchmark.paths import shipped
from benchmark.regression import baseline, renewing
from benchmark.regression import checking as comparing
from benchmark.regression.baseline import COLUMNS, FACTOR, FLOOR, MOST, Baseline, Figure, read, tolerance, write
from benchmark.regression.checking import MOVED, compared
from benchmark.regression.images import Made, sets
from benchmark.regression.measuring import Key, Measured, Row
from benchmark.regression.renewing import Spreads
from benchmark.regression.variations import Variation
from benchmark.tables.column import cell_texts, headings
from datasets.core.errors import UserError

PSNR = Key("r2r", "cpu.safetensors", "demo", "cat", "float-gauss", "PSNR")
SSIM = PSNR._replace(metric="SSIM")
INPUT = Key("input", "", "demo", "cat", "float-gauss", "PSNR")
FIGURES = {
    INPUT: Figure(25.0, 0.0, 0.002, "aa"),
    PSNR: Figure(30.125, 1e-5, 0.002, "bb"),
    SSIM: Figure(0.875, 1e-6, 0.0001, "bb"),
}


def found(**changes) -> Measured:
    """What FIGURES says, with other values for some keys (None: not measured)."""
    values = {**{key: figure.value for key, figure in FIGURES.items()}, **{globals()[n]: v for n, v in changes.items()}}
    values = {key: value for key, value in values.items() if value is not None}
    return Measured(values, {key: FIGURES[key].output if key in FIGURES else "" for key in values})


def test_a_baseline_comes_back_from_its_file(tmp_path):
    before = Baseline(FIGURES, ("2026-01-01, first: it began", '2026-02-02: # with, a "comma"'))
    write(tmp_path / "baseline.csv", before)
    assert read(tmp_path / "baseline.csv") == before


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("r2r,w,demo,cat,float-gauss,PSNR,30.0,0,0.002", "no figure"),
        ("r2r,w,demo,cat,float-gauss,PSNR,high,0,0.002,aa", "no figure"),
        ("r2r,w,demo,cat,float-gauss,LPIPS,30.0,0,0.002,aa", "no figure"),
        ("r2r,w,demo,cat,float-gauss,PSNR,nan,0,0.002,aa", "has the value nan"),
        ("r2r,w,demo,cat,float-gauss,PSNR,30.0,0,0.02,aa", "tolerance 0.02"),
        ("r2r,w,demo,cat,float-gauss,PSNR,30.0,0,0,aa", "tolerance 0"),
        ("input,,demo,cat,float-gauss,PSNR,25.0,0,0.002,aa", "repeats a figure"),
    ],
)
def test_a_bad_line_is_one_sentence_with_its_number(tmp_path, line, text):
    path = tmp_path / "baseline.csv"
    write(path, Baseline(FIGURES, ("first",)))
    path.write_text(path.read_text() + line + "\n")
    number = len(path.read_text().splitlines())
    with pytest.raises(UserError, match=f"line {number} .*{text}"):
        read(path)


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"\xff\xfe\x00", (",".join(COLUMNS) + "\n").encode()])
def test_a_file_that_is_no_baseline_is_one_sentence(tmp_path, content, capsys):
    (tmp_path / "baseline.csv").write_bytes(content)
    assert main(["check", "--baseline", str(tmp_path / "baseline.csv")]) == 2
    error = capsys.readouterr().err
    assert "cannot be used" in error and "check --update" in error and len(error.splitlines()) == 1


def test_no_baseline_is_one_sentence(tmp_path, capsys):
    assert main(["check", "--baseline", str(tmp_path / "none.csv")]) == 2
    assert "There is no baseline at" in capsys.readouterr().err


def test_the_tolerance_is_a_multiple_of_the_spread_above_a_floor():
    assert tolerance("PSNR", 0.0) == FLOOR["PSNR"] and tolerance("SSIM", 0.0) == FLOOR["SSIM"]
    assert tolerance("PSNR", 5e-4) == pytest.approx(FACTOR * 5e-4)
    assert 2 * MOST["PSNR"] <= 0.02 and all(FLOOR[metric] < MOST[metric] for metric in FLOOR)


@pytest.mark.parametrize(
    ("changes", "moved"),
    [
        ({}, []),
        ({"PSNR": 30.1269}, []),
        ({"PSNR": 30.1271}, [PSNR]),
        ({"PSNR": 30.1229}, [PSNR]),
        ({"SSIM": 0.87511}, [SSIM]),
        ({"PSNR": math.nan}, [PSNR]),
        ({"PSNR": math.inf}, [PSNR]),
        ({"SSIM": None}, [SSIM]),
        ({"PSNR": 30.2, "SSIM": 0.95}, [SSIM, PSNR]),
    ],
)
def test_what_moves_beyond_its_tolerance(changes, moved):
    outcome = compared(Baseline(FIGURES), found(**changes))
    assert [change.key for change in outcome.changes] == moved and outcome.green == (not moved)
    for cells in cell_texts(MOVED, outcome.changes):
        shown = dict(zip(headings(MOVED), cells, strict=True))
        assert shown["row"] == "r2r (cpu.safetensors)" and shown["dataset"] == "demo"
        value = changes[shown["metric"]]
        assert shown["is"] == ("" if value is None else f"{value:.{4 if shown['metric'] == 'PSNR' else 6}f}")


def test_an_infinite_figure_may_stay_infinite():
    figures = {INPUT: replace(FIGURES[INPUT], value=math.inf)}
    assert compared(Baseline(figures), Measured({INPUT: math.inf}, {INPUT: "aa"})).green


def test_a_figure_that_is_new_is_reported():
    now = found()
    other = PSNR._replace(convention="other")
    now.figures[other], now.outputs[other] = 31.0, "bb"
    changes = compared(Baseline(FIGURES), now).changes
    assert [(change.key, change.was, change.now) for change in changes] == [(other, None, 31.0)]


def test_rows_that_are_gone_or_failed_are_said_once():
    gone = compared(Baseline(FIGURES), found(PSNR=None, SSIM=None))
    assert not gone.changes and len(gone.problems) == 1 and "are missing" in gone.problems[0]
    failed = found(PSNR=None, SSIM=None)
    failed.failed["r2r", "cpu.safetensors", "demo"] = "it burst."
    outcome = compared(Baseline(FIGURES), failed)
    assert outcome.problems == ["r2r (cpu.safetensors) failed on demo: it burst."] and not outcome.changes


def test_methods_that_were_not_asked_for_are_not_missed():
    assert compared(Baseline(FIGURES), found(PSNR=None, SSIM=None), ("input",)).green


def test_other_hashes_are_information_only():
    now = found()
    now.outputs[PSNR] = now.outputs[SSIM] = "other"
    outcome = compared(Baseline(FIGURES), now)
    assert outcome.green and "1 of 2 outputs differ" in outcome.remarks[0]


def test_a_spread_that_would_hide_the_change_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(
        renewing,
        "spreads",
        lambda chosen, report: Spreads(found(), {"threads": {**dict.fromkeys(FIGURES, 0.0), PSNR: 0.0011}}),
    )
    with pytest.raises(UserError, match=r"r2r cpu.safetensors demo cat float-gauss moves by 1.1e-03"):
        renewing.renew(("all",), tmp_path / "baseline.csv", "because", None)
    assert not list(tmp_path.iterdir())


def test_new_rows_only(tmp_path, monkeypatch):
    """What is there stays to the bit, whatever it would measure now; with nothing new, nothing is measured."""
    path, asked = tmp_path / "baseline.csv", []
    write(path, Baseline({INPUT: FIGURES[INPUT]}, ("the first",)))
    monkeypatch.setattr(renewing, "rows", lambda names: [Row("input"), Row("r2r", "cpu.safetensors")])

    def spreads(chosen, report):
        asked.append(list(chosen))
        return Spreads(found(INPUT=None), {"threads": dict.fromkeys(FIGURES, 0.0)})

    monkeypatch.setattr(renewing, "spreads", spreads)
    renewing.renew(("all",), path, "new weights", only_new=True)
    after = read(path)
    assert asked == [[Row("r2r", "cpu.safetensors")]] and after.figures[INPUT] == FIGURES[INPUT]
    assert after.figures.keys() == FIGURES.keys() and after.history[0] == "the first"
    assert "rows r2r (cpu.safetensors): new weights" in after.history[1]
    with pytest.raises(UserError, match="figures of every row"):
        renewing.renew(("all",), path, "again", only_new=True)
    assert read(path) == after and len(asked) == 1
    monkeypatch.setattr(renewing, "rows", lambda names: [Row("input")])
    nothing = Spreads(found(INPUT=None, PSNR=None, SSIM=None), {"threads": {}})
    monkeypatch.setattr(renewing, "spreads", lambda chosen, report: nothing)
    renewing.renew(("all",), path, "weights that are gone", only_new=True)
    assert read(path).figures == {INPUT: FIGURES[INPUT]}
    assert "rows without r2r cpu.safetensors: weights that are gone" in read(path).history[2]


def test_the_tolerance_follows_from_the_worst_variation():
    shifts = {name: dict.fromkeys(FIGURES, shift) for name, shift in (("a", 1e-5), ("b", 4e-4), ("c", 0.0))}
    spreads = Spreads(found(), shifts)
    assert spreads.of(PSNR) == 4e-4 and [shift.variation for shift in spreads.largest()] == ["a", "b", "c"]
    assert renewing._figure(PSNR, 30.125, spreads) == Figure(30.125, 4e-4, 0.004, "bb")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--update"], "needs the reason"),
        (["--update", "--reason", "  "], "needs the reason"),
        (["--reason", "because"], "--reason goes with --update"),
        (["--new"], "--new goes with --update"),
        (["--page", "x.md"], "--page with --spread"),
        (["--spread", "--page", "nowhere.md"], "Expected a page"),
    ],
)
def test_options_that_do_not_go_together(words, text, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["check", *words]) == 2
    error = capsys.readouterr().err
    assert text in error and len(error.splitlines()) == 1


def test_an_unknown_method_is_named(tmp_path, capsys):
    write(tmp_path / "baseline.csv", Baseline(FIGURES))
    assert main(["check", "--methods", "r2", "--baseline", str(tmp_path / "baseline.csv")]) == 2
    assert "Did you mean 'r2r'?" in capsys.readouterr().err


@pytest.fixture
def quick(monkeypatch, tmp_path):
    """One image of each of two sets, two variations."""
    few = [Made(data.facts, [data[0]]) for data in sets(tmp_path / "made") if data.facts.name in ("awgn-grey", "x4")]
    for module in (comparing, renewing):
        monkeypatch.setattr(module, "sets", lambda root: few)
    monkeypatch.setattr(renewing, "VARIATIONS", (Variation("one thread", threads=1), Variation("one", batch=1)))


def test_from_update_to_green_to_red(quick, tmp_path, capsys, monkeypatch):
    path, page = str(tmp_path / "baseline.csv"), tmp_path / "page.md"
    page.write_text("before\n<!-- spread: begin -->\n<!-- spread: end -->\nafter\n")
    rows = ["--methods", "input,blur", "--baseline", path]
    assert main(["check", *rows, "--update", "--reason", "It\nbegan.", "--page", str(page)]) == 0
    assert "one thread\t0.0e+00" in capsys.readouterr().out and "| one thread | 0.0e+00 |" in page.read_text()
    first = read(tmp_path / "baseline.csv")
    assert {key.method for key in first.figures} == {"input", "blur"}
    assert len(first.history) == 1 and first.history[0].endswith("rows input blur: It began.")

    assert main(["check", *rows]) == 0
    assert "Nothing moved" in capsys.readouterr().out

    real = Restorer._restore_batch
    monkeypatch.setattr(Restorer, "_restore_batch", lambda self, batch: [y + 0.01 for y in real(self, batch)])
    assert main(["check", *rows]) == 1
    text = capsys.readouterr().out
    header = next(line for line in text.splitlines() if line.startswith("row"))
    assert header.split("\t") == ["row", "dataset", "image", "convention", "metric", "was", "is", "tolerance"]
    assert "figures moved" in text and "check --update --reason" in text
    assert main(["check", *rows, "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert not answer["green"] and answer["changes"][0].keys() == {*Key._fields, "was", "is", "tolerance"}

    assert main(["check", "--methods", "input", "--baseline", path, "--update", "--reason", "Brighter."]) == 0
    second = read(tmp_path / "baseline.csv")
    assert len(second.history) == 2 and second.history[0] == first.history[0]
    same = {key for key, figure in second.figures.items() if figure == first.figures[key]}
    assert {key.method for key in second.figures.keys() - same} == {"input"}
    assert {key for key in second.figures if key.method == "blur"} <= same


def test_an_installed_baseline_is_not_rewritten(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(checking, "shipped", lambda relative: tmp_path / "shipped" / relative)
    assert main(["check", "--update", "--reason", "because"]) == 2
    assert "--baseline FILE" in capsys.readouterr().err


def test_the_shipped_baseline_can_be_used():
    there = read(shipped("baseline.csv"))
    assert there.history and all(line.rpartition(": ")[2].strip() for line in there.history)
    assert {"input", "blur", "nlm"} < {key.method for key in there.figures}
    assert {key.dataset for key in there.figures} == {"demo", "sidd", "awgn", "awgn-grey", "x4"}
    assert all(f.tolerance == baseline.tolerance(key.metric, f.spread) for key, f in there.figures.items())
