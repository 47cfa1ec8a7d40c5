"""Rounds and replacements: when they come, what takes what, what survives; and what the training is given to see."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmark import training
from benchmark.conformance import check
from benchmark.training import TrainingData
from datasets.core.errors import UserError
from methods.recipes import recipe, recipes
from methods.scpgan.adapter import SCPGAN
from methods.scpgan.rounds import Rounds
from methods.scpgan.training import STAGES, ensemble
from tests.helpers.fake_loop import FakeLoop, through_a_file
from tests.helpers.files_dataset import pairs

FAST = {"train.crop": 24, "train.batch": 1, "train.rescales": False, "train.replace": "none"}
ROUNDS = {
    "train.crop": 24,
    "train.steps": [4, 10],
    "train.rescales": False,
    "train.replace_every": 3,
    "train.evaluate_every": 2,
    "train.score": "validation",
}


def stage_of(kind="sc", seed=0, **train):
    torch.manual_seed(seed)
    settings = {**FAST, **{f"train.{key}": value for key, value in train.items()}}
    stage = STAGES[kind](recipe(SCPGAN, "tiny", settings), 0, {})
    stage.configure()
    return stage


def batch(step=0):
    rng = torch.Generator().manual_seed(step)
    y, x, z = torch.rand(3, 1, 3, 24, 24, generator=rng)
    return {"degraded": {"degraded": y}, "clean": {"clean": x}, "probe": {"degraded": z}}


def state(stage, name):
    return {key: value.clone() for key, value in stage.networks[name].state_dict().items()}


def equal(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


def rounds(steps=100, **train):
    return Rounds({**recipe(SCPGAN, "tiny").train, **train}, steps)


def test_when_a_round_ends():
    every = rounds(replace="steps", replace_every=30)
    assert [step for step in range(100) if every.due(step, 100)] == [30, 60, 90]
    assert [step for step in range(50) if every.due(step, 50)] == [15, 30, 45]
    fixed = rounds(replace="steps", replace_every=30, rescales=False)
    assert [step for step in range(50) if fixed.due(step, 50)] == [30]
    listed = rounds(replace="list", replace_at=[10, 70])
    assert [step for step in range(200) if listed.due(step, 200)] == [20, 140]
    assert not any(rounds(replace="none").due(step, 100) for step in range(100))


def test_a_plateau_ends_a_round():
    waiting, ended = rounds(replace="plateau", patience=2), []
    for number, score in enumerate([1.0, 2.0, 1.5, 1.9, 1.0, 1.0, 3.0, 2.0], 1):
        waiting.score(score, 10 * number, {})
        if waiting.due(10 * number, 100):
            ended.append(10 * number)
            waiting.replaced(10 * number)
    assert ended == [40, 60]
    assert [(entry["taken_step"], entry["taken_score"]) for entry in waiting.history] == [(20, 2.0), (20, 2.0)]
    assert waiting.best["step"] == 70 and waiting.table()["replacements"].shape == (2, 4)
    assert "before steps: 40 (took step 20, 2.00 dB), 60" in waiting.note()


def scored(score, **train):
    """A stage after four steps, scored after the second, a replacement due before the fifth; and the scored state."""
    stage, loop = stage_of(replace="list", replace_at=[4], score=score, evaluate_every=2, **train), FakeLoop(steps=10)
    loop.run(stage, batch, 2)
    if score == "validation":
        loop.step = 1
        stage.on_evaluation(30.0, loop)
        loop.step = 2
    best = {name: state(stage, name) for name in ("restorer", "generator", "discriminator")}
    loop.run(stage, batch, 2)
    return stage, loop, best


def test_at_a_replacement_everything_takes_the_best_state():
    stage, loop, best = scored("validation")
    last = {name: state(stage, name) for name in stage.networks}
    assert not equal(last["restorer"], best["restorer"])
    stage._replace(loop)
    assert equal(state(stage, "fixed"), best["restorer"])
    assert all(equal(state(stage, name), best[name]) for name in best)
    assert not any(optimiser.state for optimiser in stage.optimisers.values())
    (got,) = loop.run(stage, batch, 1)
    assert stage.rounds.history[0] == {"step": 4, "taken_step": 2, "taken_score": 30.0, "last_score": 30.0}
    assert equal(stage.artefacts()["restorer"], best["restorer"])


def test_right_after_a_replacement_restorer_and_fixed_restorer_agree():
    stage, loop, _ = scored("validation")
    (got,) = loop.run(stage, batch, 1)
    assert got["self_l1"] == pytest.approx(0, abs=1e-6) and got["self_log_ssim"] == pytest.approx(0, abs=1e-5)
    (got,) = loop.run(stage, batch, 1)
    assert got["self_l1"] > 1e-5 and len(stage.rounds.history) == 1


def test_what_takes_what_can_be_switched():
    stage, loop, best = scored("validation", restart_restorer="keep", restart_gan="keep", fresh_optimisers=False)
    last, moments = {name: state(stage, name) for name in best}, len(stage.optimisers["restorer"].state)
    stage._replace(loop)
    assert equal(state(stage, "fixed"), best["restorer"])
    assert all(equal(state(stage, name), last[name]) for name in best) and moments > 0
    assert len(stage.optimisers["restorer"].state) == moments
    authors = {"generator_hands_on": 0.0, "generator_initial": 0.02}
    stage, loop, best = scored("validation", restart_gan="fresh", **authors)
    last = {name: state(stage, name) for name in best}
    stage._replace(loop)
    assert equal(state(stage, "restorer"), best["restorer"])
    for name in ("generator", "discriminator"):
        assert not equal(state(stage, name), best[name]) and not equal(state(stage, name), last[name])
    assert float(stage.networks["generator"].conv_output[0].weight.detach().std()) == pytest.approx(0.02, rel=0.2)


def test_without_a_score_the_last_state_is_taken():
    stage, loop, _ = scored("none")
    last = state(stage, "restorer")
    stage._replace(loop)
    assert equal(state(stage, "fixed"), last) and stage.rounds.history[0]["taken_score"] is None
    assert equal(stage.artefacts()["restorer"], state(stage, "restorer"))
    assert bool(stage.artefacts()["history"]["replacements"][0, 2:].isnan().all())


def test_a_score_without_reference():
    stage, loop = stage_of(score="proxy", evaluate_every=3, proxy_images=2), FakeLoop(steps=10)
    assert stage.streams["probe"].source == "degraded" and stage.streams["probe"].batch == 1
    loop.run(stage, batch, 4)
    assert [image.shape[0] for image in stage.probe] == [1, 1] and torch.equal(
        stage.probe[1], batch(1)["probe"]["degraded"]
    )
    assert [step for step, _ in stage.rounds.scores] == [3] and not stage.keeps_best
    left = {f"pgabnet/{name}": tensors for name, tensors in stage.artefacts().items()}
    later = STAGES["sc"](
        replace(stage.recipe, train={**stage.train, "steps": [1, 1], "stages": ["pgabnet", "sc"]}), 1, left
    )
    assert later.rounds.best["score"] == stage.rounds.best["score"] and "probe" not in later.streams
    assert torch.equal(torch.cat(later.probe), torch.cat(stage.probe))
    assert "proxy" in stage.note() and "proxy" in SCPGAN(stage.recipe).facts.note


def test_a_rule_that_waits_for_scores_says_so_where_none_come():
    stage = stage_of(replace="plateau", score="validation", evaluate_every=2)
    with pytest.raises(UserError, match=r"none came in 2 steps.*--validate"):
        FakeLoop(steps=10).run(stage, batch, 4)


@pytest.mark.parametrize("at", [3, 4, 5])
@pytest.mark.parametrize("score", ["validation", "proxy"])
def test_a_replacement_survives_a_restart_wherever_it_comes(at, score):
    """Saved before, right before and after the replacement before step 4."""

    def steps(stage, loop, first, last):
        for loop.step in range(first, last):
            stage.step(batch(loop.step), loop)
            stage.on_step(loop)
            if loop.step in (1, 3, 5) and score == "validation":
                stage.on_evaluation(30.0 - loop.step, loop)

    train = {"replace": "list", "replace_at": [4], "score": score, "evaluate_every": 2, "proxy_images": 3}
    whole, half, rest = (stage_of("rebsc", seed, **train) for seed in (0, 0, 1))
    steps(whole, FakeLoop(steps=8), 0, 8)
    steps(half, FakeLoop(steps=8), 0, at)
    rest.load_state_dict(through_a_file(half.state_dict()))
    steps(rest, FakeLoop(steps=8), at, 8)
    assert len(whole.rounds.history) == 1 and whole.rounds.history == rest.rounds.history
    assert whole.rounds.scores == rest.rounds.scores
    assert all(equal(state(whole, name), state(rest, name)) for name in whole.networks)
    assert equal(whole.artefacts()["restorer"], rest.artefacts()["restorer"])


def trained(results, data, settings=ROUNDS):
    """The restorer's weights of one training."""
    plan = training.TrainSettings(device="cpu", checkpoint_steps=2, tensorboard=False)
    return training.train(SCPGAN(recipe(SCPGAN, "tiny", settings)), data, plan, results)["restorer"]


