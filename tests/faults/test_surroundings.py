"""What a machine may do between two commands: a clock set back, another name. Nothing is done twice, or is lost."""

from __future__ import annotations

import os
import platform
import socket
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.faults.counts import count
from tests.faults.stages import Stages
from tests.helpers.command_line import Studio
from tests.helpers.kill import command

CHANGES = ("clock set back", "clock set forward", "files of the future", "another host")
HALFWAY = {"prepare": "prepare.image:30", "train": "train.step:3", "run": "run.score:2"}  # where they are killed


def everything(folder: Path) -> dict[Path, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file() and path.name not in ("lock", ".lock"))
    return {path: path.read_bytes() for path in found if "leaderboard" not in path.name}


def changed(monkeypatch: pytest.MonkeyPatch, change: str, files: Iterable[Path]) -> None:
    if change.startswith("clock"):
        away = -1e8 if "back" in change else 1e8
        true = time.time
        monkeypatch.setattr(time, "time", lambda: true() + away)
    elif change == "another host":
        monkeypatch.setattr(socket, "gethostname", lambda: "elsewhere")
        monkeypatch.setattr(platform, "node", lambda: "elsewhere")
    else:
        for path in files:
            os.utime(path, (4e9, 4e9))


@pytest.mark.parametrize("change", CHANGES)
def test_nothing_is_done_again(studio: Studio, monkeypatch, change):
    studio.prepared()
    run = ("--methods", "plain", "--conventions", "float-gauss", "--save-outputs", "--quiet")
    assert studio.run(*run) == 0, studio.err
    before = everything(studio.data) | everything(studio.results)
    changed(monkeypatch, change, before)
    assert studio("prepare", "folder", "--source", studio.source, "--data", studio.data, "--quiet") == 0
    assert studio.run(*run) == 0, studio.err
    assert everything(studio.data) | everything(studio.results) == before


def elsewhere(change: str, root: str, *argv: str) -> int:
    """A scenario: the command line on a machine that has changed."""
    changed(pytest.MonkeyPatch(), change, (path for path in Path(root).rglob("*") if path.is_file()))
    return command(*argv)


@pytest.fixture(scope="module")
def stages(killer, tmp_path_factory) -> Stages:
    return Stages(killer, tmp_path_factory.mktemp("stages"))


@pytest.mark.faults
@pytest.mark.parametrize("change", CHANGES)
def test_killed_and_gone_on_with_after_a_change(killer, stages, tmp_path, change):
    lost = []
    for name, phase in HALFWAY.items():
        folders = stages.before(name)
        killed = killer("tests.helpers.kill:command", *folders.argv(name), kill=phase, log=tmp_path / "log")
        outcome = killer(f"{__name__}:elsewhere", change, folders.data.parent, *folders.argv(name))
        if not killed.killed or outcome.code != 0 or folders.left(name) != stages.left[name]:
            lost.append(f"{name}: {killed}, then {outcome}")
        lost += [f"{name}: {path.name} was left" for path in folders.data.parent.rglob("*.part")]
    count("killed, then gone on with", change, len(HALFWAY), len(lost))
    assert lost == []
