"""NAFNet: against the class of the package spandrel, live and recorded; its padding, its files, its trainings."""

import json

import numpy as np
import pytest
import torch

import methods
from methods import METHODS
from methods.matching import signature
from methods.recipes import recipe
from methods.scpgan.adapter import SCPGAN
from methods.scpgan.inference import padded, restore
from methods.scpgan.nafnet import NAFNet
from methods.scpgan.network import restorer
from tests.helpers.nafnet_oracle import RECORD, SIZES, STRIDE, VARIANTS, image, oracle, theirs
from tests.helpers.rule_weights import relative, rule_state

AS_PUBLISHED = {"padding": "zeros", "clamp": False}


def ours(variant):
    net = NAFNet(**VARIANTS[variant]).double().eval()
    net.load_state_dict(rule_state(net))
    return net


@pytest.mark.parametrize("variant", VARIANTS)
@torch.no_grad()
def test_recorded_outputs(variant):
    net, recorded = ours(variant), np.load(RECORD)
    assert signature(net) == {key: tuple(s) for key, s in json.loads(str(recorded[f"{variant} keys"])).items()}
    for size in SIZES:
        output = restore(net, image(size), AS_PUBLISHED).numpy()
        kept = np.append(output.ravel()[::STRIDE], np.linalg.norm(output))
        assert relative(kept, recorded[f"{variant} {size[0]}x{size[1]}"]) < 1e-12, size


@pytest.mark.golden_slow  # tox -e golden-slow installs the package without what it asks for
@pytest.mark.skipif(oracle() is None, reason="the package spandrel is not installed; its recorded outputs are tested")
@pytest.mark.parametrize("variant", VARIANTS)
@torch.no_grad()
def test_live_outputs(variant):
    net, other = ours(variant), theirs(variant, oracle())
    for size in SIZES:
        x = image(size)
        assert relative(restore(net, x, AS_PUBLISHED), other(x).numpy()) < 1e-12, size


def test_the_published_size():
    with torch.device("meta"):
        assert sum(p.numel() for p in NAFNet().parameters()) == 17_111_907


def test_it_begins_at_the_identity_where_a_recipe_asks():
    x = torch.rand(1, 3, 16, 16)
    network = recipe(SCPGAN, "desnow-nafnet-tiny").network
    with torch.no_grad():
        assert torch.equal(restorer(network, 1.0)(x), x)
        assert not torch.allclose(restorer(network)(x), x, atol=1e-3)


def test_black_borders_are_as_few_as_fit():
    x = torch.rand(1, 3, 17, 16)
    grown = padded(x, 8, "zeros")
    assert grown.shape == (1, 3, 24, 16) and torch.equal(grown[..., :17, :], x) and not grown[..., 17:, :].any()


def test_a_public_checkpoint_is_taken_at_its_own_width(tmp_path):
    METHODS.add("scpgan", SCPGAN)
    wide = NAFNet(16, [1, 1, 1, 2], 1, [1, 1, 1, 1])
    torch.save({"params": wide.state_dict()}, tmp_path / "net_g_latest.pth")
    size = {"network.width": 16, "network.encoder": [1, 1, 1, 2], "network.middle": 1, "network.decoder": [1, 1, 1, 1]}
    loaded = methods.load("scpgan", "desnow-nafnet", tmp_path / "net_g_latest.pth", settings=size)
    state = loaded.restorer.state_dict()
    assert all(torch.equal(state[key], value) for key, value in wide.state_dict().items())
