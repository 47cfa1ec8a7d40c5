"""The four networks and the padding, against outputs recorded from the official modules; layouts of checkpoints."""

import json

import numpy as np
import pytest
import torch

import methods
from methods.blurs import gaussian_kernel
from methods.matching import signature
from methods.recipes import recipe
from methods.scpgan.adapter import SCPGAN
from methods.scpgan.deamnet import DeamNet
from methods.scpgan.discriminator import Discriminator, initialise
from methods.scpgan.generator import Generator
from methods.scpgan.inference import mirrored, restore
from methods.scpgan.network import discriminator
from methods.scpgan.restormer import Restormer
from tests.helpers.material import material, needs_material
from tests.helpers.rule_weights import relative, rule_state, ruled

NETWORKS = {
    "deam": (DeamNet, 2_228_131),
    "restormer": (Restormer, 26_126_644),
    "netg_down": (Generator, 601_950),
    "nlayer_discriminator": (Discriminator, 2_768_484),
}


def golden(name):
    return np.load(material(f"golden/scpgan/{name}.npz"))


@pytest.mark.parametrize("name", NETWORKS)
def test_size(name):
    cls, parameters = NETWORKS[name]
    with torch.device("meta"):
        assert sum(p.numel() for p in cls().parameters()) == parameters


@needs_material
@pytest.mark.parametrize("name", NETWORKS)
@torch.no_grad()
def test_recorded_output(name):
    recorded, net = golden(name), NETWORKS[name][0]()
    described = json.loads(material(f"golden/scpgan/{name}.json").read_text())
    assert signature(net) == {key: tuple(shape) for key, shape, _ in described["state_dict"]}
    inputs = [torch.from_numpy(recorded[key]) for key in ("input", "input_0", "input_1") if key in recorded.files]
    before = [x.clone() for x in inputs]
    assert relative(ruled(net)(*inputs), recorded["output"]) < 1e-9
    assert all(torch.equal(x, was) for x, was in zip(inputs, before, strict=True))


@needs_material
@torch.no_grad()
def test_fixed_high_pass():
    recorded, net = golden("nlayer_discriminator"), Discriminator(high_pass="gaussian").double()
    state = rule_state(net)
    state["Gas.conv.weight"] = gaussian_kernel(15, 9.0).float().double().repeat(3, 1, 1, 1)
    assert torch.equal(state["Gas.conv.weight"], net.Gas.conv.weight)
    net.load_state_dict(state)
    assert relative(net(torch.from_numpy(recorded["input"])), recorded["output_true_gaussian"]) < 1e-9


def test_what_initial_weights_do_to_the_high_pass():
    train = recipe(SCPGAN, "tiny").train
    torch.manual_seed(0)
    learned, fixed = discriminator({**train, "high_pass": "learned"}), discriminator({**train, "high_pass": "gaussian"})
    assert abs(float(learned.Gas.conv.weight.detach().sum()) - 3) > 1  # no blur any more
    assert float(fixed.Gas.conv.weight.detach().sum()) == pytest.approx(3, abs=1e-5)
    assert ["Gas.conv.weight" in dict(net.named_parameters()) for net in (learned, fixed)] == [True, False]
    assert float(fixed.model[2].weight.detach().std()) == pytest.approx(0.02, rel=0.1) and not fixed.model[2].bias.any()


def test_gain_is_on_the_high_frequencies():
    one, five = Discriminator(8, high_pass="gaussian"), Discriminator(8, high_pass="gaussian", gain=5.0)
    five.load_state_dict(one.state_dict())
    scaled = Discriminator(8, high_pass="gaussian")
    state = {key: value.clone() for key, value in one.state_dict().items()}
    state["model.0.weight"][:, 3:] *= 5
    scaled.load_state_dict(state)
    x = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        assert torch.allclose(five(x), scaled(x), atol=1e-5) and not torch.allclose(five(x), one(x), atol=1e-3)
        with pytest.raises((RuntimeError, ValueError)):
            one(x[..., :20, :20])
        assert one(x[..., :24, :24]).shape == (1, 1, 1, 1)


def test_without_inner_layers_the_discriminator_sees_how_strong_noise_is():
    noise = torch.randn(1, 3, 48, 48, generator=torch.Generator().manual_seed(1))
    for layers in (0, 2):
        net = Discriminator(8, layers, high_pass="gaussian", sigma=3.0).double()
        initialise(net, 0.2)  # biases are 0, so that all but norms grow with what comes in
        weak, strong = (net(strength * noise.double()) for strength in (1.0, 4.0))
        torch.testing.assert_close(strong, weak if layers else 4 * weak, rtol=1e-2, atol=1e-4)
        assert weak.std() > 1e-4


