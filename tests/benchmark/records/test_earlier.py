"""Results folders with records in the flat form that they had first are read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmark.leaderboard.rows import board_rows
from benchmark.records.earlier import NOTE
from benchmark.records.files import from_json, read_records, to_json
from datasets.core.dataset_ref import DatasetRef
from datasets.core.errors import UserError

INTERVAL = {"mean": 32.37, "low": 28.5, "high": 36.2, "kind": "t", "reason": "", "n": 20, "scenes": 5}
FLAT = {
    "cell": "dgunet-demo-0123456789ab", "status": "done", "method": "dgunet", "dataset": "demo", "split": "test",
    "reason": "", "recipe": "cpu", "tier": "cpu", "recipe_digest": "d", "settings": {"restore.patch": 0},
    "method_version": "1", "variant": "", "reference": False, "weights": "cpu-demo.safetensors", "weights_sha256": "w",
    "train_data": "demo[sigma=50]-train", "train_fingerprint": "t", "train_steps": 2000, "train_licence": "CC0",
    "selected_by": "demo validation", "options": {}, "task": "denoise", "degradation": "raw-isp", "fingerprint": "f",
    "partial": "partial: 20 of 24", "convention": "float-gauss", "seed": 1, "noise_seed": 2, "limit": 20,
    "ensemble": True, "tile": 64, "precision": "fp32", "tf32": True, "grey_as_rgb": False,
    "figures": {"float-gauss": {"psnr": INTERVAL, "ssim": None, "n": 20, "scenes": 5}}, "n": 20,
    "costs": {"params": 10, "gmacs": None, "ms_per_megapixel": 1.5, "peak_mb": None}, "device": "cpu (x)",
    "versions": {"torch": "2"}, "commit": "c", "deterministic": False, "started": "2026", "seconds": 3.0, "note": "n",
}  # fmt: skip


def test_a_flat_record_keeps_everything():
    record = from_json(FLAT)
    cell, inference = record.cell, record.cell.inference
    assert (record.id, cell.method, cell.recipe, cell.seed, cell.limit) == (FLAT["cell"], "dgunet", "cpu", 1, 20)
    assert cell.data == DatasetRef("demo", {}, "test") and cell.degradation == "raw-isp"
    assert (inference.ensemble, inference.tile, inference.tf32, inference.noise_seed) == (True, 64, True, 2)
    assert record.training.data == (DatasetRef("demo", {"sigma": 50}, "train"),) and record.training.steps == 2000
    assert record.figures["float-gauss"].psnr.mean == 32.37 and record.data.images == 20
    assert record.environment.seconds == 3.0 and record.data.partial == "partial: 20 of 24"
    assert record.note == f"n; {NOTE}"  # it cannot say which code made it
    assert cell.code == "" and from_json(to_json(record)) == record


@pytest.mark.parametrize(
    ("status", "reason", "code"),
    [
        ("failed", "No weights of dgunet for demo were found. Train them.", "no-weights"),
        ("failed", "burst", "user-error"),
        ("skipped", "demo is for denoise", "unsuitable"),
    ],
)
def test_reasons_get_their_codes(status, reason, code):
    record = from_json(
        {**FLAT, "status": status, "reason": reason, "figures": {}, "train_data": "", "train_steps": None}
    )
    assert (record.reason.code, record.why, record.training) == (code, reason, None)


def test_a_folder_of_earlier_records_makes_a_table(tmp_path: Path):
    folder = tmp_path / "runs" / FLAT["cell"]
    folder.mkdir(parents=True)
    (folder / "record.json").write_text(json.dumps(FLAT))
    (row,) = board_rows(read_records(tmp_path))
    assert row.psnr.mean == 32.37


def test_a_damaged_flat_record_is_a_sentence():
    with pytest.raises(UserError, match=r"cell\.seed is str"):
        from_json({**FLAT, "seed": "one"})
