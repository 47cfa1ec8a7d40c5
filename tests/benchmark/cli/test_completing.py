"""Completion, as a shell asks for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("restoration-benchmark le", {"leaderboard"}),
        ("restoration-benchmark run --methods dg", {"dgunet"}),
        ("restoration-benchmark run --methods r2r,li", {"r2r,lir"}),
        ("restoration-benchmark run --dataset pol", {"polyu"}),
        ("restoration-benchmark run --save-c", {"--save-config"}),
    ],
)
def test_words_are_completed(line: str, words: set[str], tmp_path: Path) -> None:
    pytest.importorskip("argcomplete")
    answer = tmp_path / "answer"
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_IFS": "\n",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(answer),
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
    }
    subprocess.run([sys.executable, "-m", "benchmark"], env=environment, check=False, cwd=tmp_path)
    assert {word.strip() for word in answer.read_text().split("\n")} == words
