"""Recorded training steps: every loss term, gradient and update through the stages' own step."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from methods.recipes import recipe
from methods.scpgan.adapter import SCPGAN
from methods.scpgan.training import STAGES
from tests.helpers.fake_loop import FakeLoop
from tests.helpers.material import material, needs_material
from tests.helpers.rule_weights import relative, rule_state

ROLES = {"D": "restorer", "G": "generator", "P": "discriminator", "E": "fixed"}
TERMS = {
    "adversarial_loss": "adversarial",
    "bgm_loss1": "background",
    "bgm_loss2": "self_background",
    "loss_G": "generator",
    "loss_recon": "l1",
    "los_ssim": "log_ssim",
    "loss_recon1": "self_l1",
    "los_ssim1": "self_log_ssim",
    "loss_recon2": "cross_l1",
    "los_ssim2": "cross_log_ssim",
    "loss_D": "restorer",
    "loss_P_real": "judged_real",
    "loss_P_fake": "judged_fake",
    "loss_P": "discriminator",
}
VIEWS = {"fake_im_noisy1": "f1", "rec_x1": "r1", "rec_x2": "r2", "tizao_1": "t1", "tizao_2": "t2"}
FOUR = {"train.adversarial": 4}
CASES = {
    "step_pgabnet_stage1": ("scpgabnet-paper", "pgabnet", {}),
    "step_pgabnet_stage1_four_adv": ("scpgabnet-paper", "pgabnet", FOUR),
    "step_scpgabnet_sc": ("scpgabnet-paper", "sc", {}),
    "step_scpgabnet_sc_four_adv": ("scpgabnet-paper", "sc", FOUR),
    "step_rscp2gan_rebsc": ("rscp2gan-paper", "rebsc", {}),
}
SLOW = {"step_pgabnet_stage1_four_adv", "step_scpgabnet_sc", "step_rscp2gan_rebsc"}


def ruled_stage(name, kind, settings):
    """The stage in float64 with weights by rule; the last layers are smaller, so that SSIM is positive."""
    stage = STAGES[kind](recipe(SCPGAN, name, settings), 0, {})
    for role, net in stage.networks.items():
        state = rule_state(net.double(), seed_prefix="E." if role == "fixed" else "")
        if role == "generator":
            state["conv_output.4.weight"] *= 0.1
            state["conv_output.4.bias"] *= 0.1
        elif role != "discriminator" and "output.weight" in state:
            state["output.weight"] *= 0.05
        elif role != "discriminator":
            state["inverse_transform_function.ext.conv2d.weight"] *= 0.02
            state["inverse_transform_function.ext.conv2d.bias"].fill_(0.5)
        net.load_state_dict(state)
    stage.configure()
    return stage


def inputs(described, iteration):
    shape = (described["batch"], 3, *described["height_width"])
    rng = np.random.default_rng(described["input_seed"] + 10 * iteration)
    clean = rng.random(shape)
    noisy = np.clip(0.8 * rng.random(shape) + 0.1 * rng.standard_normal(shape), 0, 1)
    return torch.from_numpy(noisy), torch.from_numpy(clean)


@needs_material
@pytest.mark.parametrize("case", [pytest.param(c, marks=pytest.mark.golden_slow if c in SLOW else ()) for c in CASES])
def test_recorded_steps(case):
    described = json.loads(material(f"golden/scpgan/{case}.json").read_text())
    golden = np.load(material(f"golden/scpgan/{case}.npz"))
    stage = ruled_stage(*CASES[case])
    loop = FakeLoop(steps=stage.steps)
    assert len(described["iterations"]) == 2
    for number, want in enumerate(described["iterations"]):
        y, x = inputs(described, number)
        draws = want.get("randint_draws_in_order_aa_bb_xx_yy")
        if draws:
            loop.given["modes"] = [np.array(mode) for mode in draws]
        if number == 0:
            assert np.array_equal(golden["clean"], x.numpy()) and np.array_equal(golden["noisy"], y.numpy())
            check_views(stage.views(y, x, loop), golden)
        before = {role: copied(net) for role, net in stage.networks.items()}
        (got,) = loop.run(stage, {"degraded": {"degraded": y}, "clean": {"clean": x}}, 1)
        check_step(stage, loop, got, want, before, 1e-10 if number == 0 else 1e-6)
        if number == 0:
            check_gradients(stage, want)


def copied(net):
    return [p.detach().clone() for p in net.parameters()]


def check_views(views, golden):
    recorded = [key for key in VIEWS if key in golden.files]
    assert len(recorded) >= 3
    for key in recorded:
        assert relative(getattr(views, VIEWS[key])[:1], golden[key]) < 1e-9, key


def check_step(stage, loop, got, want, before, tolerance):
    known = [term for term in TERMS if term in want]
    assert {TERMS[term] for term in known} == set(stage.losses)
    for term in known:
        assert got[TERMS[term]] == pytest.approx(want[term], rel=tolerance, abs=tolerance), term
    relative_tolerance = max(tolerance, 1e-8)
    norms = dict(zip("GDP", loop.norms[-3:], strict=True))
    assert norms == pytest.approx(want["grad_norm"], rel=relative_tolerance)
    for letter, role in ROLES.items():
        if role in stage.networks:
            now = list(stage.networks[role].parameters())
            moved = sum(float((p.detach() - was).square().sum()) for p, was in zip(now, before[role], strict=True))
            assert moved**0.5 == pytest.approx(want["update_norm"][letter], rel=1e-6), letter
            total = sum(float(p.detach().sum()) for p in now)
            assert total == pytest.approx(want["param_sum_after"][letter], rel=1e-6), letter


def check_gradients(stage, want):
    for letter, norms in want["grad_norm_per_parameter"].items():
        parameters = dict(stage.networks[ROLES[letter]].named_parameters())
        assert parameters.keys() == norms.keys()
        # a bias before an instance norm has a gradient of rounding errors alone
        floor = 1e-12 * want["grad_norm"][letter]
        for key, norm in norms.items():
            gradient = parameters[key].grad
            assert (gradient is None) == (norm is None), key
            if norm is not None:
                assert float(gradient.norm()) == pytest.approx(norm, rel=1e-8, abs=floor), key


def narrow(name, kind, **train):
    """A stage of a paper's recipe with narrow networks, to see where gradients go."""
    full, small = recipe(SCPGAN, name), recipe(SCPGAN, "tiny")
    numbers = {key: small.train[key] for key in ("generator_width", "generator_blocks", "discriminator_width")}
    torch.manual_seed(0)
    stage = STAGES[kind](replace(full, network=small.network, train={**full.train, **numbers, **train}), 0, {})
    stage.configure()
    return stage


