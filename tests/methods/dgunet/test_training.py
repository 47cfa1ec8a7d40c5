"""DGUNet's trainings: what a step does, what is kept, what recipes have in common."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from datasets.core.errors import UserError
from datasets.ops.noise import keyed_generator
from methods.dgunet.adapter import DGUNet, network
from methods.dgunet.losses import charbonnier, edge
from methods.dgunet.training import Restoring
from methods.recipes import recipe, recipes
from tests.helpers.fake_loop import FakeLoop

FAMILIES = {
    "denoise": (
        "sidd-paper",
        "sidd-plus-paper",
        "budget",
        "cpu",
        "phone-cpu",
        "phone-strong-cpu",
        "phone-colours-cpu",
        "tiny",
    ),
    "deblur": ("gopro-paper", "gopro-plus-paper", "deblur-tiny"),
    "derain": ("rain-paper", "rain-plus-paper", "derain-tiny"),
    "compressive-sensing": ("cs10-paper", "cs10-plus-paper", "cs-budget", "cs-tiny"),
}
STEPS = {  # images of the published training sets x epochs / batch
    "sidd-paper": 320 * 300 // 16 * 80,
    "gopro-paper": -(-2103 // 16) * 3000,
    "rain-paper": 13712 // 16 * 250,
    "cs10-paper": 1200 * 200 // 32 * 400,
}


def stages_of(name, settings=None, seed=0):
    """The stages of a recipe, each from what the one before leaves at once."""
    with torch.random.fork_rng():
        torch.default_generator.manual_seed(seed)
        method, artefacts, found = DGUNet(recipe(DGUNet, name, settings)), {}, []
        for factory in method.stages():
            stage = factory(artefacts)
            stage.configure()
            artefacts[f"{stage.name}/restorer"] = stage.net.state_dict()
            found.append(stage)
    return found


def pair(step=0, side=24, batch=3):
    """Smooth pictures with noise."""
    rng = keyed_generator("pair", step)
    coarse = torch.from_numpy(rng.random((batch, 3, 5, 5), np.float32))
    clean = torch.nn.functional.interpolate(coarse, (side, side), mode="bicubic").clamp(0, 1)
    noise = torch.from_numpy(rng.standard_normal(clean.shape, np.float32))
    return {"train": {"degraded": clean + 0.1 * noise, "clean": clean}}


def grey(step=0, side=32, batch=2):
    return {"train": {"clean": pair(step, side, batch)["train"]["clean"][:, :1]}}


def falls(stage, batch, count=40):
    log = FakeLoop(steps=count).run(stage, batch, count)
    first, last = log[:6], log[-6:]
    for term in stage.losses:
        before, after = (sum(row[term] for row in rows) / 6 for rows in (first, last))
        assert after < 0.9 * before, (term, before, after)
    assert set(log[0]) == set(stage.losses)
    return log


def test_the_tiny_recipe_learns():
    (stage,) = stages_of("tiny")
    log = falls(stage, pair)
    assert all(row["loss"] == row["charbonnier"] for row in log)


@pytest.mark.parametrize("name", ["deblur-tiny", "derain-tiny"])
def test_the_tiny_recipes_with_an_edge_term_learn(name):
    (stage,) = stages_of(name)
    for row in falls(stage, pair):
        assert row["loss"] == pytest.approx(row["charbonnier"] + 0.05 * row["edge"], rel=1e-5)


def test_both_steps_of_sensing_learn():
    blocks, deblock = stages_of("cs-tiny")
    assert (blocks.name, deblock.name) == ("blocks", "deblock")
    falls(blocks, grey)
    falls(deblock, lambda step: grey(step, 64, 1), 30)


def test_the_second_step_starts_from_the_best_of_the_first():
    method = DGUNet(recipe(DGUNet, "cs-tiny"))
    first, second = list(method.stages())
    blocks = first({})
    blocks.configure()
    loop = FakeLoop(steps=10)
    loop.run(blocks, grey, 2)
    blocks.on_evaluation(30.0, loop)
    best = {key: value.clone() for key, value in blocks.net.state_dict().items()}
    loop.run(blocks, grey, 2)
    blocks.on_evaluation(29.0, loop)
    left = {f"blocks/{role}": state for role, state in blocks.artefacts().items()}
    assert not torch.equal(left["blocks/last"]["Phi"], best["Phi"])
    deblock = second(left)
    assert all(torch.equal(deblock.net.state_dict()[key], value) for key, value in best.items())
    # validation images are measured by the method, which must sense as the network in training does
    assert deblock.net is method.restorer


@pytest.mark.parametrize("name", ["tiny", "deblur-tiny", "cs-tiny"])
def test_plus_learns_as_well(name):
    stage = stages_of(name, {"network.plus": True})[0]
    falls(stage, grey if name == "cs-tiny" else pair, 25)


def test_a_step_is_adam_on_the_sum_of_the_terms():
    (stage,) = stages_of("deblur-tiny", {"train.jitter": 0.0})
    before = {key: value.clone() for key, value in stage.net.state_dict().items()}
    batch = pair()
    images = stage.net(batch["train"]["degraded"])
    want = charbonnier(images, batch["train"]["clean"]) + 0.05 * edge(images, batch["train"]["clean"])
    loop = FakeLoop(steps=800)
    loop.run(stage, batch, 1)
    assert loop.losses[0] == pytest.approx(want.item(), rel=1e-6)
    moved = {key: float((stage.net.state_dict()[key] - value).abs().max()) for key, value in before.items()}
    rate = 1e-3 / 3  # the first epoch of the warm-up; Adam's first step is the rate
    assert max(moved.values()) == pytest.approx(rate, rel=1e-2)
    assert moved.pop("basic.concat12.weight") == 0
    assert min(moved.values()) > 0


def test_shared_slopes_move_together():
    (stage,) = stages_of("tiny")
    FakeLoop(steps=10).run(stage, pair, 3)
    state = stage.artefacts()["restorer"]
    slopes = [value for key, value in state.items() if "phi" in key and key.endswith("body.1.weight")]
    assert len(slopes) == 6 and len({float(value) for value in slopes}) == 1 and float(slopes[0]) != 0.25
    # one optimiser entry for each tensor, however many names it has
    count = sum(len(group["params"]) for group in stage.optimisers["restorer"].param_groups)
    assert count == len(state) - 6


def test_denoising_clamps_and_the_others_do_not():
    batch = pair()
    batch["train"]["degraded"] = batch["train"]["degraded"] + 3
    log = {name: FakeLoop().run(stages_of(name)[0], batch, 1)[0]["charbonnier"] for name in ("tiny", "derain-tiny")}
    assert log["tiny"] < 3 < log["derain-tiny"]


def test_jitter_is_drawn_anew_at_each_step_and_is_keyed():
    (stage,) = stages_of("deblur-tiny")
    seen = []
    stage.net.register_forward_pre_hook(lambda module, args: seen.append(args[0].clone()))
    batch = {"train": {key: (x * 255).round().clamp(0, 255) / 255 for key, x in pair(batch=8)["train"].items()}}
    FakeLoop(seed=1).run(stage, batch, 2)
    FakeLoop(seed=1).run(stage, batch, 1)
    assert not torch.equal(seen[0], seen[1]) and torch.equal(seen[0], seen[2])
    assert not torch.equal(seen[0], batch["train"]["degraded"])


def test_streams():
    (paper,) = stages_of_streams("sidd-paper")
    assert (paper.crop, paper.batch, paper.augment, paper.mixup) == (128, 16, "flips9", (0.6, 6))
    assert paper.preparation.key == ["Patches", {"count": 300, "side": 256}]
    (meant,) = stages_of_streams("sidd-paper", {"train.augmentation": "meant", "train.mixup": 0.0})
    assert (meant.augment, meant.mixup) == ("flips8", None)
    (deblur,) = stages_of_streams("gopro-paper")
    assert (deblur.crop, deblur.source, deblur.mixup, deblur.preparation) == (256, "paired", None, None)
    blocks, deblock = stages_of_streams("cs10-paper")
    assert (blocks.source, blocks.crop, deblock.crop, blocks.augment) == ("measured", 32, 64, "none")
    assert stages_of_streams("cs10-paper", {"train.augmentation": "meant"})[0].augment == "flips8"
    with pytest.raises(UserError, match="Did you mean 'official'"):
        stages_of_streams("tiny", {"train.augmentation": "oficial"})


def stages_of_streams(name, settings=None):
    """Streams of a recipe's stages, whatever the size of its networks."""
    with torch.device("meta"):
        return [stage.streams["train"] for stage in stages_of(name, settings)]


