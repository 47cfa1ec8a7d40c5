"""The stage in the harness: resuming, what it is given to see, its switches, whether it learns."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmark.conformance import check
from benchmark.training import TrainingData, TrainSettings, train
from methods.features import VGG19
from methods.lir.adapter import LIR
from methods.lir.training import Translation, rate_factor
from methods.recipes import recipe, recipes
from tests.helpers.fake_loop import FakeLoop
from tests.helpers.files_dataset import pairs

CROP = 24
SETTINGS = {"train.crop": CROP, "train.steps": 6, "train.judge_layers": 2, "train.judge_scales": 1}

# of the losses, in the authors' configuration
OFFICIAL = {
    "adversarial_a": 1,
    "adversarial_b": 1,
    "latent": 1,
    "self": 10,
    "cycle": 10,
    "kl": 0.01,
    "cycle_kl": 0.01,
    "semantic": 1,
    "background": 5,
}


def stage_of(features=None, name="tiny", **settings):
    torch.manual_seed(0)
    chosen = recipe(LIR, name, {**SETTINGS, **settings})
    stage = Translation(chosen, features)
    stage.configure()
    return stage


def batch(step=0, channels=3):
    rng = torch.Generator().manual_seed(step)
    y, x = torch.rand(2, 2, channels, CROP, CROP, generator=rng)
    return {"degraded": {"degraded": y}, "clean": {"clean": x}}


def copied(net):
    return {key: value.clone() for key, value in net.state_dict().items()}


def moved(net, before):
    return any(not torch.equal(value, before[key]) for key, value in net.state_dict().items())


def after(steps=1, features=None, **settings):
    stage = stage_of(features, **settings)
    losses = FakeLoop(steps=10).run(stage, batch, steps)
    return stage, losses


def trained(results, data):
    """The restorer's weights of one training with batch norms, whose statistics must survive as well."""
    plan = TrainSettings(device="cpu", checkpoint_steps=2, tensorboard=False)
    chosen = recipe(LIR, "tiny", {**SETTINGS, "network.norm": "batch"})
    return train(LIR(chosen), data, plan, results)["restorer"]


def train_on_pairs(results: str, folder: str) -> None:
    """A scenario for the kill program."""
    trained(Path(results), TrainingData(pairs(Path(folder)), pairs(Path(folder), "held", 1, seed=1)))


def test_killed_and_resumed(killer, tmp_path):
    orders = ["", "train.checkpoint:2", "train.step:5"]
    whole, *killed = killer.chains(orders, f"{__name__}:train_on_pairs", tmp_path, tmp_path)
    assert whole.finished.code == 0 and len(killed) == 2
    for got in killed:
        assert got.killed and got.finished.code == 0 and got.log == got.phases
        assert got.weights == whole.weights, got.order


def test_the_clean_partners_of_the_degraded_images_are_never_seen(tmp_path):
    noisy, clean = pairs(tmp_path), pairs(tmp_path, "others", seed=3)
    for place, row in enumerate(clean.rows):  # scenes of their own
        clean.rows[place] = replace(row, scene=f"other{row.scene}")
    data = TrainingData(noisy, clean=clean)
    before = trained(tmp_path / "a", data)
    gone = [file.unlink() for file in (tmp_path / "images").glob("*-clean.npy")]
    after = trained(tmp_path / "b", data)
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (before, after)]
    assert len(gone) == 4 and digests[0] == digests[1]


def test_what_is_kept_are_the_encoder_of_a_and_the_decoder_of_b():
    stage, _ = after(2)
    left = stage.artefacts()["restorer"]
    for side, part in (("gen_a", "enc"), ("gen_b", "dec_cont")):
        state = stage.networks[side][part].state_dict()
        assert all(torch.equal(left[f"{part}.{key}"], value) for key, value in state.items())
    method = LIR(stage.recipe).eval()
    method.restorer.load_state_dict(left)
    x = torch.rand(1, 3, 21, 30)
    with torch.no_grad():
        assert torch.equal(method.restore(x), stage.restorer()(x, None))


