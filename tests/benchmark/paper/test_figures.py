"""The figures: boxes, the whole kit from a run, fonts, the same bytes, and what is left out with a reason."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from benchmark.paper.boxes import Box, inside_of, largest_disagreement, parse_box, side_for
from benchmark.paper.charts import _curve, costs, curves
from benchmark.paper.rows import paper
from benchmark.records.files import read_records, read_scores
from benchmark.training.identity import weights_left
from datasets.core.errors import UserError
from datasets.core.sealed import write_sealed
from datasets.ops.images import read_image
from tests.helpers.command_line import Studio
from tests.helpers.latex import compile_preview, need_latex
from tests.helpers.scored_records import draws, rows_of, scored


def test_a_box_as_it_is_written() -> None:
    assert parse_box("a:b:1,2,30,40") == Box("a:b", 1, 2, 30, 40)
    assert parse_box("x:1,2,3,4").text == "x:1,2,3,4"
    assert parse_box("x:1,2,3,4").cut(np.arange(100).reshape(10, 10)).shape == (4, 3)
    for wrong in ("x", "x:1,2,3", "x:1,2,0,4", "x:-1,2,3,4", ":1,2,3,4"):
        with pytest.raises(UserError, match="Expected a box as NAME:x,y,w,h"):
            parse_box(wrong)
    with pytest.raises(UserError, match="beyond its image, which has 8 x 10 pixels"):
        inside_of(Box("x", 6, 0, 3, 3), (10, 8, 3))


def test_the_box_lies_where_the_outputs_disagree() -> None:
    """Against the variance of every place, written out."""
    images = [np.random.default_rng(k).random((40, 50, 3)) * 0.01 for k in range(3)]
    images[1][23:29, 31:37] += 0.4
    box, value = largest_disagreement("p", images, 8)
    plane = np.var(np.stack(images), axis=0).mean(axis=2)
    every = {(y, x): plane[y : y + 8, x : x + 8].mean() for y in range(33) for x in range(43)}
    assert (box.y, box.x) == max(every, key=every.__getitem__) and box.w == box.h == 8
    assert value == pytest.approx(max(every.values()))
    assert 21 <= box.y <= 23 and 29 <= box.x <= 31
    same, nothing = largest_disagreement("p", [images[0], images[0]], 8)
    assert (same.x, same.y, nothing) == (0, 0, 0)
    assert [side_for((h, w)) for h, w in ((400, 300), (16, 90), (4000, 3000))] == [75, 16, 128]


@pytest.fixture
def kept(studio: Studio) -> Studio:
    """Six pairs of 24 x 24 pixels, restored by `plain` and the baselines, outputs kept."""
    studio.prepared()
    assert studio.run("--methods", "plain", "--save-outputs", "--conventions", "float-gauss") == 0, studio.err
    return studio


def kit(studio: Studio, name: str, *words: str) -> Path:
    out = studio.root / name
    where = ("--data", studio.data, "--results", studio.results)
    assert studio("paper", "--out", out, *where, *words) == 0, studio.err
    return out


def test_the_whole_kit(kept: Studio) -> None:
    out = kit(kept, "one")
    names = sorted(path.name for path in out.iterdir())
    files = ["cost.pdf", "crops.csv", "crops.pdf", "crops.png", "preview.tex", "ranks-folder-test-own.pdf"]
    assert names == sorted([*files, "refs.bib", "table.csv", "table.md", "table.tex"])
    assert "No curves.pdf: no row's weights were trained" in kept.err
    for path in out.glob("*.pdf"):
        data = path.read_bytes()
        assert data.startswith(b"%PDF") and b"/FontFile2" in data and b"/Type3" not in data, path.name
        assert b"CreationDate" not in data
    picture = read_image(out / "crops.png")
    assert picture.shape[1] == pytest.approx(6.75 * 300, abs=1) and len(np.unique(picture)) > 50
    lines = list(csv.DictReader((out / "crops.csv").open(encoding="utf-8")))
    assert len({line["image"] for line in lines}) == 2
    assert [line["row"] for line in lines[:5]] == ["Input", "Gaussian blur", "Non-local means", "plain (only)", "Clean"]
    (record,) = (r for r in read_records(kept.results) if r.cell.method == "plain")
    by_name = {row.name: row.values for row in read_scores(record.folder, record)}
    for line in (line for line in lines if line["row"] == "plain (only)"):
        assert float(line["psnr"]) == pytest.approx(by_name[line["image"]]["psnr[float-gauss]"], abs=1e-4)


def test_the_same_records_give_the_same_bytes(kept: Studio) -> None:
    one, two = kit(kept, "one"), kit(kept, "two")
    for path in sorted(one.iterdir()):
        assert path.read_bytes() == (two / path.name).read_bytes(), path.name


def test_boxes_that_are_asked_for(kept: Studio) -> None:
    out = kit(kept, "one", "--box", "p3:2,4,12,10", "--box", "p1:0,0,8,8", "--methods", "plain,blur")
    lines = list(csv.DictReader((out / "crops.csv").open(encoding="utf-8")))
    assert [(line["image"], line["box"]) for line in lines[::4]] == [("p3", "2,4,12,10"), ("p1", "0,0,8,8")]
    where = ("--out", kept.root / "x", "--data", kept.data, "--results", kept.results)
    for box, says in (("p9:0,0,8,8", "no image 'p9'"), ("p1:20,0,8,8", "24 x 24 pixels"), ("p1", "NAME:x,y,w,h")):
        assert kept("paper", *where, "--box", box) == 2
        assert says in kept.sentence


def test_without_outputs_the_tables_come_and_a_sentence_says_why_there_are_no_crops(studio: Studio) -> None:
    studio.prepared()
    assert studio.run("--methods", "plain", "--conventions", "float-gauss") == 0, studio.err
    out = kit(studio, "one")
    assert (out / "table.tex").is_file() and not (out / "crops.pdf").exists()
    assert "No crops: No row on folder · test · own has kept its outputs: run the methods again with" in studio.err


def test_without_records_there_is_one_sentence(studio: Studio) -> None:
    assert studio("paper", "--out", "x", "--results", "nothing") == 2
    assert "no records under nothing" in studio.sentence


def test_costs_are_times_on_one_device_and_operations_on_several(tmp_path: Path) -> None:
    for method in ("blur", "r2r"):
        scored(tmp_path, method, 30 + draws(0, 6), device="cpu (one)")
    (panel,) = costs(paper(read_records(tmp_path)))
    assert panel.unit == "ms per megapixel (cpu (one))" and [p.cost for p in panel.points] == [1500, 1500]
    scored(tmp_path, "r2r", 30 + draws(0, 6), device="gpu")
    (panel,) = costs(paper(read_records(tmp_path)))
    assert panel.unit.startswith("GMAC") and [p.cost for p in panel.points] == [146, 146]


def test_a_curve_counts_steps_through_stages_and_is_named_after_its_row(tmp_path: Path) -> None:
    log = "stage,step,lr,seconds,l1,psnr\na,1,1,1,0.5,\na,2,1,1,0.4,30.5\nb,1,1,1,0.3,31\nb,2,1,1,nan,32\n"
    scored(tmp_path, "r2r", 30 + draws(0, 6), weights_sha256="a" * 64)
    for name, sha256 in (("r2r-1", "a"), ("r2r-2", "b")):
        folder = tmp_path / "training" / name
        folder.mkdir(parents=True)
        (folder / "log.csv").write_text(log)
        write_sealed(folder / "done.json", {"identity": {}, "weights": {"restorer": sha256 * 64}})
    (curve,) = curves(tmp_path, rows_of(tmp_path))
    assert curve.name == "R2R (sidd-paper)" and curve.value == "validation PSNR (dB)"
    assert curve.points == ((2, 30.5), (3, 31.0), (4, 32.0))
    rows = [{k: v for k, v in row.items() if k != "psnr"} for row in csv.DictReader(log.splitlines())]
    assert _curve("x", "", rows[:3]).points == ((1, 0.5), (2, 0.4), (3, 0.3))


def test_a_training_that_was_scored_once_is_shown_by_its_loss() -> None:
    log = [{"stage": "a", "step": f"{k}", "l1": f"{1 / k}", "psnr": "30.5" if k == 4 else ""} for k in range(1, 5)]
    found = _curve("x", ", seed 1", log)
    assert (found.name, found.value) == ("x, seed 1", "l1 of x") and [step for step, _ in found.points] == [1, 2, 3, 4]


def test_the_curves_of_real_trainings(studio: Studio) -> None:
    """Two methods for a few steps on the demo; their rows' scores are made up, their logs and weights are not."""
    where = ("--data", studio.data, "--results", studio.results, "--quiet")
    assert studio("prepare", "demo", "--data", studio.data, "--quiet") == 0, studio.err
    few = ("--recipe", "tiny", "--dataset", "demo", "--steps", "4", "--engine", "here")
    assert studio("train", "--methods", "dgunet,r2r", *few, *where) == 0, studio.err
    for method in ("dgunet", "r2r"):
        (folder,) = (studio.results / "training").glob(f"{method}-*")
        (sha256,) = weights_left(folder)
        scored(studio.results, method, 30 + draws(0, 6), dataset="demo", weights_sha256=sha256)
    found = curves(studio.results, rows_of(studio.results))
    assert [curve.name for curve in found] == ["DGUNet (sidd-paper)", "R2R (sidd-paper)"]
    assert all([step for step, _ in curve.points] == [1, 2, 3, 4] for curve in found)
    assert len({curve.value for curve in found}) == 2, "losses of two methods stand in panels of their own"
    assert "No curves.pdf" not in kit(studio, "one").name + studio.err
    data = (studio.root / "one" / "curves.pdf").read_bytes()
    assert data.startswith(b"%PDF") and b"/FontFile2" in data


def test_the_kit_compiles(kept: Studio) -> None:
    need_latex()
    record = next(r for r in read_records(kept.results) if r.cell.method == "plain")
    scored(kept.results, "r2r", 30 + draws(0, 9), dataset=record.cell.data.name, split="odd_% & split")
    out = kit(kept, "one")
    log, pages = compile_preview(out)
    assert pages >= 2
    for trouble in ("undefined", "Overfull", "Missing", "multiply defined"):
        assert trouble not in log, trouble
