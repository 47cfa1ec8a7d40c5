"""Records on disk: schema, round trip, damage."""

from __future__ import annotations

import json
import math
from dataclasses import fields, replace

import jsonschema
import pytest

from benchmark.leaderboard.compare import paired_estimate
from benchmark.records.cell import Cell, Reason
from benchmark.records.files import (
    ResultsError,
    from_json,
    read_record,
    read_records,
    read_scores,
    to_json,
    write_record,
)
from benchmark.records.record import Costs, Figures, ImageScore, Perceived, Record, Training
from benchmark.records.schema import SCHEMA, problem
from benchmark.scoring.statistics import Interval
from datasets.core.dataset_ref import DatasetRef
from datasets.core.errors import UserError


def a_record(**more) -> Record:
    psnr = Interval(30.5, 30.0, 31.0, "t", "", 12, 6)
    figures = {"float-gauss": Figures(psnr, replace(psnr, mean=0.9, low=None, high=None), 12, 6)}
    return Record(
        **{
            "id": "half-squares-0123",
            "cell": Cell("half", DatasetRef("squares", {}, "test")),
            "status": "done",
            "figures": figures,
            "costs": Costs(10, 1.5, None, 20.0),
            **more,
        }
    )


def test_the_schema_is_a_schema_and_names_every_field():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert set(SCHEMA["properties"]) == {f.name for f in fields(Record)} - {"folder"} | {"checksum"}


@pytest.mark.parametrize(
    "record",
    [
        a_record(),
        a_record(status="failed", reason=Reason("busy", "why"), figures={}, training=Training((DatasetRef("a"),))),
    ],
)
def test_what_is_written_fits_the_schema_and_comes_back(tmp_path, record):
    folder = write_record(tmp_path, record, [])
    value = json.loads((folder / "record.json").read_text())
    jsonschema.validate(value, SCHEMA)
    assert read_record(folder) == replace(record, folder=str(folder))


def test_ends_that_no_mean_can_reach_are_not_kept():
    """Nor read from the files of earlier versions; a PSNR has no such bounds, a distance only one."""
    wide = Interval(0.9, -1.4, 1.2, "skew-t", "", 6, 6)
    found = Figures(wide, wide, 6, 6)
    assert (found.ssim.low, found.ssim.high) == (-1, 1) and found.psnr == wide
    seen = Perceived(wide, 6, 6)
    assert (seen.value.mean, seen.value.low, seen.value.high) == (0.9, 0, 1.2)
    ours, theirs = (
        [{f"{s}": ImageScore(f"{s}", f"{s}", {"ssim[x]": v, "psnr[x]": v})} for s, v in enumerate(each)]
        for each in ((1.0, 1.0, 1.0, 1.0, -1.0), (-1.0, -0.9, -1.0, -1.0, 1.0))
    )
    first, second = ({k: v for row in rows for k, v in row.items()} for rows in (ours, theirs))
    gap, estimate = paired_estimate([first], [second], "ssim[x]")
    assert gap.high == 2 < estimate.ends()[1]
    assert paired_estimate([first], [second], "psnr[x]")[0].high == estimate.ends()[1]


def test_infinite_means_come_back(tmp_path):
    perfect = Figures(Interval(math.inf, None, None, "none", "identical", 2, 2), None, 2, 2)
    folder = write_record(tmp_path, a_record(figures={"x": perfect}))
    assert json.loads((folder / "record.json").read_text())["figures"]["x"]["psnr"]["mean"] == "inf"
    assert read_record(folder).figures["x"] == perfect


DAMAGES = [
    lambda value: value["cell"]["data"].pop("name"),
    lambda value: value.update(surprise=1),
    lambda value: value.update(status="nearly"),
    lambda value: value["costs"].update(params=-1),
    lambda value: value["cell"]["inference"].update(tile=True),
    lambda value: value["cell"].update(limit="three"),
    lambda value: value["figures"]["float-gauss"].pop("n"),
    lambda value: value["figures"]["float-gauss"]["psnr"].update(mean=[]),
    lambda value: value["costs"].update(params="many"),
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_light_check_agrees_with_jsonschema(damage):
    value = to_json(a_record())
    assert problem(value) == ""
    damage(value)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(value, SCHEMA)
    assert problem(value)
    with pytest.raises(UserError, match="is no record of this version"):
        from_json(value)


def test_foreign_and_damaged_folders_are_reported_not_fatal(tmp_path):
    runs = tmp_path / "runs"
    write_record(tmp_path, a_record(id="b"))
    write_record(tmp_path, a_record(id="a"))
    for name, content in (("cut", '{"cell": "c'), ("list", "[1]"), ("other", '{"hello": 1}'), ("bytes", "\udcff")):
        (runs / name).mkdir()
        (runs / name / "record.json").write_text(content, errors="surrogateescape")
    (runs / "empty").mkdir()
    (runs / "note.txt").write_text("mine")
    warned = []
    assert [record.id for record in read_records(tmp_path, warned.append)] == ["a", "b"]
    assert len(warned) == 4 and all(str(runs) in line for line in warned)
    assert read_records(tmp_path / "nowhere") == []


def test_scores_come_back_exactly(tmp_path):
    rows = [
        ImageScore("a,b", "s", {"psnr[x]": 0.1 + 0.2, "ssim[x]": None}),
        ImageScore("c", "t", {"psnr[x]": math.inf, "ssim[x]": 1e-300}),
    ]
    folder = write_record(tmp_path, a_record(), rows)
    assert read_scores(folder) == rows
    (folder / "scores.csv").write_text("name,scene,psnr[x]\na,s,thirty\n")
    with pytest.raises(UserError, match="cannot be read"):
        read_scores(folder)


def test_scores_are_there_before_the_record(tmp_path, monkeypatch):
    seen = []
    folder = tmp_path / "runs" / a_record().id
    monkeypatch.setattr(
        "benchmark.records.files.fault_point",
        lambda phase: seen.append((phase, (folder / "scores.csv").exists(), (folder / "record.json").exists())),
    )
    write_record(tmp_path, a_record(), [ImageScore("a", "s", {})])
    assert seen == [("run.record", True, False)]


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path):
    (tmp_path / "runs").write_text("")
    with pytest.raises(ResultsError, match="name another folder by --results"):
        write_record(tmp_path, a_record())