def gradients(name, kind, what, **train):
    """Norm of the gradient of one term in each network."""
    from methods.scpgan.iteration import generator_terms, restorer_terms

    stage, loop = narrow(name, kind, **train), FakeLoop()
    if "fixed" in stage.networks:  # another one than the restorer, whose own loss against itself would vanish
        torch.manual_seed(1)
        for parameter in stage.networks["fixed"].parameters():
            parameter.data += 0.02 * torch.randn_like(parameter)
    rng = torch.Generator().manual_seed(2)
    seen = stage.views(*torch.rand(2, 2, 3, 32, 32, generator=rng), loop)
    terms = generator_terms(seen, stage.networks["discriminator"], stage.train) | restorer_terms(seen)
    terms[what].backward()
    return {
        role: sum(float(p.grad.norm()) for p in net.parameters() if p.grad is not None)
        for role, net in stage.networks.items()
    }


def test_the_generator_s_loss_trains_the_restorer_unless_cut():
    assert gradients("scpgabnet-paper", "pgabnet", "generator")["restorer"] > 0
    assert gradients("scpgabnet-paper", "pgabnet", "generator", detach_restored=True)["restorer"] == 0
    assert gradients("scpgabnet-paper", "sc", "generator", adversarial=4, detach_restored=True)["restorer"] == 0
    assert gradients("rscp2gan-paper", "rebsc", "generator")["restorer"] == 0
    assert gradients("rscp2gan-paper", "rebsc", "generator", second_background=True)["restorer"] > 0


def test_the_restorer_s_loss_reaches_the_generator_through_the_fixed_restorer_alone():
    assert gradients("scpgabnet-paper", "pgabnet", "restorer")["generator"] == 0
    through = gradients("scpgabnet-paper", "sc", "restorer")
    assert through["generator"] > 0 and through["fixed"] == 0
    assert gradients("scpgabnet-paper", "sc", "restorer", fixed_in_graph=False)["generator"] == 0
    assert gradients("rscp2gan-paper", "rebsc", "restorer")["generator"] == 0
    assert gradients("rscp2gan-paper", "rebsc", "restorer", fixed_in_graph=True)["generator"] > 0


def test_four_fakes_for_the_discriminator():
    batch = {name: {name: torch.rand(1, 3, 32, 32)} for name in ("degraded", "clean")}
    one, four = (
        FakeLoop().run(narrow("rscp2gan-paper", "pgabnet", fakes=count), batch, 1)[0]["judged_fake"] for count in (1, 4)
    )
    assert four > 2 * one


def test_images_of_the_network_s_own_do_not_train_the_discriminator_in_the_first_half():
    stage = narrow("scpgabnet-paper", "pgabnet")
    batch = {name: {name: torch.rand(1, 3, 32, 32)} for name in ("degraded", "clean")}
    kernel = stage.networks["discriminator"].Gas.conv.weight.detach().clone()
    FakeLoop().run(stage, batch, 1)
    moved = (stage.networks["discriminator"].Gas.conv.weight - kernel).abs().max()
    assert float(moved) == pytest.approx(1e-4, rel=1e-3)  # Adam's first step, by the discriminator's optimiser once
    assert stage.networks["discriminator"].model[0].weight.requires_grad
