"""Real images through the whole path: prepared, restored, scored, recorded."""

from __future__ import annotations

import pytest

import datasets
from benchmark.planning.planner import plan
from benchmark.planning.request import RunRequest
from benchmark.runs.config import RunConfig
from benchmark.runs.runner import run_cell
from tests.helpers.material import material, needs_material

pytestmark = needs_material


def means(tmp_path, dataset, source, methods, **more):
    """Method -> convention -> mean PSNR."""
    datasets.prepare(dataset, source, tmp_path / "data")
    wanted = RunRequest(methods, (dataset,), data=tmp_path / "data", results=tmp_path / "results", **more)
    where = RunConfig(tmp_path / "data", tmp_path / "results", "cpu", ("float-gauss", "uint8-gauss"))
    records = [run_cell(one.cell, where) for one in plan(wanted) if one.cell.method in methods]
    assert [r.status for r in records] == ["done"] * len(methods), [r.why for r in records]
    return records, {r.cell.method: {k: f.psnr.mean for k, f in r.figures.items()} for r in records}


def test_the_input_row_of_real_sidd_blocks(tmp_path):
    """65 validation blocks, scenes 0 and 1 whole and one block of scene 2: measured 19.656 dB."""
    (record,), found = means(tmp_path, "sidd", material("data/sidd/val_blocks"), ("input",))
    assert found["input"]["float-gauss"] == pytest.approx(19.656, abs=0.001)
    figure = record.figures["float-gauss"]
    assert (figure.n, figure.scenes, figure.psnr.kind) == (65, 3, "none")
    assert record.data.partial == "partial: 65 of 1280" and record.data.partial in record.note


@pytest.mark.golden_slow
def test_r2r_official_weights_on_real_sidd_blocks(tmp_path):
    weights = str(material("weights/r2r_sidd_official.pth"))
    _, found = means(tmp_path, "sidd", material("data/sidd/val_blocks"), ("r2r",), weights=weights)
    assert found["r2r"]["float-gauss"] == pytest.approx(33.440, abs=0.02)
    assert found["r2r"]["uint8-gauss"] == pytest.approx(33.422, abs=0.02)


@pytest.mark.golden_slow
def test_r2r_official_weights_on_polyu(tmp_path):
    weights = str(material("weights/r2r_sidd_official.pth"))
    _, found = means(tmp_path, "polyu", material("data/polyu"), ("input", "r2r"), weights=weights)
    assert found["input"]["float-gauss"] == pytest.approx(35.969, abs=0.02)
    assert found["r2r"]["float-gauss"] == pytest.approx(37.198, abs=0.02)
    assert found["r2r"]["uint8-gauss"] == pytest.approx(37.164, abs=0.02)
