"""The stage: recorded training steps, its schedule, its streams, resuming, and what makes it unsupervised."""

from pathlib import Path

import numpy as np
import pytest
import torch

from datasets.core.errors import UserError
from datasets.ops.noise import estimate_sigma, keyed_generator
from datasets.pool import grid_positions
from methods.base import SampleInfo
from methods.r2r.adapter import R2R
from methods.r2r.inference import bgr
from methods.r2r.preparation import GaussianSet, NoiseDraws, RenderedPairs, correlated
from methods.r2r.training import rate
from methods.recipes import recipe, recipes
from tests.helpers.fake_loop import FakeLoop
from tests.helpers.material import material, needs_material
from tests.helpers.rule_weights import relative, ruled

GOLDEN = Path(__file__).parents[2] / "golden" / "r2r"
CAMERA = {
    "cfa": [0, 1, 1, 2],
    "beta": [0.016, 3e-4] * 3,
    "as_shot_neutral": [0.5, 1.0, 0.6],
    "color_matrix2": [1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0],
}


def stage_of(name, **settings):
    chosen = recipe(R2R, name, {key.replace("__", "."): value for key, value in settings.items()})
    (factory,) = R2R(chosen).stages()
    stage = factory({})
    stage.configure()
    return stage


@needs_material
@pytest.mark.parametrize(("case", "name"), [("awgn", "awgn-paper"), ("sidd", "sidd-paper")])
def test_recorded_steps(case, name):
    golden = dict(np.load(material(f"golden/r2r/trainstep_{case}.npz")))
    assert {"out_train_0", "after1_dncnn.0.weight", "after1_dncnn.3.running_var", "eval_after3"} <= golden.keys()
    compare_steps(golden, name)


def test_recorded_steps_in_short():
    golden = dict(np.load(GOLDEN / "trainstep_awgn.npz"))
    assert {"after1_dncnn.3.running_mean", "after1_dncnn.3.running_var", "eval_after3"} <= golden.keys()
    compare_steps(golden, "awgn-paper")


def compare_steps(golden, name):
    stage = stage_of(
        name,
        train__noise="gaussian",
        train__sigma=float(golden["sigma"]),
        train__alpha=float(golden["alpha"]),
        train__rate=float(golden["lr"]),
    )
    net = ruled(stage.net)
    stage.configure()
    y = torch.from_numpy(golden["y"])
    loop = FakeLoop({"recorruption": [golden["z"]]})
    trained, outputs, gradients = [], [], []

    def watch(module, args, out):
        outputs.append(out.detach())
        out.register_hook(gradients.append)

    handle = net.register_forward_hook(watch)
    for step in range(3):
        loop.run(stage, {"train": {"degraded": bgr(y)}}, 1)
        assert loop.losses[step] == pytest.approx(float(golden[f"loss_{step}"]), rel=1e-9)
        assert loop.norms[step] == pytest.approx(float(golden[f"grad_param_norm_{step}"]), rel=1e-9)
        assert float(gradients[step].norm()) == pytest.approx(float(golden[f"grad_out_norm_{step}"]), rel=1e-9)
        trained.append({key: value.clone() for key, value in net.state_dict().items()})
    if "out_train_0" in golden:
        assert relative(outputs[0], golden["out_train_0"]) < 1e-9
    for key in [key for key in golden if key.startswith("after1_")]:
        assert relative(trained[0][key.removeprefix("after1_")], golden[key]) < 1e-8, key
    handle.remove()
    with torch.no_grad():
        assert relative(net.eval()(y), golden["eval_after3"]) < 1e-8


def test_recorded_patches():
    golden = np.load(GOLDEN / "patches.npz")
    image, size, stride = golden["image"][0], int(golden["win"]), int(golden["stride"])
    corners = grid_positions(image.shape, size, stride)
    cut = np.stack([image[y : y + size, x : x + size] for y, x in corners], axis=-1)
    assert np.array_equal(cut, golden["patches"][0])


