"""A disk that is full, read-only or becomes so: a sentence, and with room again the same command finishes."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.counts import count
from tests.helpers.kill import Killer
from tests.test_kill import Folders

COMMAND = "tests.helpers.kill:command"
BEFORE = {"prepare": (), "train": ("prepare",), "run": ("prepare", "train")}
LEVELS = 4  # of fullness, of each command
pytestmark = pytest.mark.faults


class Disk:
    """A small file system in memory."""

    def __init__(self, where: Path) -> None:
        self.where = where
        where.mkdir()
        self._mount("-t", "tmpfs", "-o", "size=512m", "none")

    def _mount(self, *words: str) -> bool:
        return subprocess.run(["mount", *words, str(self.where)], capture_output=True).returncode == 0

    def room(self, spare: int) -> None:
        """Leave so many bytes beside what is there."""
        used = shutil.disk_usage(self.where).used
        assert self._mount("-o", f"remount,size={(used + spare) // 4096 * 4096 + 4096}")

    def only_read(self, only: bool) -> bool:
        """Whether the file system took the change: one with files open for writing does not."""
        return self._mount("-o", f"remount,{'ro' if only else 'rw'}")

    def close(self) -> None:
        subprocess.run(["umount", "-l", str(self.where)], check=False)


@pytest.fixture
def disk(tmp_path) -> Iterator[Disk]:
    if os.geteuid() or not shutil.which("mount"):
        pytest.skip("a file system of one's own needs root")
    made = Disk(tmp_path / "disk")
    if not os.path.ismount(made.where):
        pytest.skip("mounting is not allowed here")
    yield made
    made.close()


def started(killer: Killer, root: Path, command: str) -> Folders:
    """Folders with what the command starts from."""
    folders = Folders(root)
    for one in BEFORE[command]:
        done = killer(COMMAND, *folders.argv(one))
        assert done.code == 0, done.output
    return folders


def copied(before: Path, root: Path) -> Folders:
    if before.is_dir():
        shutil.copytree(before, root, dirs_exist_ok=True)
    return Folders(root)


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def sentence(output: str) -> bool:
    return "Traceback" not in output and bool(output.strip())


@pytest.mark.parametrize("command", BEFORE)
def test_a_full_disk(killer, tmp_path, disk, command):
    before = tmp_path / "before"
    started(killer, before, command)
    reference = copied(before, tmp_path / "reference")
    done = killer(COMMAND, *reference.argv(command))
    assert done.code == 0, done.output
    grown = size(tmp_path / "reference") - size(before)
    wanted, lost, full = reference.left(command), [], 0
    for level in range(LEVELS):
        root = disk.where / str(level)
        disk.room(256 << 20)
        folders = copied(before, root)
        disk.room(grown * level // LEVELS)
        outcome = killer(COMMAND, *folders.argv(command))
        full += outcome.code != 0
        if outcome.code < 0 or not (outcome.code == 0 or sentence(outcome.output)):
            lost.append(f"level {level}: {outcome}")
        disk.room(256 << 20)
        again = killer(COMMAND, *folders.argv(command))
        if again.code != 0 or folders.left(command) != wanted:
            lost.append(f"level {level}, again: {again}")
        lost += [f"level {level}: {path.name} was left" for path in root.rglob("*.part")]
        shutil.rmtree(root)
    count("full disk", command, LEVELS, len(lost), detected=full)
    assert lost == [] and full >= LEVELS - 2


@pytest.mark.parametrize("command", BEFORE)
@pytest.mark.parametrize("when", ["from the start", "while it works"])
def test_a_disk_that_can_only_be_read(killer, tmp_path, disk, command, when):
    before = tmp_path / "before"
    started(killer, before, command)
    reference = copied(before, tmp_path / "reference")
    assert killer(COMMAND, *reference.argv(command)).code == 0
    folders = copied(before, disk.where)
    folders.results.mkdir(exist_ok=True)
    stop = threading.Event()

    def close() -> None:
        while not stop.wait(0.05):
            if folders.data.exists() and disk.only_read(True):
                return

    if when == "from the start":
        assert disk.only_read(True)
    else:
        threading.Timer(0.3, close).start()
    outcome = killer(COMMAND, *folders.argv(command))
    stop.set()
    assert outcome.code == 0 or (outcome.code > 0 and sentence(outcome.output)), outcome
    if when == "from the start":
        assert outcome.code in (1, 2) and "ead-only" in outcome.output, outcome
    assert disk.only_read(False)
    again = killer(COMMAND, *folders.argv(command))
    lost = again.code != 0 or folders.left(command) != reference.left(command) or list(disk.where.rglob("*.part"))
    count(f"read-only {when}", command, 1, int(bool(lost)), detected=int(outcome.code != 0))
    assert not lost, again
