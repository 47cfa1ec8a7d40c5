"""Kill `reproduce` at chosen phases and give the command again: run as a program, prints one JSON object per order.

Arguments: a scratch folder, then phases as ``train.step:3``, joined by ``+`` where one order is killed repeatedly.
"""

from __future__ import annotations

import csv
import functools
import json
import os
import signal
import sys
from pathlib import Path

from tests.benchmark.kill_training import forked


def main(folder: Path, orders: list[str]) -> None:
    import cv2
    import torch
    from lightning_fabric import Fabric  # noqa: F401 - imported once, for all children

    from benchmark.cli import main as command
    from benchmark.training import named
    from methods.registry import METHODS
    from tests.benchmark.learner import Learner, arranged

    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    named.TrainSettings = functools.partial(named.TrainSettings, checkpoint_steps=2, tensorboard=False)  # type: ignore
    METHODS.add("learner", Learner)
    words = arranged(folder)
    for order in orders:
        results, log = folder / (order.replace("+", "_") or "whole"), folder / "killed.log"
        log.unlink(missing_ok=True)

        def work(results: Path = results) -> None:
            sys.stdout = sys.stderr  # stdout is for what this program says
            os._exit(command([*words, "--quiet", "--results", str(results)]))

        statuses = [forked(work, phase, log) for phase in order.split("+") if phase]
        finished = os.waitstatus_to_exitcode(forked(work))
        killed = all(os.WIFSIGNALED(s) and os.WTERMSIG(s) == signal.SIGKILL for s in statuses)
        said = log.read_text().split() if log.exists() else []
        print(
            json.dumps({"order": order, "killed": killed, "log": said, "code": finished, **left(results)}), flush=True
        )


def left(results: Path) -> dict:
    """What the command leaves: the table without times, the weights' hashes, rows of the logs, half-written files."""
    with (results / "protocols" / "learners.csv").open(newline="", encoding="utf-8") as stream:
        table = [{**row, "minutes": ""} for row in csv.DictReader(stream)]
    cards = sorted((results / "weights").rglob("*.json"))
    logs = {p.parent.name: len(p.read_text().splitlines()) - 1 for p in results.glob("training/*/log.csv")}
    return {
        "table": table,
        "weights": [json.loads(card.read_text())["sha256"] for card in cards],
        "steps": sorted(logs.values()),
        "parts": [str(p) for p in results.rglob("*.part")],
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