def test_official_flips_of_sensing_are_made_in_the_step():
    seen = {}
    for scheme in ("official", "meant"):
        (stage, _) = stages_of("cs-tiny", {"train.augmentation": scheme})
        stage.net.register_forward_pre_hook(lambda module, args, scheme=scheme: seen.update({scheme: args[0].clone()}))
        FakeLoop().run(stage, grey(batch=16), 1)
    clean = grey(batch=16)["train"]["clean"]
    assert torch.equal(seen["meant"], clean) and not torch.equal(seen["official"], clean)


def test_colour_images_are_sensed_by_their_luma():
    stage = stages_of("cs-tiny")[0]
    seen = []
    stage.net.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    FakeLoop().run(stage, {"train": {"clean": torch.ones(2, 3, 32, 32)}}, 1)
    assert seen[0].shape == (2, 1, 32, 32) and torch.allclose(seen[0], torch.tensor(235 / 255))


def test_best_and_last_are_both_kept():
    (stage,) = stages_of("tiny")
    loop = FakeLoop()
    left = stage.artefacts()
    assert all(torch.equal(left["restorer"][key], left["last"][key]) for key in left["last"])
    loop.run(stage, pair, 1)
    stage.on_evaluation(25.0, loop)
    best = stage.artefacts()["last"]
    loop.run(stage, pair, 1)
    stage.on_evaluation(24.0, loop)
    left = stage.artefacts()
    assert torch.equal(left["restorer"]["tail.weight"], best["tail.weight"])
    assert not torch.equal(left["last"]["tail.weight"], best["tail.weight"])
    assert stage.keeps_best


