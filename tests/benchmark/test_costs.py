"""What a method costs, and the surroundings that a record names."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from benchmark import costs, environment
from benchmark.restoring import Restorer
from datasets.ops.errors import UserError
from methods.base import SampleInfo
from methods.loading import build
from methods.recipes import recipe
from tests.benchmark.world import Net, tensor


@pytest.mark.parametrize("side", [40, 300])
def test_macs_of_a_convolution_on_256_pixels_square(side):
    net = build(Net, recipe(Net, "cpu"))
    assert costs.parameters(net) == 3 * 3 * 25 + 3
    assert costs.gmacs(net, tensor(1, 3, side, side), SampleInfo("x")) == pytest.approx(225 * 256 * 256 / 1e9)


GROWTH = """
import numpy as np, torch
from benchmark import costs
with costs.peak_memory(torch.device("cpu")) as peak:
    before = peak()
    held = np.ones(25_000_000)
    print(peak() - before, held.any())
"""


def test_the_peak_grows_with_what_is_held():
    # In a process of its own: in one that has held more before, the system may take pages away meanwhile.
    done = subprocess.run([sys.executable, "-c", GROWTH], capture_output=True, text=True, check=True)
    assert 190 < float(done.stdout.split()[0]) < 300


def test_devices_by_name():
    assert environment.device("cpu") == torch.device("cpu")
    assert environment.device("auto").type in ("cpu", "cuda")
    assert environment.describe(torch.device("cpu")).startswith("cpu (")
    with pytest.raises(UserError, match="Unknown device 'gpu'"):
        environment.device("gpu")
    with pytest.raises(UserError, match="use --device auto"):
        environment.device("cuda:99")


def test_determinism_and_threads_are_put_back():
    threads = torch.get_num_threads()
    with environment.deterministic(True), environment.single_thread(True):
        assert torch.are_deterministic_algorithms_enabled() and torch.get_num_threads() == 1
    assert not torch.are_deterministic_algorithms_enabled() and torch.get_num_threads() == threads


def test_an_unknown_precision_is_refused():
    with pytest.raises(UserError, match="fp32"):
        Restorer(build(Net, recipe(Net, "cpu")), precision="fp16")
