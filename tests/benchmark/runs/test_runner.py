"""Cells: what they leave, when they run again, and how they fail."""

from __future__ import annotations

import fcntl
import json
import multiprocessing
import os
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from benchmark.inference.settings import InferenceSettings
from benchmark.records.cell import NO_WEIGHTS, UNSUITABLE, Cell, Reason
from benchmark.records.files import ResultsError, read_record, read_scores, run_folder
from benchmark.runs.runner import run_cell
from benchmark.scoring.conventions import score
from datasets.core.dataset_ref import DatasetRef
from datasets.core.files import sha256_file
from tests.helpers.small_world import Half, Net, Squares, cell, context, weights

pytestmark = pytest.mark.usefixtures("world")


def folder_of(a_cell, tmp_path) -> Path:
    return run_folder(tmp_path / "results", a_cell.id)


def test_a_done_cell_leaves_figures_scores_and_provenance(tmp_path):
    one = cell("half", noise_seed=3)
    record = run_cell(one, context(tmp_path))
    assert (record.status, record.why, record.data.images) == ("done", "", 12)
    rows = read_scores(folder_of(one, tmp_path))
    data = Squares(None, noise_seed=3)
    expected = [score(0.5 + (s.degraded - 0.5) * np.float32(0.5), s.clean, "float-gauss") for s in data]
    assert [row.name for row in rows] == [s.name for s in data]
    np.testing.assert_allclose([row.values["psnr[float-gauss]"] for row in rows], [e.psnr for e in expected], rtol=1e-6)
    np.testing.assert_allclose([row.values["ssim[float-gauss]"] for row in rows], [e.ssim for e in expected], rtol=1e-5)
    figure = record.figures["float-gauss"]
    assert figure.psnr.mean == pytest.approx(np.mean([e.psnr for e in expected]))
    assert (figure.n, figure.scenes, figure.psnr.kind) == (12, 6, "skew-t")
    assert record.cell.degradation == "sigma25" and record.tier == "cpu" and record.environment.device.startswith("cpu")
    assert record.environment.versions["torch"] and record.costs.ms_per_megapixel > 0 and record.costs.peak_mb > 0
    assert read_record(folder_of(one, tmp_path)) == replace(record, folder=str(folder_of(one, tmp_path)))


def test_the_header_of_scores(tmp_path):
    one = cell("half")
    run_cell(one, context(tmp_path))
    header = (folder_of(one, tmp_path) / "scores.csv").read_text().splitlines()[0]
    assert header == "name,scene,psnr[float-gauss],ssim[float-gauss],psnr[uint8-gauss],ssim[uint8-gauss]"


def test_a_done_cell_is_not_run_again_unless_forced(tmp_path):
    one = cell("half")
    first = run_cell(one, context(tmp_path))
    calls = Half.calls
    assert run_cell(one, context(tmp_path)).environment.started == first.environment.started and Half.calls == calls
    run_cell(one, context(tmp_path, force=True))
    assert Half.calls > calls


def test_a_failed_cell_is_run_again(tmp_path, monkeypatch):
    one = cell("half")
    with monkeypatch.context() as patch:
        patch.setattr(Half, "restore", lambda self, x, info=None: 1 / 0)
        assert run_cell(one, context(tmp_path)).status == "failed"
    assert run_cell(one, context(tmp_path)).status == "done"


@pytest.mark.parametrize(
    ("method", "words"),
    [
        ("nan", "'image07' holds NaN"),
        ("pair", "pair returned a tuple of 2; name the one to score by output=..."),
        ("broken", "RuntimeError: the convolution burst"),
    ],
)
def test_what_a_method_does_wrong_is_named(tmp_path, method, words):
    record = run_cell(cell(method), context(tmp_path))
    assert record.status == "failed" and words in record.why
    assert read_record(folder_of(cell(method), tmp_path)).reason == record.reason


def test_ctrl_c_passes_through_and_leaves_no_record(tmp_path):
    one = cell("interrupted")
    with pytest.raises(KeyboardInterrupt):
        run_cell(one, context(tmp_path))
    assert {path.name for path in folder_of(one, tmp_path).iterdir()} == {"lock"}
    assert run_cell(cell("half"), context(tmp_path)).status == "done"


