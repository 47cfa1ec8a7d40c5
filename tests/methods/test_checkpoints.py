"""Foreign checkpoints in the layouts that frameworks write: averaged weights first, prefixes off, nothing guessed."""

import argparse
import pathlib
from collections import OrderedDict, defaultdict

import numpy as np
import pytest
import torch

from datasets.core.errors import UserError
from methods.checkpoints import peel, read_pickled

KEYS = ("conv.weight", "conv.bias", "tail.weight")


def network(value, prefix=""):
    return OrderedDict((prefix + key, torch.full((2, 3), float(value + k))) for k, key in enumerate(KEYS))


RAW, AVERAGED = network(0), network(10)


def same(state, wanted=AVERAGED):
    assert state.keys() == wanted.keys()
    assert all(torch.equal(state[key], wanted[key]) for key in wanted)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("model_ema", {"model": RAW, "model_ema": AVERAGED, "epoch": 3}),
        ("ema", {"model": RAW, "ema": AVERAGED}),
        ("ema", {"model": RAW, "ema": {"decay": 0.999, "state_dict": AVERAGED}}),
        ("shadow", {"model": RAW, "ema": {"decay": 0.999, "shadow": AVERAGED}}),
        ("ema_state_dict", {"state_dict": RAW, "ema_state_dict": AVERAGED}),
        ("state_dict_ema", {"state_dict": RAW, "state_dict_ema": AVERAGED}),
        ("params_ema", {"params": RAW, "params_ema": AVERAGED}),
        ("swa_model", {"model": RAW, "swa_model": {"n_averaged": torch.tensor(4), **network(10, "module.")}}),
        ("ema_model", {"state_dict": {**network(0, "model."), **network(10, "ema_model.")}}),
        ("ema_model", {**network(0, "online_model."), **network(10, "ema_model."), "step": torch.tensor([1])}),
    ],
)
def test_averaged_weights_come_first_and_are_named(name, content):
    state, words = peel(content, "x.pth")
    same(state)
    assert name in words and "averaged" in words


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "model.", "net.", "_orig_mod.module.", "module.model."])
def test_common_prefixes_are_taken_off_and_told(prefix):
    state, words = peel({"state_dict": network(10, prefix)}, "x.pth")
    same(state)
    assert "removed" in words


def test_a_network_whose_own_keys_begin_with_model_and_a_number_keeps_them():
    own = {f"model.{k}.weight": torch.ones(3) for k in range(3)}
    assert peel(own, "x.pth")[0].keys() == own.keys()


def test_two_candidates_of_one_architecture_are_a_question():
    with pytest.raises(UserError, match="two networks of one architecture, 'model' and 'network'"):
        peel({"model": RAW, "network": AVERAGED}, "x.pth")
    same(peel({"model": RAW, "network": dict(RAW)}, "x.pth")[0], RAW)  # equal values: nothing to ask


def test_averaged_weights_without_names_are_not_passed_over():
    with pytest.raises(UserError, match=r"averaged weights \(ema\).*not read"):
        peel({"model": RAW, "ema": {"shadow_params": list(AVERAGED.values())}}, "x.pth")


def test_a_decay_is_no_network():
    same(peel({"model": RAW, "ema_decay": 0.999, "ema_optimizer": {"state": {"a": torch.ones(2)}}}, "x.pth")[0], RAW)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_are_not_finite_are_refused(value):
    with pytest.raises(UserError, match="not finite, such as in conv.bias"):
        peel({**RAW, "conv.bias": torch.tensor([1.0, value])}, "x.pth")


def extras():
    table = defaultdict(list)
    table["psnr"].append(3)
    return {
        "best": np.float64(3.2),
        "epoch": np.int64(4),
        "curve": np.arange(3.0),
        "opt": argparse.Namespace(lr=0.1, out=pathlib.Path("/a/b")),
        "path": pathlib.PurePosixPath("c/d"),
        "log": table,
        "when": {1, 2},
    }


@pytest.mark.parametrize("legacy", [False, True])
def test_harmless_extras_are_read(tmp_path, legacy):
    path = tmp_path / "x.pth"
    torch.save({"state_dict": AVERAGED, **extras()}, path, _use_new_zipfile_serialization=not legacy)
    content = read_pickled(path)
    assert content["best"] == 3.2 and content["opt"].lr == 0.1 and content["path"] == "c/d"
    same(peel(content, path)[0])


def test_numbers_beside_the_tensors_are_left_out():
    same(peel({**AVERAGED, "epoch": 3, "best": np.float64(3.2)}, "x.pth")[0])


class Planted:
    def __reduce__(self):
        return pathlib.Path.touch, (pathlib.Path("planted"),)


def test_what_would_run_is_refused_still(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": AVERAGED, "extra": Planted()}, "x.pth")
    with pytest.raises(UserError, match="refused"):
        read_pickled(pathlib.Path("x.pth"))
    assert not pathlib.Path("planted").exists()
