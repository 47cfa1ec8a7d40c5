"""Kill trainings at chosen phases and finish them: run as a program, prints one JSON object per kill.

Every training runs in a fork of this process, which imports everything once and computes nothing itself.
Arguments: a scratch folder, then phases as ``train.step:7``, joined by ``+`` where one training is killed repeatedly.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from pathlib import Path


def forked(work, order: str = "", log: Path | None = None) -> int:
    """Run `work` in a child, to be killed as BENCHMARK_KILL says; its wait status."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    os.environ.update({"BENCHMARK_KILL": order, "BENCHMARK_KILL_LOG": str(log or os.devnull)})
    try:
        work()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def main(folder: Path, orders: list[str]) -> None:
    import torch
    from lightning_fabric import Fabric  # noqa: F401 - imported once, for all children

    from tests.benchmark.training_toy import dataset, sha, trained

    torch.set_num_threads(1)
    dataset(folder / "images")
    for order in orders:
        results, log = folder / order.replace("+", "_"), folder / "killed.log"
        log.unlink(missing_ok=True)
        statuses = [
            forked(lambda: trained(results, folder / "images"), phase, log) for phase in order.split("+") if phase
        ]
        finished = forked(lambda: trained(results, folder / "images"))
        left = sorted(str(p.relative_to(results)) for p in results.rglob("*") if p.name.startswith("."))
        weights = sorted(results.glob("weights/toy/*.safetensors"))
        state = {
            "order": order,
            "killed": [os.WIFSIGNALED(s) and os.WTERMSIG(s) == signal.SIGKILL for s in statuses],
            "log": log.read_text().split() if log.exists() else [],
            "finished": finished,
            "weights": [sha(p) for p in weights],
            "rows": [
                line.split(",")[:2] for p in results.glob("training/toy-*/log.csv") for line in p.read_text().split()
            ],
            "parts": left,
        }
        print(json.dumps(state), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
