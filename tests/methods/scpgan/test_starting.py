"""What the small recipes add to the papers': where the networks begin, and clean patches made more various."""

import numpy as np
import pytest
import torch

from datasets.core.errors import UserError
from methods.recipes import recipe
from methods.scpgan.adapter import SCPGAN
from methods.scpgan.network import generator, restorer
from methods.scpgan.varying import varied
from tests.helpers.fake_loop import FakeDraws, GivenDraws

DEAM = {"restorer": "deam", "width": 8, "unfoldings": 2, "levels": 1}
RESTORMER = {
    **{"restorer": "restormer", "width": 8, "blocks": [1, 1, 1, 1], "refinement": 1},
    **{"heads": [1, 1, 2, 2], "expansion": 2.0},
}


def made(network, identity, seed=0):
    torch.manual_seed(seed)
    return restorer(network, identity)


@pytest.mark.parametrize("network", [DEAM, RESTORMER], ids=lambda network: network["restorer"])
@torch.no_grad()
def test_a_restorer_that_begins_as_the_identity(network):
    x = torch.rand(2, 3, 16, 24, generator=torch.Generator().manual_seed(0))
    whole, half, none = (made(network, share)(x) for share in (1.0, 0.5, 0.0))
    assert torch.allclose(whole, x, atol=1e-6)
    assert not torch.allclose(half, x, atol=1e-2) and not torch.allclose(half, none, atol=1e-3)
    torch.manual_seed(0)
    authors = restorer(network).state_dict()
    assert all(torch.equal(value, authors[key]) for key, value in made(network, 0.0).state_dict().items())


def test_a_restorer_that_begins_as_the_identity_learns_in_every_layer():
    """With a share below 1 no layer is cut off from the gradient."""
    net = made(DEAM, 0.9)
    (net(torch.rand(1, 3, 16, 16)) - 0.5).square().mean().backward()
    silent = [k for k, p in net.named_parameters() if p.grad is not None and not p.grad.any()]
    unused = {"net2.conv_dila", "net2.cat1"}
    assert not [key for key in silent if not any(key.startswith(part) for part in unused)]


def numbers(**train):
    return {**recipe(SCPGAN, "scpgabnet-paper").train, "generator_width": 8, "generator_blocks": 1, **train}


@torch.no_grad()
def test_a_generator_that_hands_the_prompt_on():
    torch.manual_seed(0)
    net = generator(numbers(generator_hands_on=1.0))
    x, p = torch.rand(2, 2, 3, 24, 24)
    assert torch.allclose(net(x, p), x + p - net.Gas(p), atol=1e-5)
    assert net.Gas.weight.sum((1, 2, 3)).numpy() == pytest.approx(np.ones(3), abs=1e-6)
    flat = torch.full((1, 3, 24, 24), 0.3)
    assert torch.allclose(net(x[:1], flat)[..., 3:-3, 3:-3], x[:1, :, 3:-3, 3:-3], atol=1e-5)  # nothing to hand on


@torch.no_grad()
def test_the_authors_generator_hands_on_nothing():
    torch.manual_seed(0)
    net = generator(numbers())
    assert float(net.Gas.weight.std()) == pytest.approx(0.02, rel=0.1)
    assert float(net.conv_output[0].weight.std()) == pytest.approx(0.02, rel=0.1)
    wider = generator(numbers(generator_initial=0.08))
    assert float(wider.conv_output[0].weight.std()) == pytest.approx(0.08, rel=0.1)


def test_clean_patches_are_stretched_about_a_colour():
    clean = torch.tensor([[0.4, 0.6]]).expand(2, 3, 1, 2)
    given = [np.full((2, 1, 1, 1), 0.5, np.float32), np.tile(np.float32([0, 0.5, 1]), 2).reshape(2, 3, 1, 1)]
    got = varied(clean, {"contrast": 4.0, "recolour": 1.0}, GivenDraws(given))
    # contrast 4 ** 0.5 = 2, about 0.1, 0.5 and 0.9, clamped
    assert got[0].flatten(1).numpy() == pytest.approx(np.array([[0, 0.3], [0.3, 0.7], [0.7, 1]]), abs=1e-6)
    given = [np.zeros((2, 1, 1, 1), np.float32), np.full((2, 3, 1, 1), 0.5, np.float32)]
    got = varied(clean, {"contrast": 4.0, "recolour": 0.0}, GivenDraws(given))
    assert torch.allclose(got, clean, atol=1e-6)


def test_clean_patches_of_the_papers_are_left_alone():
    clean = torch.rand(2, 3, 8, 8)
    assert varied(clean, recipe(SCPGAN, "scpgabnet-paper").train, GivenDraws([])) is clean
    got = varied(clean, {"contrast": 3.0, "recolour": 0.5}, FakeDraws(0, "clean"))
    assert 0 <= float(got.min()) < float(got.max()) <= 1 and not torch.allclose(got, clean, atol=1e-2)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"train.contrast": 0.5}, "train.contrast"),
        ({"train.recolour": 1.5}, "train.recolour"),
        ({"train.restorer_identity": -0.1}, "train.restorer_identity"),
        ({"train.generator_hands_on": 2.0}, "train.generator_hands_on"),
        ({"train.generator_hands_on": 0.5, "train.generator_width": 4}, "6 features"),
    ],
)
def test_numbers_out_of_range(settings, message):
    with pytest.raises(UserError, match=message):
        SCPGAN(recipe(SCPGAN, "tiny", settings))