def test_the_blur_of_the_discriminator_stays_in_float32_under_autocast():
    blur = Discriminator(8, high_pass="gaussian").to(memory_format=torch.channels_last).Gas
    image = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0)).bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(blur(image), blur(image.float())) and blur(image).dtype == torch.float32
    torch.testing.assert_close(blur(image), blur.double()(image.double()).float())


def test_initial_weights_of_the_generator():
    net = Generator(16, 2, 3)
    scale = net.scale.clone()
    initialise(net)
    assert float(net.conv_output[0].weight.detach().std()) == pytest.approx(0.02, rel=0.1)
    assert not net.Gas.bias.any() and torch.equal(net.scale, scale)


@needs_material
@torch.no_grad()
def test_recorded_inference():
    recorded, net = golden("inference_rscp2gan"), Restormer().double()
    state = rule_state(net)
    state["output.weight"] *= 0.05
    net.load_state_dict(state)
    for number in (0, 1):
        x = torch.from_numpy(recorded[f"input_{number}"])
        assert np.array_equal(mirrored(x, 8, "always").numpy(), recorded[f"padded_{number}"])
        for clamp, key in ((False, "output"), (True, "output_clamped")):
            output = restore(net, x, {"padding": "always", "clamp": clamp})
            assert relative(output, recorded[f"{key}_{number}"]) < 1e-9


@pytest.mark.parametrize(
    ("side", "padding", "wanted"), [(16, "always", 24), (17, "always", 24), (16, "needed", 16), (3, "needed", 8)]
)
def test_padding(side, padding, wanted):
    x = torch.rand(1, 3, side, 8)
    padded = mirrored(x, 8, padding)
    assert padded.shape[-2] == wanted and torch.equal(padded[..., :side, :8], x)
    if wanted > side:
        assert torch.equal(padded[..., side, :8], x[..., side - 1, :])


def published(tmp_path, layout):
    """A file as the authors leave it, around narrow networks; and the restorer that it must give."""
    torch.manual_seed(1)
    chosen = SCPGAN(recipe(SCPGAN, "tiny"))
    older = SCPGAN(recipe(SCPGAN, "tiny"))
    networks = {"E": older.restorer, "D": chosen.restorer, "G": Generator(8, 2, 3), "P": Discriminator(8)}
    states = {n: {f"module.{key}": value for key, value in net.state_dict().items()} for n, net in networks.items()}
    if layout == "without E":
        del states["E"]
    adam = torch.optim.Adam(chosen.parameters())
    content = {"epoch": 250, "model_state_dict": states, "optimizer_state_dict": {"D": adam.state_dict()}}
    path = tmp_path / ("model_state_5PSNR0.00_SSIM0.00.pt" if layout == "bare" else "model_250")
    torch.save(states if layout == "bare" else content, path)
    return path, chosen.restorer


@pytest.mark.parametrize("layout", ["whole", "without E", "bare"])
def test_published_layouts_give_the_restorer(tmp_path, layout):
    path, wanted = published(tmp_path, layout)
    loaded = methods.load("scpgan", weights=path)
    assert loaded.recipe.name == "tiny"
    state = loaded.restorer.state_dict()
    assert all(torch.equal(state[key], value) for key, value in wanted.state_dict().items())


def test_official_widths_are_recognised_as_the_papers():
    with torch.device("meta"):
        deam, restormer = DeamNet().state_dict(), Restormer().state_dict()
    both = {**{f"D/{key}": value for key, value in deam.items()}, **{f"E/{key}": value for key, value in deam.items()}}
    (match,) = SCPGAN.recognise(both)
    assert match.recipe == "scpgabnet-paper" and "'D'" in match.note and set(match.roles) == {"restorer"}
    (match,) = SCPGAN.recognise(restormer)
    assert match.recipe == "rscp2gan-paper"
    assert SCPGAN.recognise({"D/conv.weight": torch.zeros(1)}) == []


@pytest.mark.golden_slow
@pytest.mark.parametrize("name", ["scpgabnet-paper", "rscp2gan-paper"])
@pytest.mark.parametrize("size", [(256, 256), (517, 389)])
@torch.no_grad()
def test_full_width_on_whole_images(name, size):
    method = SCPGAN(recipe(SCPGAN, name)).eval()
    ruled(method.restorer).float()
    x = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0))
    restored = method.restore(x)
    assert restored.shape == x.shape and bool(restored.isfinite().all())
    assert 0 <= float(restored.min()) < float(restored.max()) <= 1
