"""What a Stage and a Method do where a subclass says nothing."""

import pytest
import torch
from torch import nn

from datasets.core.errors import UserError
from methods.base import Method, Recipe, Stage


class Plain(Method):
    name = "plain"

    def __init__(self, recipe):
        super().__init__(recipe)
        self.restorer = nn.Conv2d(3, 3, 1)


def stage(**networks):
    made = Stage()
    made.networks = networks
    return made


def test_a_stage_leaves_its_restorer():
    network = nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3))
    made = stage(restorer=network.train(), critic=nn.Conv2d(3, 1, 1))
    (state,) = made.artefacts().values()
    assert state.keys() == network.state_dict().keys()
    network[0].weight.data.zero_()
    assert state["0.weight"].any()  # a copy
    x = torch.rand(1, 3, 4, 4)
    restored = made.restorer()(x, None)
    assert not network.training and torch.equal(restored, network(x))


@pytest.mark.parametrize("asked", ["restorer", "artefacts"])
def test_a_stage_without_a_restorer_says_what_to_do(asked):
    with pytest.raises(UserError, match=rf"no network called 'restorer', but critic: .* override Stage\.{asked}"):
        getattr(stage(critic=nn.Conv2d(3, 1, 1)), asked)()


def test_a_method_stores_its_restorer():
    method = Plain(Recipe("plain", "tiny", "tiny"))
    assert method.roles() == {"restorer": method.restorer} and method.role_names() == ("restorer",)
    assert method.network_of("restorer") is method.restorer and method.paper == ""
    with pytest.raises(UserError, match="plain under the recipe 'tiny' restores degraded images"):
        method.measure(torch.rand(1, 1, 4, 4))


def test_a_paper_lies_beside_the_module_or_in_the_class():
    assert type("Cited", (Plain,), {"paper": "@misc{a}"}).paper == "@misc{a}"
    from methods.r2r.adapter import R2R

    assert R2R.paper.startswith("@inproceedings{pang2021r2r") and type("Mine", (R2R,), {"name": "mine"}).name == "mine"
