"""Convolutions and their ReLU in one pass: the same bits, where it applies, and the method itself untouched."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from benchmark.inference import joining
from benchmark.inference.folding import folded
from benchmark.inference.joining import JoinedConv2d, joined

RELU = nn.ReLU().eval()


def images(*shape: int) -> torch.Tensor:
    x = torch.rand(shape, generator=torch.Generator().manual_seed(1)) - 0.3
    return x.contiguous(memory_format=torch.channels_last)


def convolution(inward=5, outward=7, side=3, **more) -> nn.Conv2d:
    torch.manual_seed(0)
    return nn.Conv2d(inward, outward, side, **more).eval().to(memory_format=torch.channels_last)


def operations(call) -> list[str]:
    """Names of the operations that a call runs."""
    with torch.profiler.profile() as seen:
        call()
    return [event.name for event in seen.events()]


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from([(5, 7, 3, 1), (8, 16, 1, 1), (16, 16, 3, 16), (3, 32, 7, 1)]),
    st.integers(1, 2),
    st.integers(0, 3),
    st.integers(1, 2),
    st.booleans(),
)
def test_the_same_bits(shape, stride, padding, dilation, bias):
    inward, outward, side, groups = shape
    more = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups, "bias": bias}
    net = nn.Sequential(convolution(inward, outward, side, **more), nn.ReLU()).eval()
    fast, x = joined(net), images(2, inward, 90, 77)
    assert [type(layer) for layer in fast] == [JoinedConv2d, nn.Identity]
    with torch.no_grad():
        found = fast(x)
        assert torch.equal(found, net(x)) and found.is_contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def test_it_is_one_operation():
    net, x = nn.Sequential(convolution(), nn.ReLU()).eval(), images(1, 5, 90, 90)
    fused = operations(lambda: joined(net)(x))
    assert "mkldnn::_convolution_pointwise" in fused and not any("relu" in name for name in fused)
    assert any("relu" in name for name in operations(lambda: net(x)))


def test_behind_a_folded_norm_and_the_module_is_left_alone():
    layers = convolution(), nn.BatchNorm2d(7), nn.ReLU(inplace=True), convolution(7, 6), nn.LeakyReLU(), nn.ReLU()
    net = nn.Sequential(*layers).eval()
    net[1].running_mean.fill_(0.2)
    before = copy.deepcopy(net.state_dict())
    fast = joined(folded(net))
    names = ["JoinedConv2d", "Identity", "Identity", "Conv2d", "LeakyReLU", "ReLU"]
    assert [type(layer).__name__ for layer in fast] == names
    assert [type(layer) for layer in net] == [nn.Conv2d, nn.BatchNorm2d, nn.ReLU, nn.Conv2d, nn.LeakyReLU, nn.ReLU]
    with torch.no_grad():
        torch.testing.assert_close(fast(images(1, 5, 90, 90)), net(images(1, 5, 90, 90)), rtol=0, atol=1e-6)
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())


def test_a_layer_that_serves_twice_keeps_its_own_form():
    conv = convolution(5, 5, padding=1)
    net = nn.Sequential(nn.Sequential(conv, nn.ReLU()), conv).eval()
    fast, x = joined(net), images(1, 5, 90, 90)
    assert fast[1] is conv and type(fast[0][0]) is JoinedConv2d
    with torch.no_grad():
        assert torch.equal(fast(x), net(x)) and float(fast(x).min()) < 0


@pytest.mark.parametrize(
    "layers",
    [
        (convolution(), nn.LeakyReLU().eval()),
        (RELU, convolution()),
        (convolution(padding=1, padding_mode="reflect"), RELU),
        (convolution(padding="same"), RELU),
        (convolution().double(), RELU),
        (convolution().train(), RELU),
        (convolution(), nn.ReLU().train()),
        (nn.ConvTranspose2d(5, 7, 3).eval(), RELU),
        (torch.nn.utils.parametrizations.weight_norm(convolution()), RELU),
    ],
)
def test_what_cannot_be_joined_is_the_module_itself(layers):
    net = nn.Sequential(*layers)
    assert joined(net) is net


def test_layers_whose_outputs_go_elsewhere_too_are_left_alone():
    class Collecting(nn.Sequential):
        def forward(self, x):
            found = [x := layer(x) for layer in self]
            return found[0] + found[-1]

    net = Collecting(convolution(), nn.ReLU()).eval()
    assert joined(net) is net


@pytest.mark.parametrize("number", [0, 1])
def test_hooked_layers_are_left_alone(number):
    net = nn.Sequential(convolution(), nn.ReLU()).eval()
    net[number].register_forward_hook(lambda *_: None)
    assert joined(net) is net


def test_elsewhere_it_is_the_convolution_and_then_the_relu(monkeypatch):
    net = nn.Sequential(convolution(), nn.ReLU()).eval()
    fast, large = joined(net), images(1, 5, 90, 90)
    with torch.no_grad():
        assert fast[0]._fuses(large)
        for x in (images(1, 5, 8, 8), large.contiguous(), large[0]):
            assert not fast[0]._fuses(x) and torch.equal(fast(x), net(x))
        with torch.autocast("cpu", torch.bfloat16):
            assert not fast[0]._fuses(large) and torch.equal(fast(large), net(large))
        monkeypatch.setattr(joining, "available", lambda: False)
        assert not fast[0]._fuses(large) and torch.equal(fast(large), net(large))
    x = large.clone().requires_grad_()
    fast(x).sum().backward()  # gradients pass as ever
    assert x.grad is not None and float(x.grad.abs().sum()) > 0
