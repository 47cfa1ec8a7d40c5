"""Saved outputs under more conventions, and somebody else's outputs as a row of their own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from benchmark.records.files import read_record, read_records, read_scores
from benchmark.records.record import Record
from benchmark.scoring.conventions import CONVENTIONS, score
from datasets.core.locks import exclusive
from datasets.ops.images import read_image, write_png
from tests.helpers.command_line import COUNT, Studio


def folder_of(studio: Studio, method: str) -> Path:
    (found,) = studio.results.glob(f"runs/{method}-*")
    return found


def row(studio: Studio, name: str) -> Record:
    (found,) = [record for record in read_records(studio.results) if record.cell.method == name]
    return found


def outputs(studio: Studio, kind: str) -> Path:
    """The degraded pictures, darkened, as somebody else would hand them in."""
    folder = studio.root / "theirs"
    folder.mkdir()
    for path in (studio.source / "degraded").glob("*.png"):
        dark = read_image(path).astype(np.float32) / 255 * np.float32(0.9)
        if kind == "npy":
            np.save(folder / f"{path.stem}.npy", dark)
        else:
            write_png(folder / path.name, np.rint(dark * 255).astype(np.uint8))
    return folder


def score_folder(studio: Studio, path: Path, *words: str) -> int:
    where = ("--data", studio.data, "--results", studio.results)
    return studio("score", "--folder", path, "--dataset", "folder", "--name", "theirs", *where, *words)


def test_more_conventions_for_saved_outputs(studio: Studio) -> None:
    studio.prepared()
    assert studio.run("--methods", "plain", "--save-outputs", "--conventions", "float-gauss") == 0
    run = folder_of(studio, "plain")
    before = read_record(run)
    assert studio("score", "--outputs", run, "--data", studio.data, "--conventions", "skimage7-uint8") == 0, studio.err
    after = read_record(run)
    assert before is not None
    assert after is not None
    assert set(after.figures) == {"float-gauss", "skimage7-uint8"}
    assert after.figures["float-gauss"] == before.figures["float-gauss"]
    first = read_scores(run)[0]
    restored, clean = np.load(run / "outputs/p0.npy"), read_image(studio.source / "clean/p0.png")
    expected = score(restored, clean, "skimage7-uint8")
    assert first.values["psnr[skimage7-uint8]"] == pytest.approx(expected.psnr, rel=1e-12)
    assert "skimage7-uint8" in (studio.results / "leaderboard.csv").read_text()


def test_a_cell_that_somebody_works_on_is_left_alone(studio: Studio) -> None:
    studio.prepared()
    assert studio.run("--methods", "plain", "--save-outputs", "--conventions", "float-gauss") == 0
    run = folder_of(studio, "plain")
    with exclusive(run / "lock", "the cell"):
        assert studio("score", "--outputs", run, "--data", studio.data) == 2
    assert "is working on the cell" in studio.sentence


def test_outputs_that_were_not_kept(studio: Studio) -> None:
    studio.prepared()
    assert studio.run("--methods", "plain") == 0
    assert studio("score", "--outputs", folder_of(studio, "plain"), "--data", studio.data) == 2
    assert "--save-outputs" in studio.sentence
    assert studio("score", "--outputs", studio.root, "--data", studio.data) == 2
    assert "no finished record" in studio.sentence


def test_outputs_of_images_that_are_no_longer_there(studio: Studio) -> None:
    studio.prepared()
    assert studio.run("--methods", "plain", "--save-outputs") == 0
    write_png(studio.source / "clean" / "p0.png", np.zeros((24, 24, 3), np.uint8))
    shutil.rmtree(studio.data)
    assert studio("prepare", "folder", "--source", studio.source, "--data", studio.data) == 0
    assert studio("score", "--outputs", folder_of(studio, "plain"), "--data", studio.data) == 2
    assert "holds other images" in studio.sentence


def test_float_outputs_equal_the_methods_own_row(studio: Studio) -> None:
    studio.prepared()
    assert studio.run("--methods", "plain") == 0
    assert score_folder(studio, outputs(studio, "npy")) == 0, studio.err
    ours, theirs = row(studio, "plain"), row(studio, "theirs")
    assert set(theirs.figures) == set(ours.figures)
    for name, figures in ours.figures.items():
        assert theirs.figures[name].psnr.mean == pytest.approx(figures.psnr.mean, abs=1e-4), name
    assert theirs.data.images == COUNT
    assert "outputs made elsewhere" in theirs.note


def test_pngs_only_under_the_8_bit_conventions(studio: Studio) -> None:
    studio.prepared()
    assert score_folder(studio, outputs(studio, "png")) == 0, studio.err
    theirs = row(studio, "theirs")
    assert theirs.figures
    assert not [name for name in theirs.figures if CONVENTIONS[name].needs_float]
    for name, convention in CONVENTIONS.items():
        if convention.needs_float and convention.plane != "one":
            assert f"{name} needs the float output" in theirs.note
            assert f"{name} needs the float output" in studio.err


def test_asking_pngs_for_a_float_convention(studio: Studio) -> None:
    studio.prepared()
    assert score_folder(studio, outputs(studio, "png"), "--conventions", "float-gauss") == 2
    assert "float-gauss needs the float output" in studio.sentence
    assert not list(studio.results.glob("runs/*/record.json"))


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("kind", ["uint8", "single"])
def test_matlab_blocks(studio: Studio, kind: str, compressed: bool) -> None:
    studio.prepared()
    folder = outputs(studio, "png" if kind == "uint8" else "npy")
    assert score_folder(studio, folder) == 0
    expected = row(studio, "theirs").figures
    read = read_image if kind == "uint8" else np.load
    images = [read(path) for path in sorted(folder.iterdir())]
    blocks = np.stack(images).reshape(2, COUNT // 2, *images[0].shape)
    scipy.io.savemat(studio.root / "blocks.mat", {"restored": blocks}, do_compression=compressed)
    shutil.rmtree(studio.results)
    assert score_folder(studio, studio.root / "blocks.mat") == 0, studio.err
    assert row(studio, "theirs").figures == expected


def test_other_outputs_are_another_row(studio: Studio) -> None:
    studio.prepared()
    folder = outputs(studio, "png")
    assert score_folder(studio, folder) == 0
    write_png(folder / "p0.png", np.zeros((24, 24, 3), np.uint8))
    assert score_folder(studio, folder) == 0
    assert len(list(studio.results.glob("runs/theirs-*"))) == 2


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda f: (f / "p3.png").unlink(), "1 are missing, the first p3.png"),
        (lambda f: (f / "p3.png").write_bytes(b""), "p3.png"),
        (lambda f: write_png(f / "p3.png", np.zeros((8, 8, 3), np.uint8)), "shape"),
        (lambda f: [p.unlink() for p in f.iterdir()], "6 are missing"),
    ],
)
def test_spoiled_outputs(studio: Studio, spoil, words: str) -> None:
    studio.prepared()
    folder = outputs(studio, "png")
    spoil(folder)
    assert score_folder(studio, folder) == 2
    assert words in studio.sentence
    assert not list(studio.results.glob("runs/*"))


def test_what_is_missing_on_the_command_line(studio: Studio) -> None:
    studio.prepared()
    assert studio("score", "--folder", studio.source) == 2
    assert "--dataset" in studio.sentence
    assert score_folder(studio, studio.root / "nowhere") == 2
    assert "there is none" in studio.sentence
    assert score_folder(studio, outputs(studio, "png"), "--name", "two words") == 2
    assert "one word" in studio.sentence


def test_json(studio: Studio) -> None:
    studio.prepared()
    assert score_folder(studio, outputs(studio, "png"), "--json") == 0
    assert {line["method"] for line in json.loads(studio.out)} == {"theirs"}
