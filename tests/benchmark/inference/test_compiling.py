"""Networks compiled by torch.compile: the same figures, the method untouched, and a word where nothing compiles."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch
from torch import nn

from benchmark.inference.compiling import compiled
from benchmark.inference.restorer import Restorer
from benchmark.inference.settings import InferenceSettings
from tests.benchmark.inference.test_restorer import Convolution, one, sample


class Layer(nn.Module):
    """A network of a class of its own: torch does not compile its own layers alone."""

    def __init__(self, layer) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x)


class Networks(Convolution):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = Layer(self.a), Layer(self.b)


class Graph:
    """A compiler that does nothing but count."""

    def __init__(self):
        self.graphs = 0

    def __call__(self, module, inputs):
        self.graphs += 1
        return module.forward


@pytest.fixture(autouse=True)
def nothing_compiled_before():
    torch._dynamo.reset()


@pytest.fixture
def compiler(monkeypatch):
    """Stands in for the real one at `nn.Module.compile`."""
    counted, real = Graph(), nn.Module.compile
    monkeypatch.setattr(nn.Module, "compile", lambda module: real(module, backend=counted))
    return counted


def test_the_same_outputs_from_compiled_networks(compiler):
    method, what = Networks(), sample()
    plain = one(method, what)
    np.testing.assert_array_equal(one(method, what, compile=True), plain)
    assert compiler.graphs == 2  # both convolutions, each a network of its own
    np.testing.assert_array_equal(one(method, what), plain)
    assert compiler.graphs == 2


def test_the_method_is_left_as_it_is(compiler):
    method = Networks()
    twin = compiled(method)
    assert twin is not method and twin.a is not method.a and twin.a.layer is method.a.layer
    assert method.a._compiled_call_impl is None and twin.a._compiled_call_impl is not None


def test_networks_in_containers_are_compiled_one_by_one(compiler):
    outer = nn.ModuleDict({"pair": nn.ModuleList([nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)])})
    twin = compiled(outer)
    assert all(network._compiled_call_impl is not None for network in twin["pair"])
    assert twin["pair"]._compiled_call_impl is None
    assert all(network._compiled_call_impl is None for network in outer["pair"])


def test_progress_compiles_nothing_anew(compiler):
    restorer, told = Restorer(Networks(), settings=InferenceSettings(compile=True)), []
    restorer.report = lambda *what: told.append(what)
    for _ in range(3):
        list(restorer([sample()]))
    assert compiler.graphs == 2


def test_without_a_compiler_it_runs_as_written_and_says_so(monkeypatch):
    def none(module, inputs):
        raise FileNotFoundError("no C++ compiler")

    real = nn.Module.compile
    monkeypatch.setattr(nn.Module, "compile", lambda module: real(module, backend=none))
    method, what = Networks(), sample()
    restorer = Restorer(method, settings=InferenceSettings(compile=True))
    found = [restored.output for restored in restorer([what, what])]
    np.testing.assert_array_equal(found[0], one(method, what))
    assert restorer.remark.startswith("not compiled, computed as written: ") and "no C++ compiler" in restorer.remark


def test_where_torch_cannot_compile_at_all(monkeypatch):
    """Of a Python that is newer than torch, or of Windows without its tools, `compile` itself says so."""

    def refuse(module):
        raise RuntimeError("torch.compile is not supported on Python 3.99+")

    monkeypatch.setattr(nn.Module, "compile", refuse)
    restorer = Restorer(Networks(), settings=InferenceSettings(compile=True))
    assert len(list(restorer([sample()]))) == 1
    assert "3.99" in restorer.remark


def test_an_error_of_the_method_stays_its_own(compiler):
    class Broken(Networks):
        def restore(self, x, info=None):
            raise RuntimeError("its own")

    with pytest.raises(RuntimeError, match="its own"):
        one(Broken(), sample(), compile=True)


@pytest.mark.golden_slow
@pytest.mark.skipif(not shutil.which("g++"), reason="no g++, which torch.compile needs on a CPU")
def test_the_real_compiler():
    method, what = Networks(), sample()
    restorer = Restorer(method, settings=InferenceSettings(compile=True))
    (found,) = (restored.output for restored in restorer([what]))
    assert not restorer.remark
    np.testing.assert_allclose(found, one(method, what), atol=1e-5)
