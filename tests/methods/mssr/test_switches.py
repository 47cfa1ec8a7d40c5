"""Settings of the training: what each changes, which ones the papers' recipes have, which mean nothing."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
import torch

from datasets.core.errors import UserError
from methods.mssr import network, perceptual
from methods.mssr.adapter import MSSR
from methods.mssr.start import started
from methods.mssr.training import stages
from methods.recipes import recipe, recipes
from tests.helpers.fake_loop import FakeLoop
from tests.helpers.mssr_stages import batches, equal, made, run_through, tiny


def adapted(**train):
    chosen = tiny(**train)
    _, left = run_through(chosen)
    last, loop = made(list(stages(chosen))[-1], left), FakeLoop(steps=10)
    loop.run(last, batches(last), 3)
    return loop.losses[-1]


def test_the_weight_of_the_adaptation():
    assert adapted() > 0 and adapted(adapt_weight=0.0) == 0
    assert adapted(collaborative_start=5) == 0


def test_noise_switched_off():
    chosen = tiny(noise_std=0.0)
    found, left = run_through(chosen)
    clean, loop = torch.rand(1, 3, 16, 16), FakeLoop()
    first = found[-1].synthesised(clean, loop)
    loop.step = 1
    assert all(torch.equal(a, b) for a, b in zip(first, found[-1].synthesised(clean, loop), strict=True))
    assert found[1].note() == "" and not any("noises" in key for key in left["collaborative/generator"])
    assert "generator-1: mean |w| of its noise scales 0." in run_through(tiny())[0][1].note()


def test_crops_as_released():
    chosen = tiny(4, crop_beyond=True, batch=1)
    _, left = run_through(chosen)
    last = made(list(stages(chosen))[-1], left)
    assert last.streams["clean"].crop == 0 and last.streams["clean"].batch == 1
    crop = chosen.train["restorer_crop"]
    image = torch.ones(1, 3, 4 * crop + 60, 4 * crop + 80)
    draws = [last._clean(image, loop) for loop in (FakeLoop(seed=seed) for seed in range(12))]
    assert all(cut.shape == (1, 3, 4 * crop, 4 * crop) for cut in draws)
    assert sum(float(cut.mean()) == 0 for cut in draws) >= 6
    with pytest.raises(UserError, match=r"train\.batch = 1"):
        MSSR(tiny(4, crop_beyond=True, batch=2))


def test_noisy_images_turned_as_released():
    chosen = tiny(turn_whole=True)
    _, left = run_through(chosen)
    stream = made(list(stages(chosen))[1], left).streams["degraded"]
    image = np.ones((20, 40, 3), np.uint8)
    plain, turned = (entry["degraded"] for entry in stream.preparation.make({"degraded": image}, None, None))
    assert plain.all() and turned.mean() == 0.5 and stream.augment == "flip"
    assert made(list(stages(tiny()))[1], left).streams["degraded"].preparation is None


def test_a_named_start(tmp_path):
    """ESRGAN's file in place of the start stage; the card tells which."""
    chosen = tiny()
    _, left = run_through(chosen)
    file = tmp_path / "rrdb.pth"
    torch.save({"params": left["start/single"]}, file)
    named = tiny(start_weights=str(file))
    found, _ = run_through(named, seed=3)
    assert [stage.name for stage in found] == ["generator-1", "generator-2", "collaborative"]
    assert equal(started(named, {}).state_dict(), left["start/single"])
    sha = hashlib.sha256(file.read_bytes()).hexdigest()
    assert found[-1].note() == f"started from rrdb.pth, sha256 {sha}"
    assert run_through(chosen)[0][-1].note() == ""


def test_lpips_where_its_files_are(monkeypatch):
    told = []

    class Distance(torch.nn.Module):
        def forward(self, x, y):
            told.append((x.shape, float(y.min()), float(y.max())))
            return (x - y).abs().mean((1, 2, 3))

    monkeypatch.setattr(perceptual, "lpips", lambda train: Distance())
    chosen = tiny(4, perceptual_weight=0.5)
    _, left = run_through(chosen)
    stage = made(list(stages(chosen))[1], left)
    (got,) = FakeLoop(steps=10).run(stage, batches(stage), 1)
    assert got["perceptual"] > 0 and told[-1][0] == (2, 3, 16, 16) and told[-1][1] >= 0 and told[-1][2] <= 1
    weights = [chosen.train[f"{name}_weight"] for name in ("colour", "adversarial", "perceptual")]
    terms = [got[name] for name in ("colour", "adversarial", "perceptual")]
    assert got["generator"] == pytest.approx(np.dot(weights, terms), rel=1e-5)