def test_a_training_resumes_exactly():
    whole, loop = stages_of("deblur-tiny", seed=1)[0], FakeLoop(steps=8)
    start = whole.artefacts()["last"]
    loop.run(whole, pair, 2)
    whole.on_evaluation(20.0, loop)
    loop.run(whole, pair, 2)
    (half,), loop = stages_of("deblur-tiny", seed=2), FakeLoop(steps=8)
    half.net.load_state_dict(start)
    loop.run(half, pair, 2)
    half.on_evaluation(20.0, loop)
    (rest,) = stages_of("deblur-tiny", seed=3)
    rest.load_state_dict(half.state_dict())
    loop.run(rest, pair, 2)
    for role, state in whole.artefacts().items():
        assert all(torch.equal(value, rest.artefacts()[role][key]) for key, value in state.items())


@pytest.mark.parametrize("name", ["tiny", "deblur-tiny", "cs-tiny"])
def test_a_step_in_bf16(name):
    stage, loop = stages_of(name)[0], FakeLoop()
    batch = grey() if name == "cs-tiny" else pair()
    plain = FakeLoop().run(stages_of(name)[0], batch, 1)[0]
    with torch.autocast("cpu", torch.bfloat16):
        log = loop.run(stage, batch, 2)
    assert log[0]["loss"] == pytest.approx(plain["loss"], rel=0.02)
    assert all(bool(torch.isfinite(value).all()) for value in stage.net.state_dict().values())
    assert {value.dtype for value in stage.net.state_dict().values()} == {torch.float32}