def test_a_second_run_of_the_same_cell_fails_with_a_sentence(tmp_path):
    one = cell("half")
    folder = folder_of(one, tmp_path)
    folder.mkdir(parents=True)
    with (folder / "lock").open("w") as other:
        other.write("4711")
        other.flush()
        fcntl.flock(other, fcntl.LOCK_EX)
        record = run_cell(one, context(tmp_path))
    assert record.status == "failed" and "Another run (process 4711) is working on half on squares" in record.why
    assert not (folder / "record.json").exists()
    assert run_cell(one, context(tmp_path)).status == "done"


def test_the_noise_level_is_unknown(tmp_path):
    record = run_cell(cell("picky", "unknown"), context(tmp_path))
    assert record.status == "skipped" and "noise level" in record.why


def test_no_ground_truth_is_restored_but_not_scored(tmp_path):
    one = cell("half", "unknown")
    record = run_cell(one, context(tmp_path, save_images=True))
    assert (record.status, record.data.images, record.figures) == ("done", 12, {})
    assert "no ground truth" in record.note
    assert len(list((folder_of(one, tmp_path) / "images").glob("*.png"))) == 12
    assert read_scores(folder_of(one, tmp_path))[0].values["psnr[float-gauss]"] is None


def test_images_below_the_least_side_are_skipped(tmp_path, monkeypatch):
    monkeypatch.setattr(Half, "given", replace(Half.given, min_side=64))
    record = run_cell(cell("half"), context(tmp_path))
    assert record.status == "skipped" and "24 x 20" in record.why and "64" in record.why


def test_a_planned_skip_and_missing_weights_become_records(tmp_path):
    assert (
        run_cell(replace(cell("half"), blocked=Reason(UNSUITABLE, "wrong task")), context(tmp_path)).status == "skipped"
    )
    missing = run_cell(replace(cell("net"), blocked=Reason(NO_WEIGHTS, "Train it with: ...")), context(tmp_path))
    assert (missing.status, missing.why) == ("failed", "Train it with: ...")


def test_more_conventions_come_from_saved_outputs(tmp_path):
    one = cell("half")
    first = run_cell(one, context(tmp_path, save_outputs=True))
    calls = Half.calls
    more = run_cell(one, context(tmp_path, conventions=("matlab-volume-float",)))
    assert Half.calls == calls
    assert list(more.figures) == ["float-gauss", "uint8-gauss", "matlab-volume-float"]
    assert more.figures["float-gauss"] == first.figures["float-gauss"] and more.costs == first.costs


def test_more_conventions_without_outputs_run_again_and_keep_the_old_ones(tmp_path):
    one = cell("half")
    run_cell(one, context(tmp_path))
    calls = Half.calls
    more = run_cell(one, context(tmp_path, conventions=("matlab-volume-float",)))
    assert Half.calls > calls and list(more.figures) == ["float-gauss", "uint8-gauss", "matlab-volume-float"]


def test_half_of_the_outputs_are_not_taken_for_all(tmp_path):
    """A run that was killed while it saved outputs of a cell that was done without them."""
    one = cell("half")
    run_cell(one, context(tmp_path))
    for kind, suffix in (("outputs", "npy"), ("images", "png")):
        (folder_of(one, tmp_path) / kind).mkdir()
        run_cell(one, context(tmp_path, **{f"save_{kind}": True}))
        assert len(list((folder_of(one, tmp_path) / kind).glob(f"*.{suffix}"))) == 12


def test_force_leaves_no_old_outputs_beside_new_figures(tmp_path):
    one = cell("half")
    run_cell(one, context(tmp_path, save_outputs=True, save_images=True))
    run_cell(one, context(tmp_path, force=True))
    assert sorted(path.name for path in folder_of(one, tmp_path).iterdir()) == ["lock", "record.json", "scores.csv"]


