"""The surroundings that a record names: devices, threads, determinism."""

from __future__ import annotations

import pytest
import torch

from benchmark import environment
from datasets.core.errors import UserError


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


@pytest.mark.parametrize(("name", "why"), [("mps", "float64"), ("meta", "expected auto")])
def test_devices_that_methods_cannot_run_on_are_refused_for_a_reason(name, why):
    with pytest.raises(UserError, match=why):
        environment.device(name)