def test_lpips_where_its_files_are_not(monkeypatch, tmp_path):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    paper = recipe(MSSR, "aim2019-paper")
    without, sentence = MSSR.available(paper)
    assert without.train["perceptual_weight"] == 0 and without.digest != paper.digest
    assert "perceptual_weight = 0" in sentence and "alexnet" in sentence
    assert replace(without, train=paper.train) == paper and MSSR.available(tiny()) == (tiny(), "")
    with pytest.raises(UserError, match=r"--set train\.perceptual_weight=0"):
        perceptual.lpips(paper.train)


def test_recipes_differ_in_numbers():
    every = recipes(MSSR)
    papers = {"aim2019-paper", "ntire2020-paper", "realsr-paper"}
    small = {"budget", "budget-x4", "cpu", "phone-cpu", "phone-colours-cpu", "phone-coarse-cpu", "cpu-x4", "tiny"}
    assert papers | small == set(every)
    paper = every["aim2019-paper"]
    for name, other in every.items():
        assert (
            other.train.keys() - {"unknown"} == paper.train.keys() and other.network.keys() == paper.network.keys()
        ), name
        assert other.train["generators"] == ["deresnet", "han"], name
    for name in small:
        assert trained_parameters(every[name]) <= 4_000_000, name


def trained_parameters(chosen):
    """Of all networks that a training moves: both restorers, both generators, a discriminator for each."""
    with torch.device("meta"):
        method = MSSR(chosen)
        nets = [method.network_of(role) for role in method.role_names()]
        nets += [network.discriminator(chosen.train) for _ in range(2)]
    return sum(p.numel() for net in nets for p in net.parameters())


def test_the_papers_recipes_follow_the_code():
    train = recipe(MSSR, "ntire2020-paper").train
    assert train["generator_steps"] == [500 * 332, 500 * 663] and train["generator_batch"] == [8, 4]
    keys = ("generator_rate", "noise_rate", "discriminator_rate")
    assert [train[key] for key in keys] == [[1e-4, 1e-5], [1e-4, 1e-4], [1e-4, 1e-5]]
    weights = [
        train[f"{name}_weight"] for name in ("colour", "adversarial", "perceptual", "supervised", "collaborative")
    ]
    assert weights == [1, 0.005, 0.01, 1, 0.01] and train["betas"] == [0.5, 0.999]
    assert [train[key] for key in ("steps", "batch", "restorer_crop", "rate", "halvings")] == [
        1_000_000,
        1,
        32,
        1e-5,
        5,
    ]
    assert (train["crop"], train["epochs"], train["decay_epoch"], train["noise_std"]) == (64, 500, 350, 0.1)
    assert [train[key] for key in ("crop_beyond", "turn_whole", "adapt_weight")] == [False, False, 1.0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"train.generators": ["deresnet", "hann"]}, "Did you mean 'han'"),
        ({"train.generators": ["han"]}, "each of the two generators"),
        ({"train.noise_rate": [1e-4]}, r"train\.noise_rate has one value for each"),
        ({"train.decay_epoch": 99}, r"train\.decay_epoch lies between"),
        ({"train.start_weights": "nowhere.pth"}, "nowhere.pth"),
        ({"train.filter": "wavelets"}, "train.filter"),
        ({"network.scale": 3}, "scale"),
    ],
)
def test_settings_that_mean_nothing(settings, message):
    chosen = recipe(MSSR, "tiny", settings)
    with pytest.raises(UserError, match=message):
        run_through_factories(chosen)


def run_through_factories(chosen):
    left = {}
    for factory in MSSR(chosen).stages():
        stage = made(factory, left)
        left |= {f"{stage.name}/{role}": state for role, state in stage.artefacts().items()}
