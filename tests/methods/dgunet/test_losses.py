"""The loss terms and the learning rates against recorded values; the gradient of a whole network."""

import json
import math

import numpy as np
import pytest
import torch

from methods.dgunet.losses import EDGE_WEIGHT, charbonnier, edge, gaussian, laplacian, squared_error
from methods.dgunet.schedules import epoch_of, halved, warm_cosine
from tests.helpers.dgunet_networks import NETS, RECORDED, with_rule
from tests.helpers.material import material, needs_material

GOLDEN = json.loads((RECORDED / "dgunet_losses.json").read_text())
RATES = json.loads((RECORDED / "dgunet_lr.json").read_text())
ROUNDED = gaussian(torch.float32).double()


def images():
    rng = np.random.default_rng(GOLDEN["seed"])
    stages = [torch.from_numpy(1.5 * rng.random(GOLDEN["shape"]) - 0.25).requires_grad_() for _ in range(7)]
    return stages, torch.from_numpy(rng.random(GOLDEN["shape"]))


def sharp(x, y, kernel=None):
    return charbonnier(x, y) + EDGE_WEIGHT * edge(x, y, kernel)


LOSSES = {
    "charbonnier_stage0": lambda x, y: charbonnier(x[:1], y),
    "edge_stage0_kernel_float64": lambda x, y: edge(x[:1], y),
    "edge_stage0_kernel_float32_rounded": lambda x, y: edge(x[:1], y, ROUNDED),
    "deblur_derain_total_kernel_float64": sharp,
    "deblur_derain_total_kernel_float32_rounded": lambda x, y: sharp(x, y, ROUNDED),
    "denoise_total": lambda x, y: charbonnier(x, y, clamp=True),
    "cs_total_mode1": squared_error,
    "cs_total_mode2_last_stage_only": lambda x, y: squared_error(x, y, last_only=True),
}


def test_every_recorded_loss_is_compared():
    assert LOSSES.keys() == GOLDEN["results"].keys()


@pytest.mark.parametrize("name", LOSSES)
def test_recorded_values_and_gradients(name):
    stages, target = images()
    loss = LOSSES[name](stages, target)
    loss.backward()
    want = GOLDEN["results"][name]
    assert loss.item() == pytest.approx(want["value"], rel=1e-12)
    norms = [0.0 if x.grad is None else float(x.grad.norm()) for x in stages]
    assert norms == pytest.approx(want["grad_norm_per_stage"], rel=1e-11, abs=1e-15)


@needs_material
def test_recorded_laplacian():
    golden = np.load(material("golden/dgunet/dgunet_losses.npz"))
    stages, target = images()
    np.testing.assert_array_equal(stages[3].detach().numpy(), golden["output_3"])
    np.testing.assert_array_equal(target.numpy(), golden["target"])
    got = laplacian(stages[0].detach()).numpy()
    np.testing.assert_allclose(got, golden["laplacian_of_output_0_kernel_float64"], rtol=0, atol=1e-14)


def test_half_precision_images_are_compared_in_float32():
    x, y = torch.rand(2, 2, 3, 16, 16)
    for loss in (charbonnier, edge, squared_error):
        with torch.autocast("cpu", torch.bfloat16):
            got = loss([x.bfloat16()], y)
        assert got.dtype == torch.float32
        assert float(got) == pytest.approx(float(loss([x.bfloat16().float()], y)), rel=1e-6)


def test_clamping_stops_the_gradient_outside():
    x = torch.tensor([-0.5, 0.5, 1.5]).view(1, 3, 1, 1).requires_grad_()
    charbonnier([x], torch.full((1, 3, 1, 1), 0.2), clamp=True).backward()
    assert [bool(g) for g in x.grad.flatten()] == [False, True, False]


def test_recorded_gradients_of_the_deraining_network():
    golden = json.loads((RECORDED / "dgunet_deraining_grad.json").read_text())
    rng = np.random.default_rng(golden["seed"])
    x, target = (torch.from_numpy(rng.random(golden["shape"])) for _ in range(2))
    net = with_rule(NETS["dgunet_deraining"]()).train()
    loss = sharp(net(x), target)
    loss.backward()
    assert loss.item() == pytest.approx(golden["loss"], rel=1e-12)
    every = dict(net.named_parameters(remove_duplicate=False))
    norms = {key: float(p.grad.norm()) for key, p in every.items() if p.grad is not None}
    assert norms.keys() == golden["grad_norm_per_parameter"].keys() - set(golden["no_gradient"])
    assert [key for key, p in net.named_parameters() if p.grad is None] == golden["no_gradient"]
    for key in norms:
        want = golden["grad_norm_per_parameter"][key]
        assert norms[key] == pytest.approx(want, rel=1e-9), key
    once = [float(p.grad.norm()) for p in net.parameters() if p.grad is not None]
    assert math.hypot(*once) == pytest.approx(golden["total_grad_norm"], rel=1e-11)


@pytest.mark.parametrize(("task", "recipe"), [("denoising", "sidd"), ("deblurring", "gopro"), ("deraining", "rain")])
@pytest.mark.parametrize("variant", ["paper", "plus-paper"])
def test_recorded_learning_rates(task, recipe, variant):
    from methods.dgunet.adapter import DGUNet
    from methods.recipes import recipe as named

    train, golden = named(DGUNet, f"{recipe}-{variant}").train, RATES[task]
    assert (train["epochs"], train["warmup"], train["cosine"]) == (
        golden["epochs"],
        golden["warmup_epochs"],
        golden["T_max"],
    )
    first = [warm_cosine(train, epoch) for epoch in range(1, 11)]
    assert first == pytest.approx(golden["first_10_epochs"], rel=1e-14)
    for epoch, want in golden["last_3_epochs"].items():
        assert warm_cosine(train, int(epoch)) == pytest.approx(want, rel=1e-12)
    assert first[:3] == pytest.approx(golden["torch_2_13"]["first_10_epochs"][:3])
    bound = golden["torch_2_13"]["max_abs_difference_from_intended"]
    apart = [abs(a - b) for a, b in zip(first, golden["torch_2_13"]["first_10_epochs"], strict=True)]
    assert 0 < max(apart) <= bound * (1 + 1e-6)
    per_epoch, left = divmod(train["steps"], train["epochs"])
    assert left == 0
    ends = [epoch_of(step, train["steps"], train["epochs"]) for step in (0, per_epoch - 1, per_epoch)]
    assert [*ends, epoch_of(train["steps"] - 1, train["steps"], train["epochs"])] == [1, 1, 2, train["epochs"]]


def test_recorded_learning_rates_of_sensing():
    golden = RATES["cs_step2_deblock"]
    rates = [halved(golden["base"], golden["milestones"], epoch) for epoch in range(1, golden["epochs"] + 1)]
    assert rates[:10] == golden["first10"] and rates[-3:] == golden["last3"]
    assert [e + 1 for e in range(1, 100) if rates[e] < rates[e - 1]] == golden["epoch_at_which_it_halves"]
