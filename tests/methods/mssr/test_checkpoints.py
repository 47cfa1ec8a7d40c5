"""RRDB checkpoints as they are published: three ways to name the keys, wrapped or bare, one network or two files."""

import re

import pytest
import torch

import methods
from benchmark.cli import main
from datasets.core.errors import UserError
from methods import METHODS
from methods.loading import load_from
from methods.matching import signature
from methods.mssr.adapter import MSSR
from methods.mssr.checkpoints import named_start, renamed
from methods.mssr.rrdb import RRDBNet
from methods.recipes import recipe
from methods.weights import read_card

SMALL = {"scale": 4, "width": 4, "blocks": 2, "growth": 2, "shrink": 1, "skip": False, "head_start": 1.0}


@pytest.fixture(autouse=True)
def narrow(monkeypatch):
    """MSSR with a narrow x4 network in place of the paper's, which has the same keys per block."""
    tables = {"tier": "paper", "train": dict(recipe(MSSR, "tiny").train)}
    monkeypatch.setattr(MSSR, "recipes", {"small": {**tables, "network": SMALL}}, raising=False)
    with METHODS.added({"mssr": MSSR}):
        yield


def nets(count=2):
    return [RRDBNet(**SMALL) for _ in range(count)]


def second(key):
    """The names of the second release."""
    for pattern, old in (
        (r"^body\.(\d+)\.rdb(\d)\.", r"RRDB_trunk.\1.RDB\2."),
        (r"^conv_body\.", "trunk_conv."),
        (r"^conv_up(\d)\.", r"upconv\1."),
        (r"^conv_hr\.", "HRconv."),
    ):
        key = re.sub(pattern, old, key)
    return key


def first(key, blocks=2):
    """The names of the first release, whose layers are counted."""
    numbers = {"conv_first": "0", "conv_body": f"1.sub.{blocks}", "conv_up1": "3", "conv_up2": "6", "conv_hr": "8"}
    key = re.sub(r"^body\.(\d+)\.rdb(\d)\.conv(\d)\.", r"model.1.sub.\1.RDB\2.conv\3.0.", key)
    layer, _, rest = key.partition(".")
    return f"model.{ {**numbers, 'conv_last': '10'}[layer] }.{rest}" if layer != "model" else key


NAMES = {"today": lambda key: key, "second": second, "first": first}
WRAPPINGS = {
    "bare": lambda state: state,
    "params": lambda state: {"params": state},
    "params_ema": lambda state: {"params": {key: value * 0 for key, value in state.items()}, "params_ema": state},
    "DataParallel": lambda state: {"state_dict": {f"module.{key}": value for key, value in state.items()}},
}


def saved(path, net, names="today", wrapping="bare"):
    state = {NAMES[names](key): value for key, value in net.state_dict().items()}
    torch.save(WRAPPINGS[wrapping](state), path)
    return path


@torch.no_grad()
def output(net):
    return net(torch.linspace(0, 1, 3 * 6 * 5).view(1, 3, 6, 5))


@pytest.mark.parametrize("wrapping", WRAPPINGS)
@pytest.mark.parametrize("names", NAMES)
def test_one_network_serves_as_both(tmp_path, names, wrapping):
    (net,) = nets(1)
    loaded = load_from("mssr", None, saved(tmp_path / "RRDB_PSNR_x4.pth", net, names, wrapping))
    assert loaded.method.recipe.name == "small" and "one network serves as both" in loaded.note
    assert torch.equal(output(loaded.method.restorer.a), output(net))
    assert torch.allclose(output(loaded.method.restorer), output(net), atol=1e-6)


def test_the_first_names_are_those_of_the_release():
    names = {first(key) for key in nets(1)[0].state_dict()}
    assert {"model.0.weight", "model.1.sub.1.RDB3.conv5.0.bias", "model.1.sub.2.weight", "model.10.bias"} <= names


