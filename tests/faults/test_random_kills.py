"""Kill -9 at random times, then the same command again: nothing is lost or left behind, the outcome is the same."""

from __future__ import annotations

import json
import random
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.benchmark.protocols.test_reproduce import left as left_by_reproduce
from tests.faults.counts import count
from tests.helpers.kill import Killer
from tests.helpers.learner import arranged
from tests.helpers.made_records import keep, record
from tests.test_kill import Folders

KILLS, IN_A_ROW = 40, 4  # of each command; before it is let finish
COMMAND = "tests.helpers.kill:command"


@dataclass(frozen=True)
class Work:
    """A command on folders of its own.

    Attributes:
        scenario, words: for the kill program, given the folder. before: makes what it starts from. left: what it
            leaves, to be compared with what an undisturbed one leaves.
    """

    scenario: str
    words: Callable[[Path], list[Any]]
    before: Callable[[Path], None]
    left: Callable[[Path], Any]


def _whole(root: Path) -> Folders:
    return Folders(root)


def _of_command(name: str, *earlier: str) -> Callable[[Path, Killer], Work]:
    def work(shared: Path, killer: Killer) -> Work:
        whole = _whole(shared / "whole")
        for one in earlier:
            done = killer(COMMAND, *whole.argv(one))
            assert done.code == 0, done.output

        def before(root: Path) -> None:
            if (shared / "whole").is_dir():
                shutil.copytree(shared / "whole", root, dirs_exist_ok=True)

        return Work(COMMAND, lambda root: _whole(root).argv(name), before, lambda root: _whole(root).left(name))

    return work


def _reproduce(shared: Path, killer: Killer) -> Work:
    arranged(shared)
    scenario = "tests.benchmark.protocols.test_reproduce:reproduce_learners"
    return Work(scenario, lambda root: [root / "results", shared], lambda root: None,
                lambda root: left_by_reproduce(root / "results"))  # fmt: skip


def _merge(shared: Path, killer: Killer) -> Work:
    names = ("r2r", "lir", "mssr", "dgunet", "scpgan", "blur", "nlm")
    for number, method in enumerate(names):
        scores = {f"s{k}-1": {"psnr[unclamped-float]": 33.4, "psnr[matlab-volume-float]": 33.5} for k in range(40)}
        keep(shared / f"theirs{number % 2}", record(method), scores)

    def words(root: Path) -> list[Any]:
        return ["merge", shared / "theirs0", shared / "theirs1", "--results", root / "results", "--quiet"]

    def left(root: Path) -> Any:
        found = [
            path for path in (root / "results").rglob("*") if path.is_file() and path.name not in ("lock", ".lock")
        ]
        return {str(path.relative_to(root)): path.read_bytes() for path in found}

    return Work(COMMAND, words, lambda root: None, left)


WORKS = {
    "prepare": _of_command("prepare"),
    "train": _of_command("train", "prepare"),
    "run": _of_command("run", "prepare", "train"),
    "reproduce": _reproduce,
    "merge": _merge,
}


def finished(root: Path) -> dict[Path, bytes]:
    """Records of cells that are done, and weights with a card: none of them is made twice."""
    found = {path: path.read_bytes() for path in root.rglob("runs/*/record.json")}
    return {path: data for path, data in found.items() if json.loads(data)["status"] == "done"}


@pytest.mark.faults
@pytest.mark.parametrize("command", WORKS)
def test_killed_at_random_times(killer, tmp_path, command):
    work = WORKS[command](tmp_path / "shared", killer)
    draw = random.Random(f"kills/{command}")
    for name in ("first", "reference"):  # the first one pays for imports
        work.before(tmp_path / name)
        start = time.monotonic()
        outcome = killer(work.scenario, *work.words(tmp_path / name))
        took = time.monotonic() - start
        assert outcome.code == 0, outcome.output
    wanted, kills, lost, chains = work.left(tmp_path / "reference"), 0, [], 0
    while kills < KILLS:
        root = tmp_path / f"chain{chains}"
        chains += 1
        assert chains <= KILLS, "commands end before they are killed"
        work.before(root)
        done: dict[Path, bytes] = {}
        for _ in range(min(IN_A_ROW, KILLS - kills)):
            kills += killer(work.scenario, *work.words(root), kill=f"@{draw.uniform(0, took):.4f}").killed
            done |= {path: data for path, data in finished(root).items() if path not in done}
        last = killer(work.scenario, *work.words(root))
        left = work.left(root) if last.code == 0 else last.output
        if left != wanted:
            lost.append(f"chain {chains}: another outcome: {left!r:.300}")
        if {path: path.read_bytes() for path in done} != done:
            lost.append(f"chain {chains}: a finished cell was run again")
        lost += [f"chain {chains}: {path.name} was left" for path in root.rglob("*.part")]
        shutil.rmtree(root)
    count("random kills", command, kills, len(lost))
    assert lost == []
