"""Pages on disk: whole folders and single files, what they refuse to replace, and the commands that write them."""

from __future__ import annotations

import base64
import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest

from benchmark.records.files import read_record
from benchmark.report.make import PageRequest, make_report
from benchmark.report.page import ASSETS, assets
from benchmark.scoring.conventions import score
from benchmark.scoring.noise_statistics import NoiseStatistics
from datasets.core.errors import UserError
from datasets.ops.images import read_image
from tests.helpers import report_material as material
from tests.helpers.command_line import Studio
from tests.helpers.made_records import keep, record


def part(folder, name: str):
    text = (folder / "data" / f"{name}.js").read_text()
    return json.loads(text[text.index(",") + 1 : text.rindex(")")])


def page(finished, out, **more):
    with material.added():
        return make_report(PageRequest(finished / "results", finished / "data", out, **more))


def files(folder) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_code_and_style_are_small_and_ask_no_network():
    assert sum(path.stat().st_size for path in ASSETS.iterdir()) < 200_000
    script = assets("js") + assets("css")
    assert re.findall(r"https?://[^\"' ]+", script) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", script)


def test_the_same_records_make_the_same_bytes(finished, tmp_path):
    index = page(finished, tmp_path / "one")
    page(finished, tmp_path / "two")
    assert index == tmp_path / "one" / "index.html"
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_what_the_page_knows_of_its_pictures(finished, tmp_path):
    page(finished, tmp_path, images=2)
    main, pictures = part(tmp_path, "main"), part(tmp_path, "set0-pictures")
    assert main["headline"] == "8 records on 1 set of images: 6 finished, 1 skipped, 1 failed."
    assert len(pictures) == 2 and main["sets"][0]["pictures"] == 2
    noise = NoiseStatistics()
    for picture in pictures:
        clean = read_image(tmp_path / picture["clean"])
        assert np.array_equal(clean, read_image(finished / "source" / "clean" / f"{picture['name']}.png"))
        noise.add(clean, read_image(tmp_path / picture["degraded"]))
        assert len(picture["files"]) == 6
        for key, path in picture["files"].items():
            output = read_image(tmp_path / path)
            kept = finished / "results" / "runs" / key / "images" / f"{picture['name']}.png"
            assert np.array_equal(output, read_image(kept))
            sums = np.frombuffer(base64.b64decode(picture["sse"][key]), "<u4").astype(float)
            psnr = 10 * np.log10(255**2 * clean.size / sums.sum())
            assert psnr == pytest.approx(score(output, clean, "uint8-gauss").psnr, abs=1e-6)
    assert main["sets"][0]["noise"]["deviation"] == pytest.approx(noise.deviation)


def test_paired_intervals_are_those_of_compare(finished, tmp_path):
    from benchmark.leaderboard.compare import compare
    from benchmark.records.files import read_records

    page(finished, tmp_path)
    rows, scores = part(tmp_path, "main")["sets"][0], part(tmp_path, "set0-c0")
    a, b = (next(i for i, key in enumerate(rows["records"]) if key.startswith(name)) for name in ("dim", "wave"))
    (pair,) = (p for p in scores["pairs"] if p[:3] == [a, b, "psnr"])
    lines = compare(read_records(finished / "results"), "dim", "wave")
    (line,) = (line for line in lines if line.convention == rows["conventions"][0])
    assert pair[3:6] == [line.psnr.mean, line.psnr.low, line.psnr.high]


def test_without_the_dataset_the_rows_are_still_compared(finished, tmp_path):
    with material.added():
        make_report(PageRequest(finished / "results", tmp_path / "nowhere", tmp_path / "page"))
    about, pictures = part(tmp_path / "page", "main")["sets"][0], part(tmp_path / "page", "set0-pictures")
    assert "prepare" in about["missing"] and about["noise"] is None
    assert pictures[0]["clean"] is None and len(pictures[0]["files"]) == 6


def test_a_damaged_picture_is_left_out_alone(finished, tmp_path):
    shutil.copytree(finished / "results", tmp_path / "results")
    (folder,) = (tmp_path / "results" / "runs").glob("dim-*")
    (folder / "images" / "p2.png").write_bytes(b"no picture")
    (folder / "images" / "p3.png").unlink()
    with material.added():
        make_report(PageRequest(tmp_path / "results", finished / "data", tmp_path / "page"))
    counts = {picture["name"]: len(picture["files"]) for picture in part(tmp_path / "page", "set0-pictures")}
    assert counts == {"p0": 6, "p1": 6, "p2": 5, "p3": 5, "p4": 6, "p5": 6}


def test_a_name_that_leads_out_of_the_folder_shows_nothing(finished, tmp_path):
    secret = tmp_path / "secret.png"
    shutil.copy(finished / "source" / "clean" / "p0.png", secret)
    keep(tmp_path / "results", record("r2r", "sidd"), {"../../../../secret": {"psnr[matlab-volume-float]": 30.0}})
    (tmp_path / "results" / "runs" / record("r2r", "sidd").id / "images").mkdir()
    make_report(PageRequest(tmp_path / "results", tmp_path, tmp_path / "page"))
    about = part(tmp_path / "page", "main")["sets"][0]
    assert about["pictures"] == 0 and "--save-images" in about["missing"]
    assert not (tmp_path / "page" / "images").exists()