def test_a_failure_does_not_replace_a_finished_record(tmp_path, monkeypatch):
    one = cell("half")
    first = run_cell(one, context(tmp_path))
    monkeypatch.setattr(Half, "restore", lambda self, x, info=None: 1 / 0)
    again = run_cell(one, context(tmp_path, conventions=("matlab-volume-float",)))
    kept = read_record(folder_of(one, tmp_path))
    assert again.status == "failed" and kept is not None and kept.figures == first.figures


def test_conventions_that_do_not_fit_are_remarked(tmp_path):
    record = run_cell(cell("half"), context(tmp_path, conventions=("float-gauss", "awgn-grey")))
    assert list(record.figures) == ["float-gauss"] and "not scored under awgn-grey" in record.note


def test_a_read_only_results_folder_stops_the_run(tmp_path):
    (tmp_path / "results").write_text("a file where a folder should be")
    with pytest.raises(ResultsError, match="Cannot write results to"):
        run_cell(cell("half"), context(tmp_path))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_stops_the_run_with_a_sentence(tmp_path, monkeypatch):
    def full(path, value):
        with open("/dev/full", "w") as stream:
            json.dump(value, stream)

    monkeypatch.setattr("benchmark.records.files.write_sealed", full)
    with pytest.raises(ResultsError, match="the disk is full"):
        run_cell(cell("half"), context(tmp_path))


def test_no_room_for_outputs_is_said_before_restoring(tmp_path, monkeypatch):
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr("benchmark.runs.outputs.shutil.disk_usage", lambda folder: usage)
    with pytest.raises(ResultsError, match="has 0 MB left"):
        run_cell(cell("half"), context(tmp_path, save_outputs=True))
    assert Half.calls == 0


def test_the_notes(tmp_path):
    record = run_cell(cell("half", limit=4, ensemble=True, tile=16), context(tmp_path))
    for words in ("partial: 4 of 12", "mean over 8 flips", "tiles of 16"):
        assert words in record.note
    assert record.data.partial == "partial: 4 of 12" and record.figures["float-gauss"].psnr.kind == "none"


@pytest.mark.parametrize(
    ("card", "words"),
    [
        ({}, ""),
        ({"steps": 7}, "trained 7 of 10 steps"),
        ({"train_data": "other"}, "trained on other, where the recipe is for squares"),
        ({"recipe_settings": {"train.sigma": 15.0}}, "trained for sigma 15.0, run on 25.0"),
    ],
)
def test_weights_that_were_trained_otherwise_are_not_the_papers(tmp_path, monkeypatch, card, words):
    plain = {"tier": "paper", "data": ["squares"], "train": {"sigma": 25.0, "steps": 10}, "restore": {"part": 1.0}}
    monkeypatch.setattr(Net, "recipes", {"paper": plain})
    monkeypatch.setattr(Net, "given", replace(Net.given, variant="NET"))
    path = weights(tmp_path / "net.safetensors", recipe="paper", **card)
    one = replace(cell("net"), recipe="paper", weights=str(path), weights_sha256=sha256_file(path))
    record = run_cell(one, context(tmp_path))
    assert (record.status, record.variant) == ("done", "" if words else "NET") and words in record.note


@pytest.mark.parametrize(("tier", "note"), [("cpu", "trained on squares-train"), ("paper", "")])
def test_where_small_weights_come_from_is_said_on_another_dataset(tmp_path, monkeypatch, tier, note):
    """Papers' recipes train and test on different sets by rule; of ours nobody would know."""
    monkeypatch.setattr(Net, "recipes", {"small": {"tier": tier, "data": ["squares"], "restore": {"part": 1.0}}})
    monkeypatch.setattr(Net, "given", replace(Net.given, variant="NET"))
    path = weights(tmp_path / "net.safetensors", recipe="small", train_data="squares-train", steps=0)
    for name, words in (("squares", ""), ("unknown", note)):
        one = replace(cell("net", name), recipe="small", weights=str(path), weights_sha256=sha256_file(path))
        record = run_cell(one, context(tmp_path))
        assert record.variant == "NET"
        assert words in record.note and ("trained on" in record.note) == bool(words)