def train_on_pairs(results: str, folder: str) -> None:
    """A scenario for the kill program."""
    trained(Path(results), TrainingData(pairs(Path(folder)), pairs(Path(folder), "held", 1, seed=1)))


def test_killed_during_a_replacement(killer, tmp_path):
    orders = ["", "train.replacement:1", "train.replacement:2", "train.replacement:3"]
    whole, *killed = killer.chains(orders, f"{__name__}:train_on_pairs", tmp_path, tmp_path)
    assert whole.finished.code == 0 and len(killed) == 3
    for got in killed:
        assert got.killed and got.log == ["train.replacement"] and got.finished.code == 0
        assert got.weights == whole.weights, got.order


def test_the_clean_partners_of_the_degraded_images_are_never_seen(tmp_path):
    noisy, clean = pairs(tmp_path), pairs(tmp_path, "others", seed=3)
    for place, row in enumerate(clean.rows):  # scenes of their own
        clean.rows[place] = replace(row, scene=f"other{row.scene}")
    data = TrainingData(noisy, clean=clean)
    settings = {**ROUNDS, "train.steps": [1, 2]}
    before = trained(tmp_path / "a", data, settings)
    gone = [file.unlink() for file in (tmp_path / "images").glob("*-clean.npy")]
    after = trained(tmp_path / "b", data, settings)
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (before, after)]
    assert len(gone) == 4 and digests[0] == digests[1]


