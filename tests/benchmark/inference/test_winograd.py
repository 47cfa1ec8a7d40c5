"""Convolutions in Winograd's form: the same function, where it pays, and the method itself untouched."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from benchmark.environment import processor
from benchmark.inference import winograd
from benchmark.inference.folding import folded
from benchmark.inference.joining import joined
from benchmark.inference.winograd import _four, _six, _WinogradConv2d, quickened

PAYS_ON = winograd.pays_on


@pytest.fixture(autouse=True, scope="module")
def paying():
    """As on a processor where the form is the faster one, whichever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(winograd, "pays_on", lambda *_: True)
        yield


@pytest.mark.parametrize(
    ("name", "instructions", "pays"),
    [
        ("Intel(R) Xeon(R) Processor", "AVX512", False),
        ("Intel(R) Xeon(R) Processor", "AVX2", True),
        ("AMD EPYC 9R14", "AVX512", True),
        ("arm64", "DEFAULT", True),
    ],
)
def test_processors_of_which_the_direct_form_is_left(name, instructions, pays):
    assert PAYS_ON(name, instructions) is pays


def test_where_the_direct_form_is_the_faster_one_the_module_is_left_alone(monkeypatch):
    asked = []
    monkeypatch.setattr(winograd, "pays_on", lambda *here: asked.append(here))
    net = nn.Sequential(convolution())
    assert quickened(net) is net
    assert asked == [(processor(), torch.backends.cpu.get_cpu_capability())]


def images(*shape: int) -> torch.Tensor:
    x = torch.rand(shape, generator=torch.Generator().manual_seed(1)) - 0.3
    return x.contiguous(memory_format=torch.channels_last)


def convolution(inward=64, outward=64, **more) -> nn.Conv2d:
    torch.manual_seed(0)
    return nn.Conv2d(inward, outward, 3, **{"padding": 1, **more}).eval().to(memory_format=torch.channels_last)


def test_four_sums_of_three_from_six_products():
    """The identity itself, in whole numbers: a kernel of three down a column of six."""
    column, kernel = [torch.tensor([float(v)]) for v in (3, -1, 4, 1, -5, 9)], torch.tensor([2.0, 6.0, -5.0])
    points = torch.tensor(winograd._POINTS, dtype=torch.float64) @ kernel.double()
    products = [row.double() * point for row, point in zip(_six(column), points, strict=True)]
    expected = [sum(kernel[k] * column[at + k] for k in range(3)) for at in range(4)]
    assert [float(v) for v in _four(products)] == pytest.approx([float(v) for v in expected], abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 2),
    st.integers(1, 40),
    st.integers(1, 40),
    st.sampled_from([1, 1 << 10, 1 << 14]),
    st.booleans(),
    st.booleans(),
)
def test_the_same_function_at_all_sizes(number, height, width, strip, bias, relu):
    net = nn.Sequential(convolution(64, 70, bias=bias), *[nn.ReLU()] * relu).eval()
    x = images(number, 64, height, width)
    with pytest.MonkeyPatch.context() as patch, torch.no_grad():
        patch.setattr(winograd, "_VALUES", 1)
        patch.setattr(winograd, "_STRIP", strip)
        fast = joined(quickened(net))
        assert type(fast[0]) is _WinogradConv2d and fast[0]._pays(x)
        found = fast(x)
        assert found.is_contiguous(memory_format=torch.channels_last)
        torch.testing.assert_close(found, net(x), rtol=0, atol=5e-6)
        for k in range(number):  # an image does not depend on those beside it
            assert torch.equal(fast(x[k : k + 1].contiguous(memory_format=torch.channels_last))[0], found[k])


def test_one_layer_less_behind_a_folded_norm_and_the_module_is_left_alone():
    net = nn.Sequential(convolution(), nn.BatchNorm2d(64), nn.ReLU(inplace=True), convolution(), nn.LeakyReLU()).eval()
    net[1].running_mean.fill_(0.2)
    before = copy.deepcopy(net.state_dict())
    fast = joined(quickened(folded(net)))
    assert [type(layer).__name__ for layer in fast] == [
        "_WinogradConv2d",
        "Identity",
        "Identity",
        "_WinogradConv2d",
        "LeakyReLU",
    ]
    assert [type(layer) for layer in net][:3] == [nn.Conv2d, nn.BatchNorm2d, nn.ReLU]
    assert fast[3].weight is net[3].weight
    x = images(1, 64, 72, 64)
    with torch.no_grad():
        torch.testing.assert_close(fast(x), net(x), rtol=0, atol=5e-6)
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())


@pytest.mark.parametrize(
    "layer",
    [
        convolution(63),
        convolution(64, 63),
        convolution(groups=2),
        convolution(stride=2),
        convolution(padding=0),
        convolution(dilation=2, padding=2),
        convolution(padding_mode="reflect"),
        convolution().double(),
        convolution().train(),
        nn.Conv2d(64, 64, 5, padding=1).eval(),
        nn.ConvTranspose2d(64, 64, 3, padding=1).eval(),
        torch.nn.utils.parametrizations.weight_norm(convolution()),
    ],
)
def test_what_has_no_such_form_is_the_module_itself(layer):
    net = nn.Sequential(layer)
    assert quickened(net) is net


def test_hooked_layers_are_left_alone():
    net = nn.Sequential(convolution(), nn.ReLU()).eval()
    net[1].register_forward_hook(lambda *_: None)
    assert [type(layer) for layer in joined(quickened(net))] == [_WinogradConv2d, nn.ReLU]
    net[0].register_forward_hook(lambda *_: None)
    assert joined(quickened(net)) is net


def test_where_it_does_not_pay_it_is_the_ordinary_convolution():
    net = nn.Sequential(convolution(), nn.ReLU()).eval()
    fast, large = joined(quickened(net)), images(1, 64, 64, 64)
    with torch.no_grad():
        assert fast[0]._pays(large) and not torch.equal(fast(large), net(large))
        for x in (images(1, 64, 8, 8), large.contiguous()):
            assert not fast[0]._pays(x) and torch.equal(fast(x), net(x))
        with torch.autocast("cpu", torch.bfloat16):
            assert not fast[0]._pays(large) and torch.equal(fast(large), net(large))
    assert torch.equal(fast(large), net(large))  # gradients are wanted
