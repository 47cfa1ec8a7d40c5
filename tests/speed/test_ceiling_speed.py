"""How much of the processor's rate each network's forward pass reaches, with one thread and with two.

Multiply-accumulates are those of the layers as written, so that Winograd's form can pass the ceiling of the products.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.helpers.speed_record import ROOT, record, rounds

pytestmark = pytest.mark.speed

# The rate of float32 products of 1024 x 1024 matrices, and of the network's multiply-accumulates, in turn.
SHARE = """
import json, sys, time
import torch
from benchmark.inference.folding import folded
from benchmark.inference.joining import joined
from benchmark.inference.memory import keep_freed_memory
from benchmark.inference.restorer import Restorer
from benchmark.inference.winograd import quickened
from benchmark.runs.profiling import gmacs
from methods.base import SampleInfo
from methods.loading import load_from

name, recipe, threads, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
torch.set_num_threads(threads)
keep_freed_memory()
method = folded(Restorer(load_from(name, recipe, None).method).method)
channels = max(method.facts.channels)
x = torch.rand(1, channels, 256, 256).contiguous(memory_format=torch.channels_last)
info = [SampleInfo("x", 0.1, 0, {})]
work = gmacs(method, torch.rand(1, channels, 256, 256), info[0])
a, b = torch.rand(2, 1024, 1024)
# The library of the convolutions has products of its own, which on some processors are the faster ones.
conv = torch.nn.Conv2d(256, 256, 3, padding=1).to(memory_format=torch.channels_last)
wide = torch.rand(1, 256, 64, 64).contiguous(memory_format=torch.channels_last)

def rate(amount, call):
    start = time.process_time()  # of the processor, so that a busy machine does not slow one of the two
    call()
    return amount / (time.process_time() - start)

def product():
    for _ in range(20):
        a @ b

def convolution():
    for _ in range(10):
        conv(wide)

def ceiling():
    return max(rate(20 * 1024**3 / 1e9, product), rate(10 * 9 * 256**2 * 64**2 / 1e9, convolution))

fast = joined(quickened(method))
with torch.no_grad():
    fast.restore(x, info), ceiling()
    forward = lambda: fast.restore(x, info)
    print(json.dumps([[rate(work, forward), ceiling()] for _ in range(rounds)]))
"""
NETWORKS = {
    "r2r": "sidd-paper",
    "dgunet": "sidd-paper",
    "scpgan": "scpgabnet-paper",
    "mssr": "cpu",
    "lir": "gaussian-paper",
}


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", NETWORKS)
def test_share_of_the_matrix_product(name: str, threads: int) -> None:
    if (os.cpu_count() or 1) < threads:
        pytest.skip(f"{threads} cores are needed")
    command = [sys.executable, "-c", SHARE, name, NETWORKS[name], str(threads), str(rounds(3))]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=environment)
    assert done.returncode == 0, done.stderr
    pairs = [(net, product) for net, product in json.loads(done.stdout.splitlines()[-1])]
    what = f"{name} ({NETWORKS[name]}): forward pass of 256x256, {threads} thread{'s' * (threads > 1)}"
    # a rate, not a time: the share is ours over the product's
    record(
        what,
        [(1 / net, 1 / product) for net, product in pairs],
        "as many in a matrix product, or in a convolution of 256 channels, whichever is faster",
        "s/GMAC",
        threads=threads,
    )
