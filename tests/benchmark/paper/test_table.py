"""The paper's table: its numbers are those of leaderboard.csv, its marks those that the intervals allow."""

from __future__ import annotations

import csv
import io
import re
import statistics
from pathlib import Path

import numpy as np
import pytest

from benchmark.leaderboard.files import write_leaderboard
from benchmark.paper.rows import BEST, SECOND, Paper, paper
from benchmark.paper.table import as_csv, latex, markdown, references
from benchmark.records.files import read_records
from datasets.core.errors import UserError
from tests.helpers.scored_records import draws, scored, with_distances

ROW = re.compile(r"^(.+?) & (.*) \\\\$")


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Three sets. r2r has three seeds on the first; on the second it is not told apart from dgunet."""
    hard = 30 + 2 * draws(0, 14)
    for method, shift in (("input", 0.0), ("blur", 2.0), ("dgunet", 3.0)):
        scored(tmp_path, method, hard + shift + 0.05 * draws(int(shift), 14))
    for seed in range(3):
        scored(tmp_path, "r2r", hard + 4.123456 + 0.05 * draws(9 + seed, 14), seed=seed)
    for method, shift in (("blur", 0.0), ("dgunet", 1.0), ("r2r", 1.01)):
        scored(tmp_path, method, hard + shift + 0.3 * draws(int(100 * shift), 14), dataset="polyu", split="test")
    for method, shift in (("blur", 0.0), ("r2r", 5.0)):  # too few scenes for any mark
        scored(tmp_path, method, 28.125 + shift + draws(3, 3, 4), dataset="bsd68", split="test", degradation="sigma25")
    return tmp_path


@pytest.fixture
def table(results: Path) -> Paper:
    return paper(read_records(results))


def board(results: Path) -> dict[tuple[str, str], list[dict[str, str]]]:
    """(dataset, method) -> the lines of leaderboard.csv under the dataset's own convention, one for each seed."""
    write_leaderboard(results)
    with (results / "leaderboard.csv").open(newline="", encoding="utf-8") as stream:
        lines: dict[tuple[str, str], list[dict[str, str]]] = {}
        for line in csv.DictReader(stream):
            lines.setdefault((line["dataset"], line["method"]), []).append(line)
    return lines


def cells(tex: str) -> dict[str, list[str]]:
    """Name of a row -> its cells as plain text: without marks, references and groups of digits."""
    found = {}
    for line in tex.splitlines():
        match = ROW.match(line)
        if match and match[1].strip() and not match[1].startswith(("Method", " &")):
            bare = re.sub(r"\\(?:textbf|underline)\{([^}]*)\}", r"\1", match[2]).replace(r"$\pm$", "±")
            found[re.sub(r"~\\cite\{.*?\}", "", match[1])] = [cell.strip() for cell in bare.split("&")]
    return found


def test_every_number_of_the_tex_is_that_of_leaderboard_csv(results: Path, table: Paper) -> None:
    lines, rows = board(results), cells(latex(table))
    assert set(rows) == {"Input", "Gaussian blur", "DGUNet (sidd-paper)", "R2R (sidd-paper)"}
    methods = {"Input": "input", "Gaussian blur": "blur", "DGUNet (sidd-paper)": "dgunet", "R2R (sidd-paper)": "r2r"}
    numbers = 0
    for name, found in rows.items():
        for place, (dataset, metric) in enumerate((d, m) for d in ("bsd68", "polyu", "sidd") for m in ("psnr", "ssim")):
            digits = ".2f" if metric == "psnr" else ".4f"
            values = [float(line[metric]) for line in lines.get((dataset, methods[name]), [])]
            expected = f"{statistics.fmean(values):{digits}}" if values else "--"
            if len(values) > 1:
                expected += f" ± {statistics.stdev(values):{digits}}"
            assert found[place] == expected, (name, dataset, metric)
            numbers += bool(values)
        any_line = next(line[0] for (_, method), line in lines.items() if method == methods[name])
        assert found[6].replace(",", "") == any_line["params"] and found[7] == f"{float(any_line['gmacs']):.2f}"
    assert numbers == 18


def test_csv_and_markdown_show_the_same_figures(table: Paper) -> None:
    shown = cells(latex(table))
    long = list(csv.DictReader(io.StringIO(as_csv(table))))
    assert len(long) == 9
    for line in long:
        place = 2 * ("bsd68", "polyu", "sidd").index(line["dataset"])
        spread = f" ± {line['psnr_sd']}" if line["psnr_sd"] else ""
        assert shown[line["row"]][place] == line["psnr"] + spread and line["convention"] == "float-gauss"
    lines = {
        parts[0]: parts[1:]
        for line in markdown(table).splitlines()
        if line.startswith("|") and len(parts := [cell.strip(" *") for cell in line.strip("|").split("|")]) > 3
    }
    for name, found in shown.items():
        assert lines[name] == ["" if cell == "--" else cell for cell in found]