@pytest.mark.parametrize("task", FAMILIES)
def test_tiers_differ_in_numbers_only(task):
    with torch.device("meta"):
        families = {name: stages_of(name) for name in FAMILIES[task]}
    kinds = {
        name: [(type(s).__name__, s.name, s.losses, tuple(s.networks), tuple(s.streams)) for s in stages]
        for name, stages in families.items()
    }
    assert len({repr(kind) for kind in kinds.values()}) == 1
    assert {kind[0][0] for kind in kinds.values()} == {"Sensing" if task == "compressive-sensing" else "Restoring"}
    for name, stages in families.items():
        one = recipe(DGUNet, name)
        plus = "Plus" if one.network["plus"] and task != "compressive-sensing" else ""
        assert type(stages[0].net).__name__ == ("SensingDGUNet" if "cs" in name else f"DGUNet{plus}")
        assert one.train["task"] == task
        paper = recipe(DGUNet, FAMILIES[task][0])
        assert one.train.keys() == paper.train.keys() and one.network.keys() == paper.network.keys()
    assert {"paper", "tiny"} <= {recipe(DGUNet, name).tier for name in FAMILIES[task]}


def test_every_recipe_is_in_a_family():
    listed = {name for names in FAMILIES.values() for name in names}
    ratios = {f"cs{ratio}{plus}-paper" for ratio in (1, 4, 10, 25, 50) for plus in ("", "-plus")}
    assert set(recipes(DGUNet)) == listed | ratios
    for name in ratios:
        one, base = recipe(DGUNet, name), recipe(DGUNet, "cs10-paper")
        assert f"cs{one.train['ratio']:g}" == name.split("-")[0]
        assert {key for key in base.train if one.train[key] != base.train[key]} <= {"ratio"}


def test_numbers_of_the_paper():
    for name, steps in STEPS.items():
        assert recipe(DGUNet, name).train["steps"] == steps
    sensing = recipe(DGUNet, "cs10-paper").train
    assert sensing["deblock_steps"] == 1200 * 200 // 32 * 100
    assert recipe(DGUNet, "sidd-paper").train["weight_decay"] == 1e-8
    assert [recipe(DGUNet, f"{task}-paper").train["rate"] for task in ("sidd", "gopro", "rain")] == [1e-4, 1e-4, 2e-4]


@pytest.mark.parametrize("name", ["budget", "phone-cpu", "cs-budget"])
def test_budgets_are_small(name):
    with torch.device("meta"):
        stages = stages_of(name)
    assert sum(p.numel() for p in stages[0].net.parameters()) <= 3_000_000


def test_the_best_is_chosen_in_the_epochs_that_the_authors_validate():
    """Denoising: epochs 1, 25, 45 and all after 60, three times each; the others' evaluations choose nothing."""
    paper = recipe(DGUNet, "sidd-paper")
    assert paper.train["select_epochs"] == [1, 25, 45] and paper.train["select_after"] == 60
    assert paper.train["evaluate_every"] * 3 * paper.train["epochs"] == paper.train["steps"]
    tiny = recipe(DGUNet, "tiny")
    keys = ("select_epochs", "select_after", "epochs")
    chosen = replace(tiny, train={**tiny.train, **{key: paper.train[key] for key in keys}})
    torch.manual_seed(0)
    stage, loop, taken = Restoring(chosen, network(chosen)), FakeLoop(steps=160), []
    for epoch in range(1, 81):
        loop.step = 2 * epoch - 1  # the last step of the epoch
        stage.on_evaluation(float(epoch), loop)
        if stage.best_score == epoch:
            taken.append(epoch)
    assert taken == [1, 25, 45, *range(61, 81)]
    assert all(recipe(DGUNet, name).train["select_after"] == 0 for name in ("gopro-paper", "cs10-paper", "cpu"))
