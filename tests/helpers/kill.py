"""Work that is killed at a phase: a program that forks for each piece of work, and the class that tests ask.

The program imports everything once and does no numerical work itself, so that its children may. A request is a line of
JSON on stdin: a scenario "module:function", its arguments, the phase to kill at ("train.step:3"; "@0.25" is so many
seconds after the start, "" never) and the log of kills. The reply is a line on stdout: the exit code (-9 for a killed
child) and what the child printed.
Scenarios are plain functions beside their tests; what they return is the exit code, None counts as 0.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 600  # that one child may take
IMPORTS = """
    cv2 h5py pandas scipy.io scipy.ndimage skimage.data skimage.restoration torch lightning_fabric safetensors.torch
    torch.utils.flop_counter benchmark.cli benchmark.records.cell
    benchmark.runs.engines.queue benchmark.planning.planner benchmark.leaderboard.rows benchmark.runs.runner
    benchmark.inference.restorer benchmark.inference.baselines benchmark.training benchmark.training.request
    benchmark.training.validation datasets.demo datasets.pool methods.loading methods.r2r.adapter
"""


@dataclass(frozen=True)
class Outcome:
    """Of one child: its exit code, -9 if it was killed; what it printed."""

    code: int
    output: str

    @property
    def killed(self) -> bool:
        return self.code == -signal.SIGKILL


@dataclass(frozen=True)
class Chain:
    """A piece of work that was killed at the phases of `order`, one after the other, and then let finish.

    Attributes:
        results: its folder. killed: whether every child but the last was. log: phases at which they say they were.
        finished: the last child.
    """

    order: str
    results: Path
    killed: bool
    log: list[str]
    finished: Outcome

    @property
    def phases(self) -> list[str]:
        """Phases of the order, which the log must show."""
        return [phase.rpartition(":")[0] for phase in self.order.split("+") if phase]

    @property
    def weights(self) -> list[str]:
        """SHA-256 of the weights that a training left."""
        found = sorted(self.results.glob("weights/*/*.safetensors"))
        return [hashlib.sha256(path.read_bytes()).hexdigest() for path in found]


class Killer:
    """The program, started once, and requests to it."""

    def __init__(self) -> None:
        path = os.pathsep.join([str(ROOT), *(entry for entry in sys.path if entry)])
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.helpers.kill"],
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, scenario: str, *arguments: Any, kill: str = "", log: Path | None = None) -> Outcome:
        """Run a scenario in a fork. Paths among the arguments become strings."""
        assert self.process.stdin and self.process.stdout
        request = {"scenario": scenario, "arguments": arguments, "kill": kill, "log": log or ""}
        self.process.stdin.write(json.dumps(request, default=str) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the program has ended"
        return Outcome(**json.loads(line))

    def chain(self, order: str, scenario: str, results: Path, *arguments: Any) -> Chain:
        """Kill ``scenario(results, *arguments)`` at each phase of `order`, then let it finish.

        Args:
            order: phases as ``train.step:2``, joined by ``+``; '' is an undisturbed run.
        """
        log = results.with_name(f"{results.name}-killed.log")
        outcomes = [self(scenario, results, *arguments, kill=phase, log=log) for phase in order.split("+") if phase]
        finished = self(scenario, results, *arguments)
        said = log.read_text().split() if log.exists() else []
        return Chain(order, results, all(outcome.killed for outcome in outcomes), said, finished)

    def chains(self, orders: Sequence[str], scenario: str, folder: Path, *arguments: Any) -> list[Chain]:
        """`chain` for each order, with a results folder of its own."""
        names = [folder / f"results{number}" for number in range(len(orders))]
        return [self.chain(order, scenario, name, *arguments) for order, name in zip(orders, names, strict=True)]

    def close(self) -> None:
        """End the program."""
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(timeout=300)


def command(*argv: str) -> int:
    """A scenario: the command line, with a checkpoint at every second step, for which it has no word."""
    from benchmark.cli import main
    from benchmark.training import request

    train = request.train

    def saving_often(method, data, settings, *rest):
        return train(method, data, replace(settings, checkpoint_steps=2, tensorboard=False), *rest)

    request.train = saving_often
    return main(list(argv))


def _arrange() -> None:
    """Import everything, and keep torch and OpenCV to one thread."""
    for name in IMPORTS.split():
        importlib.import_module(name)
    import cv2
    import torch

    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    cv2.setNumThreads(0)


def _scenario(name: str) -> Any:
    """The function of a scenario, whose module the parent imports for all children."""
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function)


def _child(work: Any, request: dict[str, Any], output: int) -> None:
    """Run one scenario; never returns."""
    code = 99
    try:
        os.dup2(output, 1)
        os.dup2(output, 2)
        phase = "" if request["kill"].startswith("@") else request["kill"]
        os.environ.update(BENCHMARK_KILL=phase, BENCHMARK_KILL_LOG=request["log"])
        signal.alarm(SECONDS)
        code = work(*request["arguments"]) or 0
    except BaseException:  # os._exit below would swallow it
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _ended(pid: int, kill: str) -> int:
    """The status of a child, killed after the time that an order such as ``@0.25`` gives."""
    end = time.monotonic() + float(kill[1:]) if kill.startswith("@") else 0.0
    while end and time.monotonic() < end:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return status
        time.sleep(0.002)
    if end:
        os.kill(pid, signal.SIGKILL)  # it was not waited for, so the number is its own still
    return os.waitpid(pid, 0)[1]


def _serve() -> None:
    """Answer requests until stdin ends."""
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever an import prints must not come between the replies
    _arrange()
    for line in sys.stdin:
        request = json.loads(line)
        work = _scenario(request["scenario"])
        with tempfile.TemporaryFile() as output:
            pid = os.fork()
            if pid == 0:
                _child(work, request, output.fileno())
            status = _ended(pid, request["kill"])
            output.seek(0)
            reply = {"code": os.waitstatus_to_exitcode(status), "output": output.read().decode(errors="replace")}
        print(json.dumps(reply), file=replies)


if __name__ == "__main__":
    _serve()