def test_every_network_learns_and_the_official_order_is_kept():
    stage, loop = stage_of(**{"train.latent_steps": 2}), FakeLoop(steps=10)
    before = {name: copied(net) for name, net in stage.networks.items()}
    (losses,) = loop.run(stage, batch, 1)
    assert all(moved(net, before[name]) for name, net in stage.networks.items())
    assert set(losses) == set(stage.losses) and len(loop.losses) == 2 + 1 + 1
    # D_R twice alone, both kinds of discriminators, the generators, and D_R on their loss, unclipped
    assert loop.clips == [5.0, 5.0, None, 5.0, None, None]


def test_the_step_of_d_r_on_the_generators_loss_is_a_switch():
    stages = [after(**{"train.step_latent_dis_on_gen_loss": on})[0] for on in (True, False)]
    latents = [copied(stage.latent) for stage in stages]
    assert any(not torch.equal(latents[0][key], latents[1][key]) for key in latents[0])
    assert not any(
        moved(one, copied(other))
        for one, other in zip(stages[0].discriminators.values(), stages[1].discriminators.values(), strict=True)
    )
    assert not any(p.grad is not None and p.grad.isnan().any() for p in stages[1].latent.parameters())
    without = FakeLoop(steps=10)
    without.run(stage_of(**{"train.step_latent_dis_on_gen_loss": False}), batch, 1)
    assert without.clips == [5.0, 5.0, None, 5.0, None]


def test_latent_noise_is_keyed_and_can_be_off():
    one, again, other, none = (
        after(**{"train.latent_noise": noise})[0].artefacts()["restorer"] for noise in (1.0, 1.0, 0.5, 0.0)
    )
    key = "dec_cont.model.0.model.0.model.0.conv.weight"
    assert torch.equal(one[key], again[key]) and not torch.equal(one[key], other[key])
    assert not torch.equal(one[key], none[key])

    class Undrawn(FakeLoop):
        def generator(self, name):
            draws = super().generator(name)
            draws.normal = None
            return draws

    Undrawn(steps=10).run(stage_of(**{"train.latent_noise": 0.0}), batch, 1)
    with pytest.raises(TypeError):
        Undrawn(steps=10).run(stage_of(), batch, 1)


@pytest.mark.parametrize(("key", "value"), [("vgg_input", "torchvision"), ("vgg_layer", 5), ("semantic", 2.0)])
def test_semantic_switches(key, value):
    def run(**train):
        train = {"semantic": 1.0, "vgg_layer": 3, **train}
        torch.manual_seed(1)
        features = VGG19(train["vgg_layer"])
        stage, (losses,) = after(features=features, **{f"train.{k}": v for k, v in train.items()})
        assert stage.networks["vgg"] is features and all(p.grad is None for p in features.parameters())
        return losses

    usual, switched = run(), run(**{key: value})
    if key == "semantic":
        extra = usual["semantic_a"] + usual["semantic_b"]
        assert switched["generator"] - usual["generator"] == pytest.approx(extra, rel=1e-3)
    else:
        assert switched["semantic_a"] != pytest.approx(usual["semantic_a"], rel=1e-4)


@pytest.mark.parametrize("name", [*(name for name in OFFICIAL if name != "semantic"), "blur_sigma", "weight_decay"])
def test_every_weight_counts(name):
    usual, (before,) = after()
    value = {"blur_sigma": 1.0, "weight_decay": 0.5}.get(name, 2 * usual.train[name])
    changed, (now,) = after(**{f"train.{name}": value})
    if name != "weight_decay":
        assert now["generator"] != pytest.approx(before["generator"], rel=1e-6)
    terms = [term for term in before if term == name or term.rpartition("_")[0] == name]
    if terms:
        extra = (value - usual.train[name]) * sum(before[term] for term in terms)
        assert now["generator"] - before["generator"] == pytest.approx(extra, rel=1e-3, abs=1e-5)
    assert moved(changed.gen_b, copied(usual.gen_b))


