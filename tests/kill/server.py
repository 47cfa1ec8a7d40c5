"""Runs commands in forks of a process that has imported everything: a JSON request per line on stdin, a reply each.

A request is {"argv": [...], "kill": "phase:n" or "", "log": path}; the reply {"code": n, "output": "..."}, where n is
the exit code, or -9 for a command that was killed. The parent does no numerical work, so that its children may.
"""

from __future__ import annotations

import functools
import importlib
import json
import os
import sys
import tempfile
import traceback

IMPORTS = """
    cv2 h5py pandas scipy.io scipy.ndimage skimage.data skimage.restoration torch lightning_fabric safetensors.torch
    torch.utils.flop_counter benchmark.cli benchmark.cell benchmark.engines benchmark.grid benchmark.leaderboard
    benchmark.running benchmark.restoring benchmark.references benchmark.training benchmark.training.named
    benchmark.training.validation datasets.demo datasets.pool methods.loading methods.r2r.adapter
"""


def arrange() -> None:
    """Import everything; set what the command line has no word for: a checkpoint at every second step."""
    for name in IMPORTS.split():
        importlib.import_module(name)
    import cv2
    import torch

    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    cv2.setNumThreads(0)
    from benchmark.training import named

    named.TrainSettings = functools.partial(named.TrainSettings, checkpoint_steps=2, tensorboard=False)  # type: ignore


def child(request: dict, output: int) -> None:
    """Run one command; never returns."""
    code = 99
    try:
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.environ.update(BENCHMARK_KILL=request["kill"], BENCHMARK_KILL_LOG=request["log"])
        from benchmark.cli import main

        code = main(request["argv"])
    except BaseException:  # os._exit below would swallow it
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def serve() -> None:
    """Answer requests until stdin ends."""
    arrange()
    for line in sys.stdin:
        with tempfile.TemporaryFile() as output:
            pid = os.fork()
            if pid == 0:
                child(json.loads(line), output.fileno())
            _, status = os.waitpid(pid, 0)
            output.seek(0)
            reply = {"code": os.waitstatus_to_exitcode(status), "output": output.read().decode(errors="replace")}
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    serve()
