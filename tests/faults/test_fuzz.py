"""Mutants of everything that strangers may have written: each is read or ends in a sentence, in time and memory."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from datasets.core.files import replacing
from tests.helpers.fuzz_own_readers import OWN_READERS
from tests.helpers.fuzz_readers import READERS as STRANGE_READERS
from tests.helpers.fuzzing import Reader, keep, replay, run

FOUND = Path(__file__).parent / "found"  # inputs that once were findings
QUICK = 64
READERS = (*STRANGE_READERS, *OWN_READERS)
READER = pytest.mark.parametrize("reader", READERS, ids=[reader.name for reader in READERS])


def told(outcome, reader: Reader, folder: Path) -> str:
    return "\n".join(keep(folder, reader, outcome))


@READER
def test_mutants_are_read_or_refused(reader, tmp_path):
    outcome = run(reader, count=QUICK)
    assert told(outcome, reader, tmp_path) == ""
    assert outcome.tried == QUICK and outcome.read > 0 and outcome.refused > 0


@READER
def test_what_once_was_found_is_mended(reader, tmp_path):
    kept = sorted((FOUND / reader.name.replace(" ", "-")).glob("*.bin"))
    assert told(replay(reader, [path.read_bytes() for path in kept]), reader, tmp_path) == ""


def test_the_engine_finds_what_is_wrong(tmp_path):
    """A traceback, an end, a wait and a hunger for memory."""

    def bad(text: str) -> None:
        if text.startswith("1"):
            raise ZeroDivisionError
        if text.startswith("2"):
            os.abort()
        if text.startswith("3"):
            bytearray(8 << 30)  # more than any worker of the tests has freed and kept
        if text.startswith("4"):
            while True:
                pass

    reader = Reader("bad", lambda: [b"0"], bad)
    outcome = replay(reader, [b"0", b"1", b"2", b"3", b"4", b"0"])
    assert (outcome.tried, outcome.read) == (6, 2)
    assert {data for data, _ in outcome.findings.values()} == {b"1", b"2", b"3", b"4"}
    assert len(list(tmp_path.glob("*"))) == 0 and len(told(outcome, reader, tmp_path).splitlines()) == 4


@pytest.mark.faults
@pytest.mark.fuzz
@READER
def test_minutes_of_mutants(reader):
    """BENCHMARK_FUZZ_SECONDS (180) of each; findings stay in BENCHMARK_FUZZ_FOUND, counts go to results/fuzz.csv."""
    outcome = run(reader, seconds=float(os.environ.get("BENCHMARK_FUZZ_SECONDS") or 180), first=QUICK)
    found = Path(os.environ.get("BENCHMARK_FUZZ_FOUND") or FOUND)
    said = told(outcome, reader, found)
    target = Path(os.environ.get("BENCHMARK_FUZZ") or Path(__file__).parents[2] / "results" / "fuzz.csv")
    rows = {}
    if target.is_file():
        with target.open(newline="", encoding="utf-8") as stream:
            rows = {row["reader"]: row for row in csv.DictReader(stream)}
    counts = (outcome.tried, outcome.read, outcome.refused, len(outcome.findings))
    rows[reader.name] = dict(zip(("reader", "tried", "read", "refused", "open"), (reader.name, *counts), strict=True))
    with replacing(target) as part, part.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, ("reader", "tried", "read", "refused", "open"), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows[one.name] for one in READERS if one.name in rows)
    assert said == ""