def test_scenes_in_both_pools_are_refused(tmp_path):
    noisy = pairs(tmp_path)
    with pytest.raises(UserError, match="same scenes"):
        trained(tmp_path / "a", TrainingData(noisy, clean=pairs(tmp_path, "again")))


def test_turned_passes_of_the_fixed_restorer():
    net = torch.nn.Conv2d(3, 3, 3, padding=1)
    image = torch.rand(2, 3, 8, 8)
    with torch.no_grad():
        assert torch.allclose(ensemble(net, image, [0]), net(image), atol=1e-6)
        parts = [ensemble(net, image, [mode]) for mode in (2, 5, 7)]
        assert torch.allclose(ensemble(net, image, [2, 5, 7]), sum(parts) / 3, atol=1e-6)
        assert not torch.allclose(parts[0], parts[1], atol=1e-3)
    assert torch.allclose(ensemble(torch.nn.Identity(), image, [2, 3, 6, 7]), image, atol=1e-6)


def test_the_papers_recipes_follow_their_code():
    first, second = (recipe(SCPGAN, name).train for name in ("scpgabnet-paper", "rscp2gan-paper"))
    keys = ("crop", "batch", "second_background", "fixed_in_graph", "adversarial", "fakes", "high_pass", "background")
    assert [first[key] for key in keys] == [128, 12, True, True, 1, 1, "learned", 6.0]
    assert [second[key] for key in keys] == [112, 4, False, False, 1, 1, "learned", 6.0]
    assert list(first["stages"]) == ["pgabnet", "sc"] and sum(first["steps"]) == 400 * 2000
    assert second["stages"][-1] == "rebsc" and sum(second["steps"]) == 400 * 2000
    for train in (first, second):
        rates = [train[f"{name}_rate"] for name in ("restorer", "generator", "discriminator")]
        assert rates == [1e-4] * 3 and train["milestones"] == [] and train["betas"] == [0.9, 0.999]


