"""The networks against outputs, sizes and costs recorded from the official modules."""

import json

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from methods.dgunet.network import DGUNet, DGUNetPlus
from methods.dgunet.projection import Merge, project
from methods.dgunet.sensing import SensingDGUNet, from_blocks, measurements, to_blocks
from tests.helpers.dgunet_networks import FACTS, NETS, with_rule
from tests.helpers.material import material, needs_material


@torch.no_grad()
@pytest.mark.parametrize("name", [name for name in NETS if not name.startswith("dgunet_plus_de")])
def test_stages_of_ruled_weights(name):
    facts = FACTS[name]
    x = torch.from_numpy(np.random.default_rng(facts["seed"]).random(facts["shape"]))
    largest = [float(image.abs().max()) for image in with_rule(NETS[name]())(x)]
    assert largest == pytest.approx(facts["output_absmax"], rel=1e-10)


@needs_material
@torch.no_grad()
@pytest.mark.parametrize("name", NETS)
def test_recorded_outputs(name):
    golden = np.load(material(f"golden/dgunet/{name}.npz"))
    recorded = json.loads(material(f"golden/dgunet/{name}.json").read_text())
    net = with_rule(NETS[name]())
    assert [[key, list(value.shape)] for key, value in net.state_dict().items()] == [k[:2] for k in recorded["keys"]]
    images = net(torch.from_numpy(golden["input"]))
    assert len(images) == 7
    for k, image in enumerate(images):
        want = golden[f"output_{k}"]
        assert np.abs(image.numpy() - want).max() / np.abs(want).max() < 1e-10


@pytest.mark.parametrize("name", NETS)
def test_sizes_and_shared_slopes(name):
    facts = FACTS[name]
    with torch.device("meta"):
        net = NETS[name]()
    assert sum(p.numel() for p in net.parameters()) == facts["parameters"]
    state = net.state_dict()
    assert (len(state), sum(v.numel() for v in state.values())) == (facts["entries"], facts["elements"])
    groups: dict[int, list[str]] = {}
    for key, parameter in net.named_parameters(remove_duplicate=False):
        groups.setdefault(id(parameter), []).append(key)
    shared = {tuple(sorted(keys)) for keys in groups.values() if len(keys) > 1}
    assert shared == {tuple(sorted(keys)) for keys in facts["shared_slopes"]}
    assert len(groups) == {216: 210, 666: 647, 195: 193, 587: 577}[facts["entries"]]


@pytest.mark.parametrize(
    ("ratio", "m", "shared", "plus"),
    [
        (1, 11, 2_295_868, 6_821_404),
        (4, 41, 2_326_588, 6_852_124),
        (10, 103, 2_390_076, 6_915_612),
        (25, 256, 2_546_748, 7_072_284),
        (50, 512, 2_808_892, 7_334_428),
        (30, 308, None, None),
        (40, 410, None, None),
    ],
)
def test_ratios(ratio, m, shared, plus):
    assert measurements(ratio) == m
    with torch.device("meta"):
        counts = [sum(p.numel() for p in SensingDGUNet(ratio, plus=which).parameters()) for which in (False, True)]
    assert shared is None or counts == [shared, plus]


@pytest.mark.parametrize(
    ("name", "gmacs"),
    [
        ("dgunet_denoising", 843.2),
        ("dgunet_plus_denoising", 754.9),
        ("dgunet_plus_deblurring", 1082.8),
        ("dgunet_deraining", 194.0),
        ("dgunet_plus_deraining", 194.1),
        ("dgunet_cs_deblock_r10", 97.8),
        ("dgunet_plus_cs_deblock_r10", 97.8),
    ],
)
def test_cost(name, gmacs):
    """The official code also multiplies by the inverse (16 x 16 x pixels), and forms Phi^T Phi (1024 x m x 1024)."""
    with torch.device("meta"):
        net = NETS[name]()
    x = torch.empty(1, 1 if "cs" in name else 3, 256, 256, device="meta")
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        net(x)
    counted = counter.get_total_flops() / 2e9
    if "cs" in name:
        ours, theirs = 8 * 2 * 103 * 1024 * 64, 103 * 1024**2 + 7 * 1024**2 * 64
    else:
        ours, theirs = 0, (6 if "plus" in name else 5) * 16 * 16 * 256**2
    assert round(counted + (theirs - ours) / 1e9, 1) == gmacs
    assert counted < gmacs + 0.05


@torch.no_grad()
@pytest.mark.parametrize("net", [DGUNet(8, 4, 4, rank=4, stages=3), DGUNetPlus(8, 4, rank=4, stages=3)])
def test_sizes_that_fit(net):
    x = torch.rand(2, 3, 16, 8)
    before = x.clone()
    images = net(x)
    assert len(images) == 3 and all(image.shape == x.shape for image in images) and torch.equal(x, before)
    for shape in ((20, 24), (8, 8)):
        with pytest.raises((RuntimeError, ValueError)):
            net(torch.rand(1, 3, *shape))


