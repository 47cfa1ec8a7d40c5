"""The shipped tables are what the shipped records say, to the last byte."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from benchmark.leaderboard.files import write_leaderboard
from benchmark.records.files import read_records, unsound

RESULTS = Path(__file__).resolve().parents[3] / "results"
HOMES = ("demo", "rows")


def test_every_row_has_its_record_and_its_scores_in_the_tree(tmp_path):
    said: list[str] = []
    for home in HOMES:
        for record in read_records(RESULTS / home, said.append):
            assert not unsound(record.folder, record)
            shutil.copytree(record.folder, tmp_path / "runs" / Path(record.folder).name)
    assert not said
    write_leaderboard(tmp_path)
    for name in ("leaderboard.csv", "leaderboard.md"):
        assert (tmp_path / name).read_bytes() == (RESULTS / name).read_bytes(), name


def test_records_hold_no_path_of_the_machine_that_made_them():
    texts = [path.read_text() for home in HOMES for path in (RESULTS / home).rglob("record.json")]
    assert len(texts) > 40
    assert not [found for text in texts for found in re.findall(r'"(?:/|[A-Z]:|~)[^"]*"|(?<=[ =])/\w[^"]*', text)]
