"""Kill -9 in every phase of `prepare`, `train` and `run`: the same command then finishes as if nothing had happened.

A chain is one command, killed again and again at the given passings of a phase, and then let run. What it leaves is
compared, byte for byte, with what an uninterrupted command leaves.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path

import pytest

from tests.helpers.kill import Killer, Outcome

# command -> phase -> passings at which one command after the other is killed
CHAINS = {
    "prepare": {"prepare.image": (1, 2, 30, 90, 120, 1), "prepare.manifest": (1, 1, 1)},
    "train": {
        "train.prepare": (1, 1, 10, 25),
        "train.step": (1, 2, 3, 4, 3, 1, 1),
        "train.checkpoint": (1, 1, 2, 2, 1),
        "train.evaluate": (1, 1, 1),
        "train.weights": (1, 2, 1, 2),
    },
    "run": {
        "run.restore": (1, 1, 2, 2, 1, 1),
        "run.score": (1, 2, 3, 4, 1, 2),
        "run.record": (1, 1, 1, 2),
        "run.leaderboard": (1, 1, 1),
    },
}
CASES = [(command, phase, passings) for command, phases in CHAINS.items() for phase, passings in phases.items()]


class Commands:
    """The command line, run by the kill program with one log."""

    def __init__(self, killer: Killer, log: Path) -> None:
        self.killer, self.log = killer, log

    def __call__(self, argv: list[str], kill: str = "") -> Outcome:
        return self.killer("tests.helpers.kill:command", *argv, kill=kill, log=self.log)

    def hit(self) -> list[str]:
        """Phases at which commands were killed, in order."""
        return self.log.read_text().split() if self.log.exists() else []


@pytest.fixture(scope="module")
def commands(killer, tmp_path_factory):
    return Commands(killer, tmp_path_factory.mktemp("kill") / "kills.log")


class Folders:
    """Data and results of one chain, and the commands on them."""

    def __init__(self, root: Path) -> None:
        self.data, self.results = root / "data", root / "results"

    def argv(self, command: str) -> list[str]:
        folders = ["--data", str(self.data), "--quiet"]
        if command == "prepare":
            return ["prepare", "demo", "--workers", "1", *folders]
        where = [*folders, "--results", str(self.results), "--device", "cpu", "--recipe", "tiny"]
        if command == "train":
            return [
                "train",
                "--methods",
                "r2r",
                "--dataset",
                "demo",
                "--validate",
                "demo:validation",
                "--steps",
                "8",
                *where,
            ]
        weights = next((self.results / "weights").rglob("*.safetensors"))
        chosen = ["--conventions", "float-gauss", "--limit", "2", "--weights", str(weights)]
        return ["run", "--methods", "r2r", "--dataset", "demo", *chosen, *where]

    def left(self, command: str) -> dict[str, str]:
        """What the command leaves, by relative path: hashes of images, manifest and weights, figures of records."""
        if command == "prepare":
            found = [p for p in self.data.rglob("*") if p.is_file() and not p.name.startswith(".")]
            return {str(p.relative_to(self.data)): _sha256(p) for p in found}
        if command == "train":
            found = [*self.results.rglob("weights/**/*.safetensors")]
            return {str(p.relative_to(self.results)): _sha256(p) for p in found}
        found = [*self.results.rglob("runs/*/scores.csv")]
        scores = {str(p.relative_to(self.results)): _sha256(p) for p in found}
        return scores | {"leaderboard": str(sorted(p.name for p in self.results.glob("leaderboard.*")))}

    def records(self) -> dict[Path, bytes]:
        """Records of finished cells."""
        found = {p: p.read_bytes() for p in self.results.rglob("runs/*/record.json")}
        return {path: content for path, content in found.items() if json.loads(content)["status"] == "done"}


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def whole(commands, tmp_path_factory):
    """What uninterrupted commands leave."""
    folders = Folders(tmp_path_factory.mktemp("whole"))
    left = {}
    for command in CHAINS:
        outcome = commands(folders.argv(command))
        assert outcome.code == 0, outcome.output
        left[command] = folders.left(command)
    return folders, left


def _before(command: str, whole: Folders, root: Path) -> Folders:
    """Folders in the state before `command`: its predecessors' outcome, linked or copied."""
    folders = Folders(root)
    if command != "prepare":
        folders.data.symlink_to(whole.data)
    if command == "run":
        weights = next((whole.results / "weights").rglob("*.safetensors"))
        target = folders.results / "weights" / "r2r" / weights.name
        target.parent.mkdir(parents=True)
        for path in (weights, weights.with_suffix(".json")):
            target.with_name(path.name).write_bytes(path.read_bytes())
    return folders


@pytest.mark.parametrize(("command", "phase", "passings"), CASES, ids=[phase for _, phase, _ in CASES])
def test_a_killed_command_finishes_when_it_is_given_again(commands, whole, tmp_path, command, phase, passings):
    reference, left = whole
    folders = _before(command, reference, tmp_path)
    before, finished = commands.hit(), {}
    for number in passings:
        outcome = commands(folders.argv(command), f"{phase}:{number}")
        assert outcome.killed, f"not killed at {phase}:{number}: {outcome}"
        finished |= folders.records()
    assert commands.hit() == before + [phase] * len(passings)
    outcome = commands(folders.argv(command))
    assert outcome.code == 0, outcome.output
    assert folders.left(command) == left[command]
    assert {path: path.read_bytes() for path in finished} == finished, "a finished cell was run again"
    assert not list(tmp_path.rglob("*.part")), "temporary files were left behind"


def test_every_phase_is_killed_and_fifty_times_in_all(commands):
    counts = Counter(commands.hit())
    print("\nkills by phase:", dict(counts))
    assert set(counts) == {phase for _, phase, _ in CASES} and min(counts.values()) >= 1
    assert sum(counts.values()) == sum(len(passings) for _, _, passings in CASES) >= 50
