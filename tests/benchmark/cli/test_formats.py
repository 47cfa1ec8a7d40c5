"""From files of every depth to a figure, by the command line: what numpy says, or one sentence; and what is told."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from benchmark.cli import main
from benchmark.records.files import read_records, read_scores
from benchmark.records.record import Record
from tests.datasets.test_inputs import COMBINATIONS, made, psnr, twelve_bits, write
from tests.helpers.command_line import Studio
from tests.helpers.picture_files import pillow, pixels, png, tiff

SIZE = (40, 44, 3)


def smooth(seed: int, dtype: Any) -> np.ndarray:
    base = np.kron(np.random.default_rng(seed).random((5, 4, 3)), np.ones((8, 11, 1)))
    return (base * (1 if np.dtype(dtype).kind == "f" else np.iinfo(dtype).max)).astype(dtype)


def figure(results: Path) -> float:
    """The PSNR of the row `input`, as accurate as the leaderboard's CSV has it."""
    with (results / "leaderboard.csv").open(newline="") as stream:
        rows = [
            row for row in csv.DictReader(stream) if row["method"] == "input" and row["convention"] == "float-gauss"
        ]
    return float(rows[0]["psnr"])


MIXED = {
    "16 bits": (png(smooth(1, np.uint16)), ".png", png(smooth(2, np.uint16)), ".png", np.uint16, 65535),
    "floats": (tiff(smooth(1, np.float32)), ".tif", tiff(smooth(2, np.float32)), ".tif", np.float32, 1),
    "webp": (pillow(smooth(1, np.uint8), "WEBP", lossless=True), ".webp",
             png(smooth(2, np.uint8)), ".png", np.uint8, 255),
    "turned": (png(smooth(1, np.uint8), 6), ".png", tiff(smooth(2, np.uint8), 8), ".tif", np.uint8, 255),
}  # fmt: skip


@pytest.mark.parametrize("kind", MIXED)
def test_the_figure_of_the_input_is_numpys(studio: Studio, kind: str) -> None:
    degraded, end, clean, other, dtype, white = MIXED[kind]
    write(studio.source / "degraded" / f"a{end}", degraded)
    write(studio.source / "clean" / f"a{other}", clean)
    assert studio("prepare", "folder", "--source", studio.source, "--data", studio.data) == 0, studio.err
    assert studio.run("--methods", "input") == 0, studio.err
    wanted = psnr(smooth(1, dtype) / white, smooth(2, dtype) / white)
    assert figure(studio.results) == pytest.approx(wanted, abs=1e-3)


def agrees(folder: Path, capsys: pytest.CaptureFixture[str], combination: dict[str, Any]) -> None:
    """From files to the leaderboard: what numpy says, or one sentence from `prepare`."""
    wanted = made(folder / "s", **combination)
    spec = f"folder[peak={combination['peak']}]" if combination["peak"] else "folder"
    data, results = ("--data", str(folder / "data")), ("--results", str(folder / "results"))
    capsys.readouterr()
    code = main(["prepare", spec, "--source", str(folder / "s"), *data, "--quiet"])
    said = capsys.readouterr().err.strip()
    if wanted is None:
        assert code == 2 and len(said.splitlines()) == 1 and "Traceback" not in said
        return
    assert code == 0, said
    words = ("--methods", "input", "--conventions", "float-gauss", "--dataset", "folder", *data, *results, "--quiet")
    assert main(["run", *words]) == 0, capsys.readouterr().err
    assert figure(folder / "results") == pytest.approx(wanted, abs=1e-3)


