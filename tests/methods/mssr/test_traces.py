"""Recorded iterations of the official code, through the stages' own step: losses, scores, and the weights after."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from methods.mssr import network, perceptual
from methods.mssr.adapter import MSSR
from methods.mssr.collaborative import PAIR, Collaboration
from methods.mssr.generators import GeneratorTraining
from methods.recipes import recipe
from tests.helpers.fake_loop import FakeLoop
from tests.helpers.material import material, needs_material
from tests.helpers.rule_weights import rule_state
from tests.methods.test_features import lpips_by_rule

PAPER = "ntire2020-paper"


def trace(name):
    return json.loads(material(f"golden/mssr/{name}.json").read_text())


def slopes(net):
    return [f"{name}.weight" for name, part in net.named_modules() if isinstance(part, torch.nn.PReLU)]


def ruled(net):
    net.double().load_state_dict(rule_state(net, slopes=slopes(net)))


def single_start(paper):
    torch.manual_seed(0)
    return {"start/single": network.single(paper.network).state_dict()}


@needs_material
@pytest.mark.golden_slow  # three iterations of full-width networks
def test_recorded_iterations_of_a_generator(monkeypatch):
    want = trace("stage1_trace")
    monkeypatch.setattr(perceptual, "lpips", lambda train: lpips_by_rule())
    paper = recipe(MSSR, PAPER)
    small = replace(paper, network={**paper.network, "width": 4, "blocks": 1, "growth": 4})  # restores nothing here
    stage = GeneratorTraining(small, 0, single_start(small))
    for name in ("generator", "discriminator"):
        ruled(stage.networks[name])
    stage.configure()
    rng, loop = np.random.default_rng(want["seed"]), FakeLoop(steps=stage.steps)
    for told in want["iterations"]:
        clean, real = (torch.from_numpy(rng.random((2, 3, side, side))) for side in (128, 32))
        loop.given["noise"] = [rng.standard_normal((2, 1, 128, 128)) for _ in range(8)]
        (got,) = loop.run(stage, {"clean": {"clean": clean}, "degraded": {"degraded": real}}, 1)
        check_losses(got, told)
    check_weights(stage, want["after"])


TERMS = {
    "d_loss": "discriminator", "g_adv": "adversarial", "lpips": "perceptual", "color": "colour", "g_total": "generator",
    "mean_real_score": "real_score", "mean_fake_score_before_d_step": "fake_score",
    "mean_fake_score_after_d_step": "told_score",
}  # fmt: skip


def check_losses(got, told):
    assert told.keys() == TERMS.keys()
    for theirs, ours in TERMS.items():
        assert got[ours] == pytest.approx(told[theirs], rel=1e-9), ours


def check_weights(stage, after):
    generator, judge = (dict(stage.networks[name].named_parameters()) for name in ("generator", "discriminator"))
    scales = [value for key, value in generator.items() if "noises" in key]
    for name, values in (
        ("G_param_norm", generator.values()),
        ("D_param_norm", judge.values()),
        ("noise_scale_norm", scales),
    ):
        norm = torch.cat([value.detach().flatten() for value in values]).norm()
        assert float(norm) == pytest.approx(after[name], rel=1e-6), name
    for key, value in (
        ("block_output_bias", generator["block_output.bias"]),
        ("noises_0_w_first4", generator["noises.0.w"].flatten()[:4]),
        ("D_net_net_0_bias_first4", judge["net.net.0.bias"][:4]),
    ):
        assert value.tolist() == pytest.approx(after[key], rel=1e-6), key


def collaboration(setup):
    """The stage with the trace's small networks: generators of 2 and of 8 blocks, both restorers by the same rule."""
    paper = recipe(MSSR, PAPER)
    network = {
        **paper.network,
        "width": setup["rrdb"]["num_feat"],
        "blocks": setup["rrdb"]["num_block"],
        "growth": setup["rrdb"]["num_grow_ch"],
    }
    train = {**paper.train, "rate": setup["lr"], "halvings": setup["iterations"] / setup["decay_step"]}
    small = replace(paper, network=network, train={**train, "generators": ["deresnet", "deresnet"]})
    first, second = (
        GeneratorTraining(replace(small, train={**small.train, "deresnet_blocks": n}), 0, single_start(small))
        for n in (2, 8)
    )
    left = single_start(small) | {"generator-2/generator": second.artefacts()["generator"]}
    stage = Collaboration(small, left | {"generator-1/generator": left["generator-2/generator"]})
    stage.networks["generator_a"] = first.networks["generator"]
    for net in stage.networks.values():
        ruled(net)
    stage.configure()
    return stage


@needs_material
def test_recorded_iterations_of_the_restorers(monkeypatch):
    monkeypatch.setattr(perceptual, "lpips", lambda train: torch.nn.Identity())
    want = trace("stage2_trace")
    setup = want["setup"]
    stage = collaboration(setup)
    rng, loop = np.random.default_rng(want["seed"]), FakeLoop(steps=setup["iterations"])
    for told in want["iterations"]:
        clean, real = (torch.from_numpy(rng.random((1, 3, side, side))) for side in (48, 12))
        for name, blocks in zip(PAIR, (2, 8), strict=True):
            loop.given[f"noise of {name}"] = [rng.standard_normal((1, 1, 48, 48)) for _ in range(blocks)]
        (got,) = loop.run(stage, {"clean": {"clean": clean}, "degraded": {"degraded": real}}, 1)
        check_iteration(stage, loop, got, told, 1e-8 if loop.step == 1 else 1e-6)
    for name, theirs in zip(PAIR, ("g1", "g2"), strict=True):
        parameters = dict(stage.networks[name].named_parameters())
        norm = torch.cat([value.detach().flatten() for value in parameters.values()]).norm()
        assert float(norm) == pytest.approx(want["after"][f"{theirs}_norm"], rel=1e-6)
        for layer in ("conv_last", "conv_first"):
            bias = parameters[f"{layer}.bias"].tolist()[:4]
            assert bias == pytest.approx(want["after"][f"{theirs}_{layer}_bias"], rel=1e-6)


def check_iteration(stage, loop, got, told, tolerance):
    for name, theirs in zip(PAIR, ("g1", "g2"), strict=True):
        for ours, key in (("supervised", "sup"), ("collaborative", "col_raw"), ("adapted", "adapt_raw")):
            wanted = told[f"{theirs}_{key}"]
            assert got[f"{name}_{ours}"] == pytest.approx(wanted, rel=tolerance, abs=1e-12), (name, ours)
        assert stage.optimisers[name].param_groups[0]["lr"] == told["lr"]
    for place, name in ((-2, "a"), (-1, "b")):
        assert loop.losses[place] == pytest.approx(told["adapt_factor"] * got[f"{name}_adapted"], rel=1e-9)
