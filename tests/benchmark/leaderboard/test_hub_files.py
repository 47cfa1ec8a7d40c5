"""Evaluation results and a model card for the Hub, from records."""

import math

import pytest

from benchmark.cli import main
from benchmark.leaderboard.hub_files import eval_results, hub_dataset, model_card, own_records
from benchmark.records.record import Perceived, Training
from datasets.core.dataset_ref import DatasetRef
from datasets.core.errors import UserError
from tests.helpers.made_records import figures, interval, keep, record

PLACES = {"sidd": ("org/sidd", "denoise")}


def made(**changes):
    training = Training((DatasetRef("polyu", {}, "train"),), "", 10, 'non-commercial: "quoted"')
    seen = {"dists": Perceived(interval(0.1, 0.01), 12, 12, "what it is")}
    values = {
        "training": training,
        "perceptual": seen,
        "weights_sha256": "ab" * 32,
        "started": "2026-01-02T03:04:05+00:00",
    }
    return record("r2r", **{**values, **changes})


def test_entries_are_those_that_the_hub_s_own_package_reads():
    yaml = pytest.importorskip("yaml")
    ((name, text),) = eval_results([made()], PLACES).items()
    assert name == ".eval_results/r2r-sidd-0123456789ab.yaml"
    (entry,) = yaml.safe_load(text)
    assert entry["dataset"] == {"id": "org/sidd", "task_id": "denoise"} and entry["value"] == 33.5
    assert "matlab-volume-float, 95 % interval 33.00 to 34.00; SSIM 0.9000; 12 images" in entry["notes"]
    assert "ab" * 32 in entry["notes"] and str(entry["date"]).startswith("2026-01-02")
    hub = pytest.importorskip("huggingface_hub", reason="the extra hub is not installed")
    (parsed,) = hub.parse_eval_result_entries([entry])
    assert (parsed.dataset_id, parsed.task_id, parsed.value) == ("org/sidd", "denoise", 33.5)


def test_partial_records_and_sets_without_a_place_have_no_entry():
    assert eval_results([made(partial="partial: 1 of 2")], PLACES) == {} and eval_results([made()], {}) == {}


def test_the_card_has_every_figure_and_no_infinite_one():
    yaml = pytest.importorskip("yaml")
    records = [made(), made(cell="r2r-sidd-1", figures={"float-gauss": figures(math.inf, 1.0, None)})]
    card = model_card(records)
    _, head, body = card.split("---\n", 2)
    (index,) = yaml.safe_load(head)["model-index"]
    metrics = [{m["name"]: m["value"] for m in result["metrics"]} for result in index["results"]]
    assert metrics[0]["PSNR (matlab-volume-float)"] == 33.5 and metrics[0]["DISTS (lower is better)"] == 0.1
    assert metrics[1] == {"SSIM (float-gauss)": 1.0, "DISTS (lower is better)": 0.1}
    assert 'terms of the training data: non-commercial: "quoted"' in body and "ab" * 32 in body and "DISTS ↓" in body


def test_the_verb_writes_both(tmp_path, capsys):
    keep(tmp_path, made(), {})
    words = ["export", "r2r", "--eval-results", "--results", str(tmp_path), "--output", str(tmp_path / "out")]
    assert main([*words, "--hub-dataset", "sidd=org/sidd:denoise"]) == 0
    assert sorted(path.name for path in (tmp_path / "out").rglob("*") if path.is_file()) == [
        "README.md", "r2r-sidd-0123456789ab.yaml",
    ]  # fmt: skip
    assert main(["export", "none", "--eval-results", "--results", str(tmp_path)]) == 2
    assert main([*words, "--hub-dataset", "sidd=sidd"]) == 2
    assert "Expected NAME=ORGANISATION/DATASET:TASK" in capsys.readouterr().err
    with pytest.raises(UserError, match="No finished record"):
        own_records([], "r2r")
    assert hub_dataset("a=b/c:d") == ("a", ("b/c", "d"))
