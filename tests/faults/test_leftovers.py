"""What killed processes leave half-written is cleared by the next command that writes the same files, and only that."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import methods
from benchmark.inference.photos import restore_pictures
from benchmark.inference.restorer import Restorer
from benchmark.leaderboard.files import write_leaderboard
from benchmark.records.merge import merge
from datasets.core.files import clear_parts_of, replacing
from datasets.core.locks import exclusive
from datasets.ops.images import write_png
from methods.registry import METHODS
from tests.helpers.command_line import Plain, Studio
from tests.helpers.made_records import keep, record

SCORES = {"s0-1": {"psnr[unclamped-float]": 33.4, "psnr[matlab-volume-float]": 33.5}}


def half(path: Path, process: int = 4_000_000) -> Path:
    """What a process leaves that was killed while it wrote a file."""
    left = path.with_name(f".{path.name}.{process}.part")
    left.parent.mkdir(parents=True, exist_ok=True)
    left.write_bytes(b"half")
    return left


def test_of_a_leaderboard(tmp_path):
    keep(tmp_path, record("r2r"))
    gone = [half(tmp_path / f"leaderboard.{end}") for end in ("csv", "md")]
    other = half(tmp_path / "mine.csv")
    write_leaderboard(tmp_path)
    assert [path.exists() for path in (*gone, other)] == [False, False, True]


def test_of_a_merge_and_a_cell_at_work_is_left_alone(tmp_path):
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for method in ("r2r", "lir"):
        keep(theirs, record(method), SCORES)
    first, second = sorted(path.name for path in (theirs / "runs").iterdir())
    gone = half(ours / "runs" / first / "scores.csv")
    (ours / "runs" / second).mkdir()
    with exclusive(ours / "runs" / second / "lock", "it"):
        outcome = merge(ours, [theirs])
    assert outcome.copied == [first] and len(outcome.refused) == 1 and "is working on the cell" in outcome.refused[0]
    assert not gone.exists() and not (ours / "runs" / second / "record.json").exists()
    assert merge(ours, [theirs]).copied == [second]


def test_of_a_run_with_outputs(studio: Studio):
    studio.prepared()
    words = ("--methods", "plain", "--save-outputs", "--save-images", "--conventions", "float-gauss", "--quiet")
    assert studio.run(*words) == 0, studio.err
    (cell,) = studio.results.glob("runs/plain-*")
    left = [half(cell / name) for name in ("record.json", "outputs/p1.npy", "images/p1.png")]
    assert studio.run(*words) == 0, studio.err
    assert not [path for path in left if path.exists()]


def test_of_restored_pictures(tmp_path):
    for name in ("a", "sub/b"):
        write_png(tmp_path / "in" / f"{name}.png", np.zeros((8, 8, 3), np.uint8))
    left = [half(tmp_path / "out" / f"{name}.png") for name in ("a", "sub/b", "else")]
    sources = [tmp_path / "in/a.png", tmp_path / "in/sub/b.png"]
    with METHODS.added({"plain": Plain}):
        restore_pictures(Restorer(methods.load("plain")), sources, tmp_path / "out", root=tmp_path / "in")
    assert [path.exists() for path in left] == [False, False, True]


@pytest.mark.parametrize("name", ["a.b.c", "x[1]", "n" * 240])
def test_names_of_every_kind(tmp_path, name):
    with replacing(tmp_path / name, durable=False) as part:
        part.write_bytes(b"half")
        clear_parts_of([tmp_path / "other"])
        assert part.exists()
        clear_parts_of([tmp_path / name])
        assert not part.exists()
        part.write_bytes(b"whole")
    assert (tmp_path / name).read_bytes() == b"whole"
