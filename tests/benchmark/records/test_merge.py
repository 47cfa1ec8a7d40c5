"""Results of several machines in one folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark.records.cell import Reason
from benchmark.records.files import read_records
from benchmark.records.merge import merge
from datasets.core.errors import UserError
from tests.helpers.made_records import figures, keep, record

SCORES = {"s0-1": {"psnr[float-gauss]": 30.0}}


def test_records_are_copied_with_their_scores(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    keep(ours, record("input"), SCORES)
    keep(theirs, record("r2r"), SCORES)
    outcome = merge(ours, [theirs])
    assert outcome.copied == ["r2r-sidd-0123456789ab"]
    assert {r.cell.method for r in read_records(ours)} == {"input", "r2r"}
    source, copy = (root / "runs/r2r-sidd-0123456789ab" for root in (theirs, ours))
    for name in ("record.json", "scores.csv"):
        assert (copy / name).read_bytes() == (source / name).read_bytes()


def test_a_second_merge_changes_nothing(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    keep(theirs, record("r2r"), SCORES)
    merge(ours, [theirs])
    outcome = merge(ours, [theirs, theirs])
    assert outcome.copied == []
    assert outcome.conflicts == []
    assert len(outcome.same) == 2


def test_contradictions_are_told_and_ours_stays(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    keep(ours, record("r2r", figures={"float-gauss": figures(33.0)}))
    keep(theirs, record("r2r", figures={"float-gauss": figures(33.5)}))
    outcome = merge(ours, [theirs])
    (sentence,) = outcome.conflicts
    assert "ours has 33.0000 dB, theirs 33.5000 dB (float-gauss)" in sentence
    (kept,) = read_records(ours)
    assert kept.figures["float-gauss"].psnr.mean == 33.0


def test_last_digits_are_no_contradiction(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    keep(ours, record("r2r", figures={"float-gauss": figures(33.0)}))
    keep(theirs, record("r2r", figures={"float-gauss": figures(33.0005)}))
    assert merge(ours, [theirs]).same == ["r2r-sidd-0123456789ab"]


def test_a_finished_record_replaces_a_failed_one_but_not_the_reverse(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    failed = record("r2r", status="failed", reason=Reason("memory", "out of memory"), figures={})
    keep(ours, failed)
    keep(theirs, record("r2r"))
    assert merge(ours, [theirs]).copied == ["r2r-sidd-0123456789ab"]
    keep(theirs, failed)
    merge(ours, [theirs])
    assert [r.status for r in read_records(ours)] == ["done"]


def test_what_is_no_results_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no results folder: it has no runs/"):
        merge(tmp_path, [tmp_path / "none"])
    (tmp_path / "empty" / "runs").mkdir(parents=True)
    with pytest.raises(UserError, match="nothing to merge"):
        merge(tmp_path, [tmp_path / "empty"])
