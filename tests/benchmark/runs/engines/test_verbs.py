"""`train --seeds` and `reproduce` with workers: what one process makes, made by two at a time."""

from __future__ import annotations

import csv

import pytest

from benchmark.cli import main
from benchmark.records.files import read_records

PROTOCOL = """
title = "Two seeds"
about = "A few steps on crops of the demo."
tests = ["demo"]
train = "demo:train"
seeds = [0, 1]

[tiers.cpu]
budget = "a second"
patch_pixels = 1024

[[tiers.cpu.rows]]
method = "r2r"
recipe = "tiny"
steps = 2
"""
PLACES = {"here": ["--engine", "here", "--threads", "1"], "away": ["--workers", "2", "--threads", "1"]}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    assert main(["prepare", "demo", "--data", str(folder), "--quiet"]) == 0
    return folder


def weights(results) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in results.glob("weights/r2r/*.safetensors")}


def test_trainings_of_several_seeds(toys, data):
    for place, how in PLACES.items():
        words = ["train", "--methods", "r2r", "--recipe", "tiny", "--dataset", "demo", "--seeds", "0,1", "--steps", "2"]
        where = ["--data", str(data), "--results", str(toys.root / place), "--device", "cpu", "--quiet"]
        assert main([*words, *where, *how]) == 0
    here, away = (weights(toys.root / place) for place in PLACES)
    assert len(here) == 2 and here == away


def test_a_protocol(toys, data):
    (toys.root / "two.toml").write_text(PROTOCOL, encoding="utf-8")
    tables = []
    for place, how in PLACES.items():
        where = ["--data", str(data), "--results", str(toys.root / place), "--device", "cpu", "--quiet"]
        assert main(["reproduce", str(toys.root / "two.toml"), "--tier", "cpu", *where, *how]) == 0
        records = read_records(toys.root / place)
        tables.append({record.id: (record.status, record.scores, repr(record.figures)) for record in records})
        with (toys.root / place / "protocols" / "two.csv").open(newline="", encoding="utf-8") as stream:
            assert sum(row["method"] == "r2r" for row in csv.DictReader(stream)) == 1
    assert tables[0] == tables[1] and {status for status, *_ in tables[0].values()} == {"done"}
    assert weights(toys.root / "here") == weights(toys.root / "away")
