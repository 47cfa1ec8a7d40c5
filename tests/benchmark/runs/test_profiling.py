"""What a method costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

from benchmark.runs import profiling
from methods.base import SampleInfo
from methods.loading import build
from methods.recipes import recipe
from tests.helpers.small_world import Net, tensor


@pytest.mark.parametrize("side", [40, 300])
def test_macs_of_a_convolution_on_256_pixels_square(side):
    net = build(Net, recipe(Net, "cpu"))
    assert profiling.parameters(net) == 3 * 3 * 25 + 3
    assert profiling.gmacs(net, tensor(1, 3, side, side), SampleInfo("x")) == pytest.approx(225 * 256 * 256 / 1e9)


GROWTH = """
import numpy as np, torch
from benchmark.runs import profiling
with profiling.peak_memory(torch.device("cpu")) as peak:
    before = peak()
    held = np.ones(25_000_000)
    print(peak() - before, held.any())
"""


def test_the_peak_grows_with_what_is_held():
    # In a process of its own: in one that has held more before, the system may take pages away meanwhile.
    done = subprocess.run([sys.executable, "-c", GROWTH], capture_output=True, text=True, check=True)
    assert 190 < float(done.stdout.split()[0]) < 300