def test_counts_of_the_paper():
    sides = [int(180 * scale) for scale in recipe(R2R, "awgn-paper").train["scales"]]
    patches = sum(len(grid_positions((side, side), 40, 10)) for side in sides)
    assert sides == [180, 162, 144, 125]
    assert patches * 400 == 238_400
    assert 50 * -(-patches * 400 // 128) == 93_150 == recipe(R2R, "awgn-paper").train["steps"]
    assert len(grid_positions((300, 256), 128, 128, True)) == 3 * 2


def test_learning_rate():
    train = recipe(R2R, "awgn-paper").train
    per_epoch = 1863
    assert [rate(train, step, 93_150) for step in (0, 30 * per_epoch - 1)] == [1e-3, 1e-3]
    assert [rate(train, step, 93_150) for step in (30 * per_epoch, 93_149)] == pytest.approx([1e-4, 1e-4])
    assert rate(recipe(R2R, "sidd-paper").train, 17_047, 17_048) == 2e-4
    stage = stage_of("tiny", train__milestones=[0.5])
    loop = FakeLoop(steps=2)
    loop.run(stage, lambda step: {"train": pair(step)}, 2)
    assert stage.optimisers["restorer"].param_groups[0]["lr"] == pytest.approx(2e-4)


def pair(step=0, side=16):
    x = torch.from_numpy(keyed_generator("pair", step).random((2, 3, side, side), np.float32))
    return {"input": x, "target": 1 - x}


def test_recorruption_is_fresh_at_each_step():
    stage = stage_of("awgn-paper")
    y, loop = torch.zeros(2, 1, 8, 8), FakeLoop()
    first = stage.pair({"degraded": y}, loop)
    again = stage.pair({"degraded": y}, loop)
    loop.step = 1
    later = stage.pair({"degraded": y}, loop)
    assert torch.equal(first[0], again[0]) and not torch.equal(first[0], later[0])
    assert torch.allclose(first[0] / 0.5, -first[1] * 0.5)


def test_supervised_reference():
    stage = stage_of("dncnn-noise")
    noisy, clean = torch.rand(2, 2, 1, 8, 8)
    assert stage.pair({"degraded": noisy, "clean": clean}, FakeLoop()) == (noisy, clean)
    assert stage.streams["train"].source == "clean"
    real = stage_of("polyu", train__target="clean").streams["train"]
    assert (real.source, real.preparation) == ("paired", None)
    assert R2R(recipe(R2R, "polyu", {"train.target": "clean"})).facts.supervision == "paired"


def test_real_noise_is_trained_in_bgr():
    stage, seen = stage_of("tiny"), []
    stage.net.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    batch = pair()
    loop = FakeLoop()
    loop.run(stage, {"train": batch}, 1)
    assert torch.equal(seen[0], batch["input"].flip(1))


def test_a_training_resumes_exactly():
    torch.default_generator.manual_seed(1)
    whole, loop = stage_of("tiny"), FakeLoop()
    start = {key: value.clone() for key, value in whole.net.state_dict().items()}
    loop.run(whole, lambda step: {"train": pair(step)}, 4)
    half, loop = stage_of("tiny"), FakeLoop()
    half.net.load_state_dict(start)
    loop.run(half, lambda step: {"train": pair(step)}, 2)
    rest = stage_of("tiny")
    rest.load_state_dict(half.state_dict())
    loop.run(rest, lambda step: {"train": pair(step)}, 2)
    left, right = whole.artefacts()["restorer"], rest.artefacts()["restorer"]
    assert all(torch.equal(left[key], right[key]) for key in left)


def test_every_recipe_is_the_same_stage_with_other_numbers():
    stages = {name: stage_of(name) for name in recipes(R2R)}
    assert {type(stage).__name__ for stage in stages.values()} == {"Recorrupted"}
    assert {type(stage.net).__name__ for stage in stages.values()} == {"DnCNN"}
    assert {(stage.name, stage.losses, tuple(stage.networks)) for stage in stages.values()} == {
        ("train", ("loss",), ("restorer",))
    }
    assert {"paper", "budget", "cpu", "tiny"} == {r.tier for r in recipes(R2R).values()}
    assert sum(p.numel() for p in stages["budget"].net.parameters()) <= 3_000_000
    batch = {name: {"train": members(stage)} for name, stage in stages.items()}
    assert {tuple(FakeLoop().run(stage, batch[name], 1)[0]) for name, stage in stages.items()} == {("loss",)}


def members(stage):
    made = stage.streams["train"].preparation.make(arrays(), INFO, keyed_generator(0))[0]
    scale = {np.dtype(np.uint8): 255.0, np.dtype(np.float32): 1.0}
    batches = {
        m: torch.from_numpy(a.astype(np.float32) / scale[a.dtype]).permute(2, 0, 1)[None] for m, a in made.items()
    }
    return {m: value[:, :, :32, :32].repeat(2, 1, 1, 1) for m, value in batches.items()}


INFO = SampleInfo("photograph", None, 0, CAMERA)


def arrays():
    rng = np.random.default_rng(5)
    return {
        "clean": rng.integers(0, 256, (60, 50, 1), np.uint8),
        "degraded": rng.integers(100, 130, (64, 72, 3), np.uint8),
        "raw": rng.random((40, 36), np.float32),
    }


def test_the_noisy_set():
    make = GaussianSet(25.0, (1.0, 0.9, 0.8, 0.7), keep_clean=True)
    made = make(arrays(), INFO, keyed_generator(1))
    assert [m["degraded"].shape for m in made] == [(60, 50, 1), (54, 45, 1), (48, 40, 1), (42, 35, 1)]
    noise = np.concatenate([(m["degraded"] - m["clean"]).ravel() for m in made])
    assert noise.std() == pytest.approx(25 / 255, rel=0.03)
    assert all(m["degraded"].dtype == np.float32 for m in made)
    np.testing.assert_allclose(made[0]["clean"], arrays()["clean"].astype(np.float32) / 255, atol=1e-7)
    assert set(GaussianSet(25.0, (1.0,))(arrays(), INFO, keyed_generator(1))[0]) == {"degraded"}


def test_rendered_pairs():
    made = RenderedPairs(2.0, 3)(arrays(), INFO, keyed_generator(1))
    assert len(made) == 3 and not np.array_equal(made[0]["input"], made[1]["input"])
    for members in made:
        assert {m: (a.shape, a.dtype) for m, a in members.items()} == {
            "input": ((40, 36, 3), np.uint8),
            "target": ((40, 36, 3), np.uint8),
        }
    with pytest.raises(UserError, match=r"cfa, beta.*not tell"):
        RenderedPairs(2.0, 1)(arrays(), SampleInfo("x"), keyed_generator(1))


def test_draws_of_the_image_s_own_level():
    known = SampleInfo("x", noise_level=0.1)
    made = NoiseDraws(draws=2, shared=True, gain=1.5, blur=0.0)(arrays(), known, keyed_generator(1))
    assert [m["noise"].shape for m in made] == [(64, 72, 1)] * 2
    assert made[0]["noise"].std() == pytest.approx(0.15, rel=0.05)
    assert np.array_equal(made[0]["degraded"], arrays()["degraded"])
    (estimated,) = NoiseDraws(draws=1, shared=False, gain=1.0, blur=0.0)(arrays(), INFO, keyed_generator(1))
    assert estimated["noise"].shape == (64, 72, 3)
    assert estimated["noise"].std() == pytest.approx(estimate_sigma(arrays()["degraded"]), rel=0.05)


def test_correlated_draws_keep_their_level():
    white = np.random.default_rng(0).standard_normal((300, 300, 1), np.float32)
    assert correlated(white, 0.0) is white
    filtered = correlated(white, 0.8)
    assert filtered.std() == pytest.approx(1, rel=0.02)
    assert np.corrcoef(filtered[:, 1:].ravel(), filtered[:, :-1].ravel())[0, 1] > 0.5


def test_values_that_no_training_has():
    with pytest.raises(UserError, match="Did you mean 'gaussian'"):
        stage_of("tiny", train__noise="gausian")
    with pytest.raises(UserError, match="Did you mean 'clean'"):
        stage_of("tiny", train__target="claen")
    with pytest.raises(UserError, match="above 0"):
        stage_of("awgn-paper", train__sigma=0)
