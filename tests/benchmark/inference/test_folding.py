"""Batch normalisation folded into convolutions: the same function, and the method itself untouched."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from benchmark.inference.folding import folded
from benchmark.inference.memory import keep_freed_memory


def network(affine=True, bias=True, statistics=True) -> nn.Sequential:
    generator = torch.Generator().manual_seed(0)
    norm = nn.BatchNorm2d(6, eps=1e-4, affine=affine, track_running_stats=statistics)
    net = nn.Sequential(nn.Conv2d(3, 6, 3, padding=1, bias=bias), norm, nn.ReLU(), nn.Conv2d(6, 3, 1))
    for name, value in [*net.named_parameters(), *net.named_buffers()]:
        if value.is_floating_point():
            value.data = torch.rand(value.shape, generator=generator) + (0.1 if "var" in name else -0.5)
    return net.eval()


X = torch.rand(2, 3, 9, 8, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("bias", [True, False])
def test_the_same_function_with_one_layer_less(affine, bias):
    net = network(affine, bias)
    before = copy.deepcopy(net.state_dict())
    twin = folded(net)
    assert [type(layer) for layer in twin] == [nn.Conv2d, nn.Identity, nn.ReLU, nn.Conv2d]
    with torch.no_grad():
        assert float((twin(X) - net(X)).abs().max()) < 2e-6
    assert isinstance(net[1], nn.BatchNorm2d) and twin[3] is net[3]
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())


def test_deep_inside_a_module():
    outer = nn.ModuleDict({"a": nn.Sequential(network(), nn.ReLU()), "b": nn.Conv2d(1, 1, 1)}).eval()
    twin = folded(outer)
    assert isinstance(twin["a"][0][1], nn.Identity) and isinstance(outer["a"][0][1], nn.BatchNorm2d)
    assert twin["b"] is outer["b"]


def test_what_cannot_be_folded_is_the_module_itself():
    class Backwards(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.norm = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)

        def forward(self, x):
            return self.conv(self.norm(x))

    class Collecting(nn.Sequential):
        def forward(self, x):
            found = [x := layer(x) for layer in self]
            return found[0] + found[-1]

    hooked = network()
    hooked[0].register_forward_hook(lambda *_: None)
    for net in (
        Backwards().eval(),
        Collecting(*network()).eval(),
        network().train(),
        network(statistics=False),
        hooked,
        nn.Sequential(nn.ReLU()),
    ):
        assert folded(net) is net


def test_memory_is_kept_on_glibc_and_nothing_fails_elsewhere(monkeypatch):
    import platform

    assert keep_freed_memory() == (platform.libc_ver()[0] == "glibc")
    keep_freed_memory.cache_clear()
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    assert keep_freed_memory() is False
    keep_freed_memory.cache_clear()
