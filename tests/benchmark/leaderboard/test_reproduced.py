"""How far a paper's figures were met: read from tables, whatever became of these."""

from __future__ import annotations

import pytest

from benchmark.leaderboard import reproduced as module

HEAD = "method,comparable,delta_psnr,dataset\n"


@pytest.mark.parametrize(
    "table",
    [b"\xff\xfe", b"a" * 200_000, b"", HEAD.encode() + b"r2r,yes,x,sidd\n", HEAD.encode() + b"r2r\n"],
    ids=["no UTF-8", "a field without end", "empty", "no number", "cut short"],
)
def test_a_broken_table_says_nothing(tmp_path, monkeypatch, table):
    monkeypatch.setattr(module, "shipped", lambda name: tmp_path / "shipped" / name)
    (tmp_path / "leaderboard.csv").write_bytes(table)
    assert module.reproduced("r2r", tmp_path).startswith("open: ")
    (tmp_path / "shipped").mkdir()
    (tmp_path / "shipped" / "leaderboard.csv").write_text(HEAD + "r2r,yes,-0.04,sidd\n")
    assert module.reproduced("r2r", tmp_path) == "-0.04 dB on sidd"