PROPERTY = settings(deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@settings(PROPERTY, max_examples=12)
@given(**COMBINATIONS)
def test_run_agrees_with_numpy_or_prepare_refuses(tmp_path_factory, capsys, **combination) -> None:
    agrees(tmp_path_factory.mktemp("p"), capsys, combination)


@pytest.mark.golden_slow
@settings(PROPERTY, max_examples=200)
@given(**COMBINATIONS)
def test_two_hundred_combinations(tmp_path_factory, capsys, **combination) -> None:
    agrees(tmp_path_factory.mktemp("p"), capsys, combination)


def test_sixteen_bits_are_kept_by_run_save_images(studio: Studio) -> None:
    """A picture of 16 bits is written with 16, one of 8 bits with 8."""
    from datasets.ops.pictures.reading import decode

    for name, dtype in (("a", np.uint16), ("b", np.uint8)):
        for role in ("degraded", "clean"):
            write(studio.source / role / f"{name}.png", png(smooth(1, dtype)))
    assert studio("prepare", "folder", "--source", studio.source, "--data", studio.data) == 0, studio.err
    assert studio.run("--methods", "input", "--save-images", "--conventions", "float-gauss") == 0, studio.err
    found = {
        path.stem: decode(path.read_bytes(), path, 3, deep=True)
        for path in studio.results.glob("runs/input-*/images/*.png")
    }
    assert {name: image.dtype for name, image in found.items()} == {"a": np.uint16, "b": np.uint8}
    for name, image in found.items():
        np.testing.assert_array_equal(image, smooth(1, image.dtype), err_msg=name)


def test_a_picture_too_small_for_the_window_keeps_its_psnr(studio: Studio) -> None:
    """Case 18: SSIM is absent for that picture, and under a convention that cuts all of it away so is PSNR."""
    shapes = {"a": (40, 40, 3), "b": (8, 8, 3), "c": (40, 44, 3), "d": (3, 3, 3), "e": (10, 30, 3)}
    for name, shape in shapes.items():
        write(studio.source / "clean" / f"{name}.png", png(pixels(1, shape)))
        write(studio.source / "degraded" / f"{name}.png", png(pixels(2, shape)))
    assert studio("prepare", "folder", "--source", studio.source, "--data", studio.data) == 0, studio.err
    assert studio.run("--methods", "plain", "--save-outputs") == 0, studio.err
    (record,) = [one for one in read_records(studio.results) if one.cell.method == "plain"]
    n = {name: (figure.psnr.n, figure.ssim and figure.ssim.n) for name, figure in record.figures.items()}
    assert n["float-gauss"] == (5, 2) and n["unclamped-float"] == (5, None) and n["skimage7-uint8"] == (5, 4)
    assert n["matlab-volume-float"] == (5, 5) and n["rgb-border4-wang"] == (3, 2)
    assert (
        "no SSIM under skimage7-uint8, skimage7-float for 1 of 5 images, which are too small for it (d)" in record.note
    )
    assert "not scored under rgb-border4-wang for 2 of 5 images, which are too small for it (b, d)" in record.note
    rows = {row.name: row.values for row in read_scores(record.folder, record)}
    for name in shapes:
        restored, clean = (pixels(seed, shapes[name]).astype(np.float32) / 255 for seed in (2, 1))
        wanted = psnr(restored * np.float32(0.9), clean)
        assert rows[name]["psnr[float-gauss]"] == pytest.approx(wanted, abs=1e-3)
        assert (rows[name]["ssim[float-gauss]"] is None) == (name in "bde")
    assert figure_of(record, rows) == pytest.approx(record.figures["float-gauss"].ssim.mean)
    # what was saved is scored alike, by `score` and as another program's outputs
    words = ("--data", studio.data, "--results", studio.results)
    assert studio("score", "--outputs", record.folder, "--data", studio.data) == 0, studio.err
    outputs = Path(record.folder) / "outputs"
    assert studio("score", "--folder", outputs, "--dataset", "folder", "--name", "theirs", *words) == 0, studio.err
    (theirs,) = [one for one in read_records(studio.results) if one.cell.method == "theirs"]
    assert theirs.figures == record.figures and "no SSIM under" in theirs.note
    assert studio("leaderboard", "--results", studio.results) == 0, studio.err
    assert studio("leaderboard", "--results", studio.results, "--compare", "plain", "input") == 0, studio.err


def figure_of(record: Record, rows: dict[str, Any]) -> float:
    return float(np.mean([row["ssim[float-gauss]"] for row in rows.values() if row["ssim[float-gauss]"] is not None]))


def test_twelve_bits_from_files_to_the_figure(studio: Studio) -> None:
    twelve_bits(studio.source)
    assert studio("prepare", "folder", "--source", studio.source, "--data", studio.data) == 2
    assert "folder[peak=4095]" in studio.sentence
    assert studio("prepare", "folder[peak=4095]", "--source", studio.source, "--data", studio.data) == 0
    assert studio.run("--methods", "input") == 0, studio.err
    wanted = np.mean([twelve(studio.source, k) for k in range(3)])
    assert figure(studio.results) == pytest.approx(wanted, abs=1e-3)


def twelve(folder: Path, k: int) -> float:
    import tifffile

    noisy, clean = (tifffile.imread(folder / role / f"{k}.tif") / 4095.0 for role in ("degraded", "clean"))
    return float(psnr(noisy, clean))


def test_prepare_tells_what_it_found_on_screen_and_in_json(studio: Studio) -> None:
    for role in ("degraded", "clean"):
        write(studio.source / role / "a.png", png(pixels(1, SIZE), 3))
        write(studio.source / role / "b.heic", b"?")
    words = ("prepare", "folder", "--source", studio.source, "--data", studio.data)
    assert studio(*words) == 0
    for note in (
        "turned upright, as the orientation tag says: 1 picture (a)",
        "left out, not part of what is prepared",
    ):
        assert note in studio.out + studio.err
    assert studio(*words, "--json") == 0
    assert any("clean/b.heic" in note for note in json.loads(studio.out)["notes"])


def test_restore_tells_what_became_of_a_folder(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmark.cli import outputs
    from benchmark.inference.restorer import Restorer
    from methods import load

    monkeypatch.setattr(outputs, "restorer", lambda args, console: Restorer(load("plain")))
    write(studio.source / "a.png", png(pixels(1, SIZE, np.uint16)))
    write(studio.source / "sub" / "b.jpg", pillow(smooth(1, np.uint8), "JPEG"))
    write(studio.source / "sub" / "bad.png", b"no picture")
    write(studio.source / "c.cr2", b"?")
    words = ("restore", studio.source, "--methods", "plain", "--output", studio.root / "out")
    assert studio(*words) == 1
    said = " ".join((studio.out + studio.err).split())
    assert "Wrote 2 of 3 pictures to" in said and "1 at 8 bits, 1 at 16 bits, 1 skipped" in said
    assert "left out, .cr2 is not read: 1 picture (c.cr2)" in studio.out + studio.err
    assert "bad.png" in studio.err and "Traceback" not in studio.err
    found = {str(path.relative_to(studio.root / "out")) for path in (studio.root / "out").rglob("*.png")}
    assert found == {"a.png", "sub/b.png"}
    assert studio(*words, "--json") == 1
    assert json.loads(studio.out)["notes"] == ["left out, .cr2 is not read: 1 picture (c.cr2)"]
