"""Recorded training steps: every backward, norm, gradient, loss term and update through the stage's own step."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from methods.features import VGG19
from methods.lir.adapter import LIR
from methods.lir.training import Translation
from methods.recipes import recipe
from tests.helpers.fake_loop import FakeLoop
from tests.helpers.material import material, needs_material
from tests.helpers.rule_weights import relative, rule_state

TERMS = {
    "loss_gen_total": "generator",
    "loss_gen_adv_a": "adversarial_a",
    "loss_gen_adv_b": "adversarial_b",
    "loss_ContentD": "latent",
    "loss_gen_recon_x_a": "self_a",
    "loss_gen_recon_x_b": "self_b",
    "loss_gen_cyc_x_a": "cycle_a",
    "loss_gen_cyc_x_b": "cycle_b",
    "loss_gen_recon_kl_a": "kl_a",
    "loss_gen_recon_kl_b": "kl_b",
    "loss_gen_recon_kl_sty": "kl_noise",
    "loss_gen_recon_kl_cyc_aba": "cycle_kl_a",
    "loss_gen_recon_kl_cyc_bab": "cycle_kl_b",
    "loss_gen_recon_kl_cyc_sty": "cycle_kl_noise",
    "loss_gen_vgg_a": "semantic_a",
    "loss_gen_vgg_b": "semantic_b",
    "loss_bgm": "background",
}
JUDGED = {
    "loss_dis_a": "judge_a",
    "loss_dis_b": "judge_b",
    "loss_dis_total": "discriminators",
    "loss_ContentD": "judge_latent",
}


class Watching(FakeLoop):
    """A loop that notes, in the golden file's form, every backward, norm and gradient."""

    def __init__(self, stage, **options):
        super().__init__(**options)
        self.stage, self.events = stage, []

    def backward(self, loss, *, retain_graph=False):
        super().backward(loss, retain_graph=retain_graph)
        self.events.append(["backward", loss.item()])

    def update(self, optimiser, clip=None):
        super().update(optimiser, clip)
        if clip is not None:
            self.events.append(["clip_total_norm", self.norms[-1]])
        (name,) = (name for name, own in self.stage.optimisers.items() if own is optimiser)
        self.events.append([name, {part: norm(net) for part, net in parts(self.stage).items()}])


def parts(stage):
    """Sub-network by its name in the golden files."""
    both = {f"{side}.{part}": net for side in ("gen_a", "gen_b") for part, net in stage.networks[side].items()}
    return {**both, **{name: stage.networks[name] for name in ("dis_a", "dis_b", "dis_content")}}


def norm(net):
    gradients = [p.grad for p in net.parameters() if p.grad is not None]
    return float(torch.stack([g.square().sum() for g in gradients]).sum().sqrt()) if gradients else None


def ruled_stage(dim, judge_dim):
    """The official stage with weights by rule, seeded by the trainer's keys; other widths where the file has others."""
    official = recipe(LIR, "gaussian-paper", {"train.judge_dim": judge_dim})
    stage = Translation(replace(official, network={**official.network, "dim": dim}), VGG19(20))
    for name, net in stage.networks.items():
        prefix, rename = f"{name}.", {key: key.replace("features.", "feature_ext.") for key in net.state_dict()}
        net.double().load_state_dict(rule_state(net, seed_prefix=prefix, rename=rename))
    stage.configure()
    return stage


def inputs(first_seed):
    made = [torch.from_numpy(np.random.default_rng(first_seed + k).random((2, 3, 64, 64))) for k in (0, 1)]
    return {name: {name: image} for name, image in zip(("degraded", "clean"), made, strict=True)}


def check_events(got, want):
    assert [name for name, _ in got] == [name for name, _ in want]
    for (name, value), (_, wanted) in zip(got, want, strict=True):
        for part, size in wanted.items() if isinstance(wanted, dict) else [(None, wanted)]:
            have = value if part is None else value.get(part)
            assert have == (None if size is None else pytest.approx(size, rel=1e-9)), (name, part)


def ordered(events):
    """The recorded events as the harness has them: it clips right before the step that the clipping is for."""
    names = {"content_opt.step": "latent", "dis_opt.step": "judge", "gen_opt.step": "generator"}
    found = [[names.get(name, name), value] for name, value in events]
    place = [name for name, _ in found].index("judge")
    assert found[place - 1][0] == "clip_total_norm" and found[place + 1][0] == "latent"
    found[place - 1], found[place] = found[place], found[place - 1]
    return found


def check_state(stage, before, want):
    for name, net in parts(stage).items():
        now, told = list(net.parameters()), want[name]
        moved = sum(float((p.detach() - was).square().sum()) for p, was in zip(now, before[name], strict=True))
        assert moved**0.5 == pytest.approx(told["delta_l2"], rel=1e-7), name
        assert sum(float(p.detach().sum()) for p in now) == pytest.approx(told["param_sum"], rel=1e-9), name
        state = net.state_dict()
        for statistic in ("running_mean", "running_var"):
            total = sum(float(value.sum()) for key, value in state.items() if key.endswith(statistic))
            assert total == pytest.approx(told[f"{statistic}_sum"], rel=1e-9, abs=1e-12), (name, statistic)
        counts = {int(value) for key, value in state.items() if key.endswith("num_batches_tracked")}
        assert counts == set(told["num_batches_tracked"]), name


def replay(name, dim, judge_dim, count):
    """The recorded iterations through the stage's step."""
    described = json.loads(material(f"golden/lir/{name}.json").read_text())
    seed = int(described["x_a"].partition("default_rng(")[2].partition(")")[0])
    stage, batch = ruled_stage(dim, judge_dim), inputs(seed)
    assert len(described["iterations"]) == count
    calls = iter(described["randn_calls"])
    loop = Watching(stage, steps=stage.steps)
    start = {part: [p.detach().clone() for p in net.parameters()] for part, net in parts(stage).items()}
    for want in described["iterations"]:
        loop.events = []
        loop.given = {purpose: [drawn(next(calls)) for _ in range(2)] for purpose in ("judge", "generator")}
        (got,) = loop.run(stage, batch, 1)
        check_events(loop.events, ordered(want["events"]))
        for told, names in ((want["losses_after_gen_update"], TERMS), (want["losses_after_dis_update"], JUDGED)):
            for key, term in names.items():
                assert got[term] == pytest.approx(told[key], rel=1e-9), term
        check_state(stage, start, want["state_after"])
    restore = stage.restorer()
    with torch.no_grad():
        output = restore(batch["degraded"]["degraded"][:1, :, :32, :32], None)
    assert relative(output, np.load(material(f"golden/lir/{name}.npz"))["output"]) < 1e-9


def drawn(call):
    return np.random.default_rng(call["seed"]).standard_normal(call["shape"])


@needs_material
def test_three_recorded_iterations():
    replay("lir_train_step_small", 8, 8, 3)


@needs_material
@pytest.mark.golden_slow
def test_two_recorded_iterations_at_full_width():
    replay("lir_train_step", 64, 64, 2)
