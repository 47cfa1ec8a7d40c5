"""Kill -9 in every phase of `prepare`, `train` and `run`: the same command then finishes as if nothing had happened.

A chain is one command, killed again and again at the given passings of a phase, and then let run. What it leaves is
compared, byte for byte, with what an uninterrupted command leaves.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

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


class Server:
    """A process with everything imported, which forks for each command."""

    def __init__(self, log: Path) -> None:
        self.log = log
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        script = Path(__file__).with_name("server.py")
        self.process = subprocess.Popen(
            [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def __call__(self, argv: list[str], kill: str = "") -> tuple[int, str]:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps({"argv": argv, "kill": kill, "log": str(self.log)}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the server has ended"
        reply = json.loads(line)
        return reply["code"], reply["output"]

    def hit(self) -> list[str]:
        """Phases at which commands were killed, in order."""
        return self.log.read_text().split() if self.log.exists() else []


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    found = Server(tmp_path_factory.mktemp("kill") / "kills.log")
    yield found
    found.process.stdin.close()
    found.process.wait(timeout=30)


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
def whole(server, tmp_path_factory):
    """What uninterrupted commands leave."""
    folders = Folders(tmp_path_factory.mktemp("whole"))
    left = {}
    for command in CHAINS:
        code, output = server(folders.argv(command))
        assert code == 0, output
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
def test_a_killed_command_finishes_when_it_is_given_again(server, whole, tmp_path, command, phase, passings):
    reference, left = whole
    folders = _before(command, reference, tmp_path)
    before, finished = server.hit(), {}
    for number in passings:
        code, output = server(folders.argv(command), f"{phase}:{number}")
        assert code == -signal.SIGKILL, f"not killed at {phase}:{number}: {code} {output}"
        finished |= folders.records()
    assert server.hit() == before + [phase] * len(passings)
    code, output = server(folders.argv(command))
    assert code == 0, output
    assert folders.left(command) == left[command]
    assert {path: path.read_bytes() for path in finished} == finished, "a finished cell was run again"
    assert not list(tmp_path.rglob("*.part")), "temporary files were left behind"


def test_every_phase_is_killed_and_fifty_times_in_all(server):
    counts = Counter(server.hit())
    print("\nkills by phase:", dict(counts))
    assert set(counts) == {phase for _, phase, _ in CASES} and min(counts.values()) >= 1
    assert sum(counts.values()) == sum(len(passings) for _, _, passings in CASES) >= 50