def test_marks_stand_only_where_the_interval_separates(table: Paper) -> None:
    sets = {each.dataset: each for each in table.sets}
    marks = {name: {key: e.mark for key, e in each.entries.items() if e.mark} for name, each in sets.items()}
    assert marks["bsd68"] == {} and marks["polyu"] == {}
    r2r, dgunet = "R2R (sidd-paper)", "DGUNet (sidd-paper)"
    assert marks["sidd"] == {(r2r, m): BEST for m in ("psnr", "ssim")} | {(dgunet, m): SECOND for m in ("psnr", "ssim")}
    tex = latex(table)
    assert tex.count(r"\textbf{") == 2 and tex.count(r"\underline{") == 2
    assert r"\textbf{" in next(line for line in tex.splitlines() if line.startswith("R2R"))
    assert markdown(table).count("**") == 4


def test_caption_and_references(table: Paper) -> None:
    tex, bib = latex(table), references(table)
    caption = next(line for line in tex.splitlines() if line.startswith(r"\caption"))
    assert (
        "under the convention float-gauss" in caption
        and r"(12 images of 3 scenes)" in caption
        and "(14 images)" in caption
    )
    assert r"$\pm$: sample standard deviation over seeds" in caption and r"95 \% interval" in caption
    keys = re.findall(r"@\w+\{([^,]+),", bib)
    cited = {key for group in re.findall(r"\\cite\{(.*?)\}", tex) for key in group.split(",")}
    assert cited <= set(keys) and len(set(keys)) == len(keys) and len(cited) >= 3


def test_the_same_records_give_the_same_text(results: Path, table: Paper) -> None:
    again = paper(list(reversed(read_records(results))))
    for write in (latex, markdown, as_csv, references):
        assert write(table) == write(again)


def test_choice_and_refusals(results: Path) -> None:
    records = read_records(results)
    some = paper(records, datasets=["sidd"], chosen=["r2r", "blur"])
    assert [row.name for row in some.rows] == ["Gaussian blur", "R2R (sidd-paper)"] and len(some.sets) == 1
    for words, says in (
        ({"datasets": ["side"]}, "Did you mean 'sidd'"),
        ({"chosen": ["r2"]}, "Did you mean 'r2r'"),
        ({"convention": "unclamped-float"}, "no finished row"),
    ):
        with pytest.raises(UserError, match=says):
            paper(records, **words)


def test_odd_names_are_text_only(tmp_path: Path) -> None:
    scored(tmp_path, "a_b%&#$", 30 + draws(0, 6), recipe=r"\input{x}^~", cell="odd-1")
    scored(tmp_path, "blur", np.full(6, np.inf), cell="odd-2")
    tex = latex(paper(read_records(tmp_path)))
    assert r"a\_b\%\&\#\$ (\textbackslash{}input\{x\}\textasciicircum{}\textasciitilde{})" in tex
    assert r"$\infty$" in tex and r"\input{x}" not in tex


def test_perceptual_columns_where_they_are_asked_for(tmp_path: Path) -> None:
    """Lower is better in the marks; the figures are those of leaderboard.csv; a row without one has an empty cell."""
    perceived = with_distances(tmp_path)
    found = paper(read_records(perceived), columns=("psnr", "dists"))
    (each,) = found.sets
    marks = {key: entry.mark for key, entry in each.entries.items() if key[1] != "ssim"}
    names = {row.method: row.name for row in found.rows}
    assert marks[names["r2r"], "psnr"] == BEST and marks[names["lir"], "dists"] == BEST
    assert marks[names["r2r"], "dists"] == SECOND and (names["mssr"], "dists") not in marks
    tex, text = latex(found), markdown(found)
    assert "DISTS (lower is better)" in tex and "SSIM" not in tex and r"\textbf{0.1000}" in tex
    assert cells(tex)[names["mssr"]][1] == "--" and "**0.1000**" in text
    (line,) = [line for line in csv.DictReader(io.StringIO(as_csv(found))) if line["method"] == "lir"]
    assert line["dists"] == "0.1000" and line["dists_mark"] == "best" and "ssim" not in line
    write_leaderboard(perceived)
    with (perceived / "leaderboard.csv").open(newline="", encoding="utf-8") as stream:
        (stored,) = [row for row in csv.DictReader(stream) if row["method"] == "lir"]
    assert f"{float(stored['dists']):.4f}" == line["dists"]
    assert "dists" not in as_csv(paper(read_records(perceived)))


def test_columns_that_are_not_there(tmp_path: Path) -> None:
    perceived = with_distances(tmp_path)
    with pytest.raises(UserError, match="No row has niqe: run the methods again with `--conventions niqe`"):
        paper(read_records(perceived), columns=("psnr", "niqe"))
    with pytest.raises(UserError, match="column"):
        paper(read_records(perceived), columns=("psnrr",))