def test_rates():
    official = recipe(LIR, "gaussian-paper").train
    factors = [rate_factor(official, step, 300_000) for step in (0, 99_999, 100_000, 199_999, 200_000, 299_999)]
    assert factors == [1, 1, 0.5, 0.5, 0.25, 0.25]
    cooled = {**official, "milestones": [], "cooling": 0.4}
    assert [rate_factor(cooled, step, 100) for step in (0, 60, 80, 99)] == pytest.approx([1, 1, 0.5, 0.025])
    stage, _ = after(**{"train.cooling": 1.0, "train.milestones": []})
    rates = {name: optimiser.param_groups[0]["lr"] for name, optimiser in stage.optimisers.items()}
    assert rates == {name: stage.train[f"{name}_rate"] for name in ("generator", "judge", "latent")}


def test_grey_images_are_three_equal_ones():
    stage = stage_of(**{"network.grey": True})
    loop = FakeLoop(steps=10)
    (grey,) = loop.run(stage, lambda step: batch(step, 1), 1)
    three = {
        name: {name: image.expand(-1, 3, -1, -1)}
        for name, image in ((n, batch(0, 1)[n][n]) for n in ("degraded", "clean"))
    }
    (colour,) = FakeLoop(steps=10).run(stage_of(), three, 1)
    assert grey == pytest.approx(colour)
    method = LIR(stage.recipe).eval()
    assert method.facts.channels == (1,)
    with torch.no_grad():
        x = torch.rand(2, 1, 17, 16)
        restored = method.restore(x)
        assert restored.shape == x.shape
        wanted = method.restorer.dec_cont(method.restorer.enc(x[..., :16, :].expand(-1, 3, -1, -1))).mean(
            1, keepdim=True
        )
        assert torch.allclose(method.restore(x[..., :16, :]), wanted)


def test_tiny_learns():
    """On one pair of patches: restoring gets better, and so does the generators' loss."""
    losses = FakeLoop(steps=25).run(stage_of(), batch(), 25)
    first, last = (
        [sum(entry[key] for entry in part) for key in ("generator", "self_b", "cycle_b")]
        for part in (losses[:5], losses[-5:])
    )
    assert all(late < 0.8 * early for early, late in zip(first, last, strict=True)), (first, last)


def test_recipes_differ_in_numbers():
    every = recipes(LIR)
    assert {
        "gaussian-paper",
        "poisson-paper",
        "ldct",
        "budget",
        "cpu",
        "phone-cpu",
        "phone-colours-cpu",
        "tiny",
    } == set(every)
    official = every["gaussian-paper"].train
    assert (official["steps"], official["batch"], official["crop"], official["clip"]) == (300_000, 16, 64, 5.0)
    rates = [official[f"{name}_rate"] for name in ("generator", "judge", "latent")]
    assert rates == [1e-4, 1e-4, 5e-5] and official["betas"] == [0.0, 0.9] and official["weight_decay"] == 1e-4
    assert {name: official[name] for name in OFFICIAL} == OFFICIAL
    switches = [
        official[key] for key in ("step_latent_dis_on_gen_loss", "vgg_input", "vgg_layer", "blur_sigma", "latent_noise")
    ]
    assert switches == [True, "caffe", 20, 25.0, 1.0]
    for name, other in every.items():
        assert other.train.keys() == official.keys() and other.network.keys() == every["gaussian-paper"].network.keys()
        assert LIR(other).facts.variant == ("LIR" if other.tier == "paper" else ""), name
    for name in ("budget", "cpu", "phone-cpu", "phone-colours-cpu", "tiny"):
        (stage,) = (factory({}) for factory in LIR(every[name]).stages())
        trained = sum(p.numel() for net in stage.networks.values() for p in net.parameters())
        assert trained < 4_000_000 and sum(p.numel() for p in LIR(every[name]).parameters()) < 3_000_000


def test_conformance():
    failed = [(c.name, c.detail) for c in check(LIR, "tiny") if not c.passed]
    assert not failed