@pytest.mark.parametrize("names", NAMES)
def test_two_files(tmp_path, names):
    pair = nets()
    paths = [saved(tmp_path / f"9000g{i}.ckpt", net, names, "params") for i, net in enumerate(pair, 1)]
    method = methods.load("mssr", weights=paths)
    want = (output(pair[0]) + output(pair[1])) / 2
    assert torch.allclose(output(method.restorer), want, atol=1e-6)
    assert not torch.allclose(want, output(pair[0]), atol=1e-4)
    assert not torch.equal(output(method.restorer.a), output(method.restorer.b))


def test_two_networks_in_one_file(tmp_path):
    pair = nets()
    torch.save({"g1": pair[0].state_dict(), "g2": pair[1].state_dict()}, tmp_path / "both.pth")
    method = methods.load("mssr", weights=tmp_path / "both.pth")
    assert torch.equal(output(method.restorer.b), output(pair[1]))
    torch.save(method.restorer.state_dict(), tmp_path / "ours.pt")
    again = load_from("mssr", weights=tmp_path / "ours.pt")
    assert torch.equal(output(again.method.restorer), output(method.restorer)) and "both" not in again.note


def test_two_files_are_imported_as_one(tmp_path, capsys):
    paths = [saved(tmp_path / f"9000g{i}.ckpt", net) for i, net in enumerate(nets(), 1)]
    results = tmp_path / "results"
    words = ["weights", "import", *map(str, paths), "--methods", "mssr", "--results", str(results), "--quiet"]
    assert main(words) == 0
    (made,) = results.rglob("*.safetensors")
    card = read_card(made)
    assert card.role == "restorer" and card.source.startswith("9000g1.ckpt and 9000g2.ckpt, sha256 ")
    one, two = methods.load("mssr", weights=made), methods.load("mssr", weights=paths)
    assert torch.equal(output(one.restorer), output(two.restorer))
    with pytest.raises(UserError, match="has a card: it is whole by itself"):
        methods.load("mssr", weights=[made, paths[0]])


def test_what_is_refused(tmp_path):
    three = {f"g{i}": net.state_dict() for i, net in enumerate(nets(3))}
    torch.save(three, tmp_path / "three.pth")
    with pytest.raises(UserError, match="expected to hold weights of mssr"):
        methods.load("mssr", weights=tmp_path / "three.pth")
    other = RRDBNet(**{**SMALL, "width": 6})
    with pytest.raises(
        UserError, match=r"fits no recipe of mssr; nearest is small: .*\(6, 3, 3, 3\), not \(4, 3, 3, 3\)"
    ):
        methods.load("mssr", weights=saved(tmp_path / "wide.pth", other))
    state = nets(1)[0].state_dict()
    del state["conv_hr.bias"]
    torch.save(state, tmp_path / "cut.pth")
    with pytest.raises(UserError, match=r"2 missing \(a\.conv_hr\.bias, b\.conv_hr\.bias\)"):
        methods.load("mssr", weights=tmp_path / "cut.pth")


def test_names_of_other_networks_stay():
    state = {"model.0.weight": torch.zeros(1), "model.3.bias": torch.zeros(1)}
    assert renamed(state) == state


@pytest.mark.parametrize("names", NAMES)
def test_a_start_for_the_training(tmp_path, names):
    (net,) = nets(1)
    state = named_start(recipe(MSSR, "small"), saved(tmp_path / "start.pth", net, names, "params"))
    assert signature(state) == signature(net)
    again = RRDBNet(**SMALL)
    again.load_state_dict(state)
    assert torch.equal(output(again), output(net))


def test_a_start_that_does_not_fit(tmp_path):
    wide = saved(tmp_path / "wide.pth", RRDBNet(**{**SMALL, "width": 6}))
    with pytest.raises(UserError, match="does not fit the network of mssr's recipe small"):
        named_start(recipe(MSSR, "small"), wide)
    torch.save({"layer.weight": torch.zeros(2)}, tmp_path / "other.pth")
    with pytest.raises(UserError, match=r"--set train\.start_weights=PATH"):
        named_start(recipe(MSSR, "small"), tmp_path / "other.pth")