def test_grey_images_through_a_method_for_rgb(tmp_path):
    path = weights(tmp_path / "net.safetensors")
    one = cell("net", "greys", grey_as_rgb=True)
    one = replace(one, recipe="budget", weights=str(path), weights_sha256=sha256_file(path))
    record = run_cell(one, context(tmp_path))
    assert (record.status, record.why) == ("done", "") and record.costs.gmacs > 0
    assert "grey repeated as RGB" in record.note


def test_costs_that_cannot_be_counted_fail_no_cell(tmp_path, monkeypatch):
    monkeypatch.setattr("benchmark.runs.profiling.gmacs", lambda *given: 1 / 0)
    path = weights(tmp_path / "net.safetensors")
    one = replace(cell("net"), recipe="budget", weights=str(path), weights_sha256=sha256_file(path))
    record = run_cell(one, context(tmp_path))
    assert record.status == "done" and record.costs.gmacs is None


def test_weights_changed_since_planning_are_refused(tmp_path):
    path = weights(tmp_path / "net.safetensors")
    one = replace(cell("net"), recipe="budget", weights=str(path), weights_sha256="0" * 64)
    record = run_cell(one, context(tmp_path))
    assert record.status == "failed" and "changed since" in record.why


@pytest.mark.parametrize(
    "change",
    [
        {"method": "x"}, {"recipe": "x"}, {"recipe_digest": "x"}, {"settings": {"a": 1}}, {"weights_sha256": "x"},
        {"data": DatasetRef("x", {}, "s")}, {"data": DatasetRef("d", {}, "x")}, {"fingerprint": "x"}, {"limit": 3},
        {"data": DatasetRef("d", {"sigma": 50}, "s")}, {"seed": 1}, {"method_version": "2"}, {"code": "x"},
        {"degradation": "x"},
    ],
)  # fmt: skip
def test_the_id_changes_with_whatever_changes_a_pixel(change):
    base = Cell("m", DatasetRef("d", {}, "s"), "f")
    assert replace(base, **change).id != base.id


@pytest.mark.parametrize(
    "change",
    [
        {"ensemble": True}, {"tile": 64}, {"precision": "bf16"}, {"tf32": True}, {"grey_as_rgb": True},
        {"noise_seed": 1}, {"channels_last": "on"}, {"exact": True},
    ],
)  # fmt: skip
def test_the_id_changes_with_every_setting_of_the_inference(change):
    base = Cell("m", DatasetRef("d", {}, "s"), "f")
    assert replace(base, inference=InferenceSettings(**change)).id != base.id
    assert change.keys() <= {f.name for f in fields(InferenceSettings)}


@pytest.mark.parametrize("change", [{"weights": "x"}, {"blocked": Reason("busy", "x")}, {"note": "x"}, {"task": "x"}])
def test_the_id_does_not_change_with_anything_else(change):
    base = Cell("m", DatasetRef("d", {}, "s"), "f")
    assert replace(base, **change).id == base.id


def test_killed_while_forced_no_old_record_stands_beside_new_scores(tmp_path):
    one = cell("half")
    run_cell(one, context(tmp_path))

    def start():
        os.environ.update(BENCHMARK_KILL="run.record:1")
        run_cell(one, context(tmp_path, force=True))

    child = multiprocessing.get_context("fork").Process(target=start)
    child.start()
    child.join(60)
    assert child.exitcode == -9 and read_record(folder_of(one, tmp_path)) is None


@pytest.mark.parametrize("phase", ["run.restore:1", "run.score:9", "run.record:1"])
def test_killed_anywhere_the_same_command_finishes(tmp_path, phase):
    def start():
        os.environ.update(BENCHMARK_KILL=phase, BENCHMARK_KILL_LOG=str(tmp_path / "log"))
        run_cell(cell("half"), context(tmp_path))

    child = multiprocessing.get_context("fork").Process(target=start)
    child.start()
    child.join(60)
    assert child.exitcode == -9 and (tmp_path / "log").read_text() == phase.split(":")[0] + "\n"
    assert read_record(folder_of(cell("half"), tmp_path)) is None
    assert run_cell(cell("half"), context(tmp_path)).status == "done"