def test_images_without_clean_ones_are_shown_without_scores(finished, tmp_path):
    shutil.copytree(finished / "results", tmp_path / "results")
    for path in (tmp_path / "results" / "runs").glob("*/record.json"):
        old = read_record(path.parent)
        names = {f"p{index}": {} for index in range(material.PICTURES)}
        keep(tmp_path / "results", replace(old, figures={}, folder=""), names)
    with material.added():
        make_report(PageRequest(tmp_path / "results", tmp_path, tmp_path / "page"))
    about = part(tmp_path / "page", "main")["sets"][0]
    assert about["plain"] and about["pictures"] == 6 and about["conventions"] == [""]
    assert [picture["tags"] for picture in part(tmp_path / "page", "set0-pictures")] == [[]] * 6


def test_one_file(finished, tmp_path):
    assert page(finished, tmp_path / "a" / "b.html", single=True) == tmp_path / "a" / "b.html"
    assert page(finished, tmp_path / "c", single=True) == tmp_path / "c" / "report.html"
    assert list(files(tmp_path)) == ["a/b.html", "c/report.html"] or len(files(tmp_path)) == 2
    text = (tmp_path / "a" / "b.html").read_text()
    assert text.count("data:image/png;base64,") == 6 * 8 and "src=" not in text.split("<script")[0]
    assert page(finished, tmp_path / "c", single=True)  # replaces its own


def test_an_earlier_page_is_replaced_and_nothing_else(finished, tmp_path):
    page(finished, tmp_path / "page")
    (tmp_path / "page" / "notes.txt").write_text("mine")
    page(finished, tmp_path / "page", images=1)
    assert len(list((tmp_path / "page" / "images").iterdir())) == 8
    assert (tmp_path / "page" / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("name", ["index.html", "data/x.csv", "images/mine.png"])
def test_what_is_not_ours_is_kept(finished, tmp_path, name):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("mine")
    with pytest.raises(UserError, match="--out"):
        page(finished, tmp_path)
    assert path.read_text() == "mine"


def test_a_file_in_the_way(finished, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UserError, match="Expected a folder for --out"):
        page(finished, tmp_path / "file" / "page")


def test_only_one_dataset(finished, tmp_path):
    shutil.copytree(finished / "results", tmp_path / "results")
    keep(tmp_path / "results", record("r2r", "sidd"), material.scores("matlab-volume-float"))
    with material.added():
        make_report(PageRequest(tmp_path / "results", finished / "data", tmp_path / "page", dataset="sidd"))
        with pytest.raises(UserError, match="no records of polyu"):
            make_report(PageRequest(tmp_path / "results", finished / "data", tmp_path / "p", dataset="polyu"))
    main = part(tmp_path / "page", "main")
    assert [section["dataset"] for section in main["board"]["sections"]] == ["sidd"]
    assert [card["name"] for card in main["cards"]] == ["r2r"] and len(main["sets"]) == 1


@pytest.mark.parametrize("there", ["nothing", "empty", "foreign"])
def test_a_folder_without_records_is_one_sentence(studio: Studio, there):
    if there != "nothing":
        studio.results.mkdir()
    if there == "foreign":
        (studio.results / "runs" / "holiday").mkdir(parents=True)
        (studio.results / "notes.txt").write_text("mine")
    before = files(studio.root)
    assert studio("report", "--results", studio.results, "--data", studio.data) == 2
    assert "There are no records under" in studio.sentence and "benchmark run --dataset demo" in studio.sentence
    assert files(studio.root) == before


def test_the_verb_says_how_the_page_is_opened(studio: Studio, finished):
    shutil.copytree(finished / "results", studio.results)
    with material.added():
        assert studio("report", "--results", studio.results, "--data", finished / "data") == 0
        assert studio.out == f"Open {(studio.results / 'report' / 'index.html').as_uri()}\n"
        words = ("--single-file", "--out", studio.root / "x.html", "--json")
        assert studio("report", "--results", studio.results, "--data", finished / "data", *words) == 0
    assert json.loads(studio.out) == {"page": str(studio.root / "x.html")}


def test_a_run_ends_with_the_line_that_opens_its_page(studio: Studio):
    studio.prepared()
    assert studio.run("--methods", "plain") == 0
    last = studio.err.strip().splitlines()[-1]
    assert last.startswith("Look at it: python -m benchmark report --open --results ")
    assert studio(*last.removeprefix("Look at it: python -m benchmark ").replace(" --open", "").split()) == 0
    assert (studio.results / "report" / "index.html").is_file()


def test_a_run_writes_its_page(studio: Studio):
    studio.prepared()
    assert studio.run("--methods", "plain", "--report", "--save-images") == 0
    assert studio.out.splitlines()[-1].startswith("Open file:///")
    assert (studio.results / "report" / "images").is_dir()


def test_a_run_whose_page_cannot_be_written_does_not_begin(studio: Studio):
    studio.prepared()
    (studio.results / "report").mkdir(parents=True)
    (studio.results / "report" / "index.html").write_text("mine")
    assert studio.run("--methods", "plain", "--report") == 2
    assert "is kept" in studio.sentence and not (studio.results / "runs").exists()


def test_photographs_of_ones_own(studio: Studio, tmp_path):
    from benchmark.report.photos import photo_page, photo_report

    source = material.pictures(tmp_path / "p") / "degraded"
    pairs = [(path, material.pictures(tmp_path / "p") / "clean" / path.name) for path in sorted(source.iterdir())]
    index = photo_report(pairs, "plain only", photo_page(tmp_path / "out"))
    assert index == tmp_path / "out" / "report" / "index.html"
    pictures = part(index.parent, "set0-pictures")
    assert len(pictures) == 6 and pictures[0]["sse"] == {} and pictures[0]["crops"][0]["why"] == "changed most"
    assert photo_page(tmp_path / "one.png").folder == tmp_path / "one-report"
    with pytest.raises(UserError, match="no restored picture"):
        photo_report([(tmp_path / "a.png", tmp_path / "b.png")], "plain", photo_page(tmp_path / "other"))