NAFNETS = [f"{task}-nafnet{tier}" for task in ("derain", "desnow") for tier in ("", "-cpu", "-tiny")]


def test_recipes_differ_in_numbers():
    every = recipes(SCPGAN)
    known = {
        "scpgabnet-paper",
        "rscp2gan-paper",
        "budget",
        "cpu",
        "phone-cpu",
        "phone-colours-cpu",
        "tiny",
        "derain",
        *NAFNETS,
    }
    assert known == set(every)
    for name in ("budget", "cpu", "phone-cpu", "phone-colours-cpu", "tiny", "derain"):
        assert every[name].train.keys() == every["scpgabnet-paper"].train.keys()
        assert every[name].train["stages"] == ["pgabnet", "sc"]
        assert every[name].network["restorer"] == "deam"
        (first, *_) = SCPGAN(every[name]).stages()
        networks = first({}).networks
        assert sum(p.numel() for net in networks.values() for p in net.parameters()) < 4_000_000
    assert SCPGAN(every["derain"]).facts.tasks == ("derain",)
    assert [SCPGAN(every[name]).facts.variant for name in ("scpgabnet-paper", "cpu")] == ["SCPGabNet", ""]
    other = SCPGAN(recipe(SCPGAN, "scpgabnet-paper", {"train.high_pass": "gaussian"})).facts
    assert other.variant == "" and "train.high_pass = gaussian in place of learned" in other.note


@pytest.mark.parametrize("name", NAFNETS)
def test_recipes_of_nafnet_are_small_and_say_what_is_unknown(name):
    found = recipes(SCPGAN)[name]
    assert found.train.keys() - {"unknown"} == recipes(SCPGAN)["rscp2gan-paper"].train.keys()
    assert found.train["stages"] == ["pgabnet", "sc", "rebsc"] and found.network["restorer"] == "nafnet"
    method = SCPGAN(found)
    networks = next(iter(method.stages()))({}).networks
    assert sum(p.numel() for net in networks.values() for p in net.parameters()) < 4_000_000
    assert method.facts.tasks == (name.partition("-")[0],) and method.facts.variant == ""
    assert "of the paper's settings unknown: width" in method.facts.note


@pytest.mark.parametrize("kind", ["sc", "rebsc"])
def test_self_collaboration_goes_around_any_restorer(kind):
    """The rules of SC and Reb-SC see the fixed restorer as a function of images alone."""
    torch.manual_seed(0)
    stage = STAGES[kind](recipe(SCPGAN, "desnow-nafnet-tiny", {**FAST, "train.crop": 32}), 0, {})
    stage.configure()
    images = {name: {name: torch.rand(1, 3, 32, 32)} for name in ("degraded", "clean")}
    fixed = state(stage, "fixed")
    first, second = FakeLoop().run(stage, images, 2)
    assert first["cross_l1"] == first["self_l1"] == 0  # both restorers begin at the identity
    assert second["cross_l1"] > 0 and second["self_l1"] > 0 and equal(state(stage, "fixed"), fixed)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"train.replace": "plateu"}, "Did you mean 'plateau'"),
        ({"train.score": "truth"}, "train.score"),
        ({"train.replace": "plateau", "train.score": "none"}, "waits for a score"),
        ({"train.score": "proxy", "train.evaluate_every": 0}, "evaluate_every"),
        ({"train.stages": ["sc"], "train.steps": [10]}, "begins with 'pgabnet'"),
        ({"train.stages": ["pgabnet"]}, "as many numbers"),
        ({"train.adversarial": 2}, "one of 1, 4"),
        ({"train.high_pass": "gausian"}, "Did you mean 'gaussian'"),
        ({"train.task": "dehaze"}, "train.task"),
        ({"network.restorer": "nafnett"}, "network.restorer"),
    ],
)
def test_settings_that_mean_nothing(settings, message):
    with pytest.raises(UserError, match=message):
        next(SCPGAN(recipe(SCPGAN, "tiny", settings)).stages())({})


def test_conformance():
    failed = [(c.name, c.detail) for c in check(SCPGAN, "tiny") if not c.passed]
    assert not failed
