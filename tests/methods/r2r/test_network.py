"""The two networks against outputs recorded from the official modules."""

from pathlib import Path

import numpy as np
import pytest
import torch

from methods.checkpoints import peel, read_pickled
from methods.matching import signature
from methods.r2r.network import DnCNN, initialise
from tests.helpers.material import material, needs_material
from tests.helpers.rule_weights import relative, ruled

AWGN = {"channels": 1, "depth": 17}
SIDD = {"channels": 3, "depth": 20, "first_bias": True, "eps": 1e-4, "momentum": 0.95}


@pytest.mark.parametrize(("arguments", "parameters"), [(AWGN, 556_032), (SIDD, 669_376)])
def test_size(arguments, parameters):
    net = DnCNN(**arguments)
    assert sum(p.numel() for p in net.parameters()) == parameters
    x = torch.rand(2, arguments["channels"], 13, 9)
    before = x.clone()
    assert net(x).shape == x.shape
    assert torch.equal(x, before)


def test_ruled_weights_of_the_grey_net():
    compare(np.load(Path(__file__).parents[2] / "golden" / "r2r" / "r2r_awgn_dncnn17.npz"), AWGN)


@needs_material
@pytest.mark.parametrize(("name", "arguments"), [("r2r_awgn_dncnn17", AWGN), ("r2r_sidd_dncnn20", SIDD)])
def test_ruled_weights(name, arguments):
    compare(np.load(material(f"golden/r2r/{name}.npz")), arguments)


def compare(golden, arguments):
    x = torch.from_numpy(golden["input"])
    with torch.no_grad():
        assert relative(ruled(DnCNN(**arguments))(x), golden["output"]) < 1e-9
        assert relative(x - ruled(DnCNN(**arguments, residual=False))(x), golden["output"]) < 1e-9


@needs_material
@pytest.mark.parametrize(
    ("name", "checkpoint", "arguments"),
    [
        ("r2r_sidd_dncnn20_official_weights", "r2r_sidd_official.pth", SIDD),
        ("dncnn_s25_saoyan_official_weights", "dncnn_s25_saoyan_gpl3.pth", {**AWGN, "residual": False}),
    ],
)
def test_official_weights(name, checkpoint, arguments):
    golden = np.load(material(f"golden/r2r/{name}.npz"))
    path = material(f"weights/{checkpoint}")
    state, layout = peel(read_pickled(path), path)
    assert layout == "DataParallel prefix removed"
    net = DnCNN(**arguments)
    assert signature(net) == signature(state)
    net.load_state_dict(state, strict=False)
    with torch.no_grad():
        assert relative(net.double().eval()(torch.from_numpy(golden["input"])), golden["output"]) < 1e-9


def test_initial_weights():
    net = DnCNN(**SIDD)
    initialise(net, torch.Generator().manual_seed(3))
    state = net.state_dict()
    assert state["dncnn.2.weight"].std().item() == pytest.approx((2 / 576) ** 0.5, rel=0.02)
    assert state["dncnn.0.weight"].std().item() == pytest.approx((2 / 27) ** 0.5, rel=0.1)
    assert not state["dncnn.0.bias"].any() and not state["dncnn.3.bias"].any()
    norms = torch.cat([state[f"dncnn.{3 + 3 * k}.weight"] for k in range(18)])
    assert norms.abs().max() <= 0.025
    assert (norms.abs() == norms.abs().max()).float().mean().item() == pytest.approx(0.67, abs=0.05)
    again = DnCNN(**SIDD)
    initialise(again, torch.Generator().manual_seed(3))
    assert all(torch.equal(a, b) for a, b in zip(state.values(), again.state_dict().values(), strict=True))