def test_blocks_row_by_row():
    x = torch.arange(2 * 6 * 9.0).view(2, 1, 6, 9)
    blocks = to_blocks(x, 3)
    assert blocks.shape == (2, 6, 9)
    assert torch.equal(blocks[1, 4].view(3, 3), x[1, 0, 3:6, 3:6])
    assert torch.equal(from_blocks(blocks, 6, 9), x)


def test_sensing_starts_from_what_is_measured():
    net = SensingDGUNet(10, width=8, step=4, tail=4, stages=3).double()
    x = torch.rand(1, 1, 32, 64, dtype=torch.float64)
    start = net.sense(x)
    second = x[0, 0, :, 32:].reshape(1024)
    assert torch.allclose(start[0, 0, :, 32:].reshape(1024), net.Phi.T @ (net.Phi @ second))
    assert all(torch.equal(a, b) for a, b in zip(net(x), net.unfold(start), strict=True))


def projected(features, basis):
    """V (V^T V)^+ V^T b by the singular value decomposition."""
    v = basis.flatten(2).mT.double()
    u = torch.linalg.svd(v, full_matrices=False)[0]
    return (u @ (u.mT @ features.flatten(2).mT.double())).mT.view_as(features)


def test_projection():
    b, v = (torch.randn(2, c, 9, 7, dtype=torch.float64) for c in (5, 4))
    got = project(b, v)
    assert torch.allclose(got, projected(b, v), rtol=0, atol=1e-12)
    assert torch.allclose(project(got, v), got, rtol=0, atol=1e-12)
    assert torch.allclose(project(b, v * torch.tensor([1.0, 1e-4, 1e4, 3.0]).view(1, 4, 1, 1)), got, rtol=0, atol=1e-10)
    single = project(b.float(), v.float())
    assert single.dtype == torch.float32 and torch.allclose(single.double(), got, rtol=0, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("case", ["equal columns", "zero columns", "constant image", "tiny values", "huge values"])
def test_projection_stays_finite(dtype, case):
    b, v = torch.randn(2, 5, 16, 16), torch.randn(2, 8, 16, 16)
    if case == "equal columns":
        v[:, 4:] = v[:, :4]
    elif case == "zero columns":
        v[:, 2:] = 0
    elif case == "constant image":
        v[:] = 1.0
    else:
        v *= 1e-20 if case == "tiny values" else 1e15
    b, v = b.to(dtype).requires_grad_(), v.to(dtype).requires_grad_()
    got = project(b, v)
    got.float().square().mean().backward()
    assert got.dtype == dtype
    assert all(bool(torch.isfinite(t).all()) for t in (got, b.grad, v.grad))
    # a projection makes nothing longer
    assert bool((got.float().flatten(2).norm(dim=2) <= 1.01 * b.float().flatten(2).norm(dim=2)).all())


def test_projection_under_autocast_is_that_of_float32():
    b, v = torch.randn(1, 6, 16, 16), torch.randn(1, 4, 16, 16)
    with torch.autocast("cpu", torch.bfloat16):
        got = project(b, v)
    assert got.dtype == torch.float32 and torch.equal(got, project(b, v))
    net = SensingDGUNet(10, width=8, step=4, tail=4, stages=3)
    x = torch.rand(1, 1, 32, 32)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(net.sense(x), net.sense(x.clone()))
        start = net.sense(x)
    assert torch.equal(start, net.sense(x))


def test_what_is_not_finite_reaches_the_outcome():
    assert not torch.isfinite(project(torch.randn(1, 2, 8, 8), torch.full((1, 4, 8, 8), torch.nan))).all()


@torch.no_grad()
@pytest.mark.parametrize("name", ["dgunet_deraining", "dgunet_cs_deblock_r10"])
def test_bf16_forward_is_finite_and_near(name):
    net = NETS[name]().eval()
    x = torch.rand(FACTS[name]["shape"])
    want = net(x)[0]
    with torch.autocast("cpu", torch.bfloat16):
        got = net(x)[0]
    assert got.dtype == torch.float32
    assert float((got - want).norm() / want.norm()) < 0.02


def test_gradients_reach_all_but_the_dead_weights():
    net = DGUNet(8, 4, 4, rank=4, stages=3)
    sum(image.square().mean() for image in net(torch.rand(1, 3, 16, 16))).backward()
    assert [key for key, p in net.named_parameters() if p.grad is None] == ["basic.concat12.weight"]
    plus = DGUNetPlus(8, 4, rank=4, stages=3)
    sum(image.square().mean() for image in plus(torch.rand(1, 3, 16, 16))).backward()
    assert all(p.grad is not None for p in plus.parameters())


def test_merge_adds_to_the_features():
    merge = Merge(8, 4)
    torch.nn.init.zeros_(merge.conv_block.weight)
    torch.nn.init.zeros_(merge.conv_block.bias)
    x, previous = torch.rand(2, 1, 8, 8, 8)
    assert torch.equal(merge(x, previous), x)
