"""A machine with little memory: a sentence or a reason in the row; with memory the same command finishes."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from tests.faults.counts import count
from tests.faults.stages import COMMAND, ORDER, Stages
from tests.faults.test_hostile_files import prepared
from tests.helpers.kill import command

LEVELS = (0, 4, 16, 64, 256)  # MiB


def scarce(megabytes: str, *argv: str) -> int:
    """A scenario: the command line with so much memory more than its start has."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + (int(megabytes) << 20)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    return command(*argv)


@pytest.mark.parametrize("megabytes", [0, 4, 64])
def test_little_memory(killer, tmp_path, megabytes):
    """Cells that do not fit are a reason in their row; with memory the same command finishes."""
    prepared(tmp_path)
    where = ["--data", tmp_path / "data", "--results", tmp_path / "r", "--device", "cpu"]
    words = ["run", "--quiet", "--methods", "input", "--dataset", "folder", "--conventions", "float-gauss", *where]
    outcome = killer(f"{__name__}:scarce", megabytes, *words)
    assert outcome.code in (0, 1, 2) and "Traceback" not in outcome.output, outcome
    again = killer(f"{__name__}:scarce", 4096, *words)
    assert again.code == 0, again
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.faults
def test_every_command_with_little_memory(killer, tmp_path):
    stages, wrong = Stages(killer, tmp_path), []
    for name in ORDER:
        lost, refused = [], 0
        for megabytes in LEVELS:
            folders = stages.before(name)
            outcome = killer(f"{__name__}:scarce", megabytes, *folders.argv(name))
            refused += outcome.code != 0
            if outcome.code not in (0, 1, 2) or "Traceback" in outcome.output:
                lost.append(f"{name} with {megabytes} MiB: {outcome}")
            again = killer(COMMAND, *folders.argv(name))
            if again.code != 0 or folders.left(name) != stages.left[name]:
                lost.append(f"{name} with {megabytes} MiB, again: {again}")
        count("little memory", name, len(LEVELS), len(lost), detected=refused)
        wrong += lost
    assert wrong == []
