"""DGUNet as the harness sees it: weights of every layout, sizes, sensing, real images."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import datasets
import methods
from benchmark.conformance import check
from benchmark.inference.restorer import Restorer
from benchmark.inference.settings import InferenceSettings
from datasets.core.errors import UserError
from datasets.ops.images import read_image
from methods.base import SampleInfo
from methods.dgunet.adapter import DGUNet
from methods.recipes import recipe
from tests.helpers.material import material, needs_material


def built(name, settings=None):
    return DGUNet(recipe(DGUNet, name, settings)).eval()


@pytest.mark.parametrize(("name", "settings"), [("tiny", {}), ("cs-tiny", {"restore.patch": 64})])
def test_conformance(name, settings):
    chosen = recipe(DGUNet, name, settings)
    assert [(c.name, c.detail) for c in check(DGUNet, chosen) if not c.passed] == []


def official(method, wrapped):
    """A checkpoint as the authors' scripts write it: DataParallel's prefix; for RGB tasks the optimiser beside it."""
    net = method.restorer
    state = {f"module.{key}": value for key, value in net.state_dict().items()}
    if not wrapped:
        return state
    optimiser = torch.optim.Adam(net.parameters())
    sum(p.sum() for p in net.parameters()).backward()
    optimiser.step()
    return {"epoch": 3, "state_dict": state, "optimizer": optimiser.state_dict()}


@torch.no_grad()
@pytest.mark.parametrize(
    ("name", "wrapped", "task"),
    [
        ("rain-paper", True, "derain"),
        ("rain-plus-paper", False, "derain"),
        ("cs10-paper", False, "compressive-sensing"),
        ("cs25-plus-paper", False, "compressive-sensing"),
    ],
)
def test_checkpoints_as_the_authors_write_them(tmp_path, name, wrapped, task):
    method = built(name)
    with torch.enable_grad():
        torch.save(official(method, wrapped), tmp_path / "model_best.pth")
    loaded = methods.load("dgunet", weights=tmp_path / "model_best.pth")
    assert (loaded.recipe.name, loaded.facts.tasks, loaded.training) == (name, (task,), False)
    assert loaded.facts.variant == ("DGUNet+" if "plus" in name else "DGUNet")
    x = torch.rand(1, *((1, 32, 32) if "cs" in name else (3, 16, 24)))
    assert torch.equal(loaded.restorer(x)[0], method.restorer(x)[0])


def test_a_ratio_without_a_recipe_is_named(tmp_path):
    method = built("cs10-paper", {"train.ratio": 30})
    torch.save(official(method, False), tmp_path / "net_best.pkl")
    with pytest.raises(UserError, match="Phi is .308, 1024."):
        methods.load("dgunet", weights=tmp_path / "net_best.pkl")
    loaded = methods.load("dgunet", "cs10-paper", tmp_path / "net_best.pkl", settings={"train.ratio": 30})
    assert loaded.restorer.Phi.shape == (308, 1024) and loaded.facts.variant == "DGUNet"


def test_denoising_and_deblurring_networks_look_alike():
    with torch.device("meta"):
        state = built("gopro-paper").restorer.state_dict()
    found = DGUNet.recognise({key: torch.zeros(value.shape) for key, value in state.items()})
    assert [match.recipe for match in found] == ["sidd-paper", "gopro-paper"]
    assert "first of several" in found[0].note


@pytest.mark.parametrize("key", ["phi_6.body.1.weight", "shallow_feat7.1.body.1.weight"])
def test_slopes_that_should_be_one_and_differ(tmp_path, key):
    content = official(built("tiny"), False)
    content[f"module.{key}"] = torch.tensor([0.4])
    torch.save(content, tmp_path / "unshared.pth")
    with pytest.raises(UserError, match=r"shares the slope .* but these weights hold 0\.25 and 0\.4"):
        methods.load("dgunet", weights=tmp_path / "unshared.pth")


def test_facts():
    rgb, rain, sensing = built("tiny").facts, built("derain-tiny").facts, built("cs-tiny").facts
    assert (rgb.tasks, rgb.channels, rgb.multiple, rgb.context, rgb.min_side) == (("denoise",), (3,), 8, None, 16)
    assert (rain.tasks, rain.variant, rain.note) == (("derain",), "", "adapted: not in the paper")
    assert (sensing.channels, sensing.multiple, sensing.context) == ((1,), 128, 0)
    assert built("cs-tiny", {"restore.patch": 0}).facts.context is None
    with torch.device("meta"):
        changed = DGUNet(recipe(DGUNet, "sidd-paper", {"network.rank": 8})).facts
    assert changed.variant == "" and "network.rank = 8 in place of 16" in changed.note


@torch.no_grad()
def test_padding_by_reflection():
    method = built("tiny")
    x = torch.rand(2, 3, 21, 17)
    padded = torch.nn.functional.pad(x, (0, 7, 0, 3), mode="reflect")
    assert torch.equal(method.restore(x), method.restorer(padded)[0][..., :21, :17])
    whole = x[..., :16, :16]
    assert torch.equal(method.restore(whole), method.restorer(whole)[0])


def test_only_sensing_methods_measure():
    assert built("cs-tiny").facts.measures and not built("tiny").facts.measures
    with pytest.raises(UserError, match="restores degraded images and measures no clean ones"):
        built("tiny").measure(torch.rand(1, 1, 32, 32))


@torch.no_grad()
def test_sensing_in_patches():
    method, x = built("cs-tiny"), torch.rand(2, 1, 150, 128)
    start = method.measure(x)
    assert start.shape == (2, 1, 256, 128)
    filled = torch.nn.functional.pad(x, (0, 0, 0, 106))
    patches = [method.restorer(filled[..., :128, :])[0], method.restorer(filled[..., 128:, :])[0]]
    assert torch.allclose(method.restore(start), torch.cat(patches, dim=2), atol=1e-6)
    whole = built("cs-tiny", {"restore.patch": 0})
    whole.load_state_dict(method.state_dict())
    assert whole.measure(x).shape == (2, 1, 160, 128)
    assert torch.allclose(whole.restore(whole.measure(x)), whole.restorer(filled[..., :160, :])[0], atol=1e-6)


def test_what_sensing_refuses():
    method, start = built("cs-tiny"), torch.rand(1, 1, 128, 128)
    with pytest.raises(UserError, match=r"at 25 %, but these weights sense at 10 %.*\[ratio=10\]"):
        method.restore(start, [SampleInfo("a", meta={"ratio": 25.0})])
    with pytest.raises(UserError, match="no self-ensemble"):
        method.restore(start, [SampleInfo("a").variant("flip3")])
    with pytest.raises(UserError, match="multiple of 32 pixels"):
        built("cs-tiny", {"restore.patch": 48}).restore(start)


@needs_material
def test_real_pictures_are_sensed_and_recovered(tmp_path):
    datasets.prepare("set11", material("data/set11"), tmp_path)
    opened = datasets.open_dataset("set11", tmp_path)
    sample = opened[6]
    method = built("cs-tiny")
    (restored,) = Restorer(method)([sample])
    assert restored.output.shape == sample.clean.shape == (256, 256, 1)
    with pytest.raises(UserError, match="no self-ensemble"):
        list(Restorer(method, settings=InferenceSettings(ensemble=True))([sample]))
    tiles = next(Restorer(method, settings=InferenceSettings(tile=128))([sample]))
    np.testing.assert_allclose(tiles.output, restored.output, atol=1e-5)


@needs_material
def test_real_rain_and_blur_go_through(tmp_path):
    datasets.prepare("rain100h", material("data/rain100h"), tmp_path)
    rainy = datasets.open_dataset("rain100h", tmp_path, limit=1)
    (restored,) = Restorer(built("derain-tiny"))(rainy)
    assert restored.output.shape == rainy[0].clean.shape
    datasets.prepare("gopro", material("data/gopro"), tmp_path)
    (sample,) = datasets.open_dataset("gopro", tmp_path)
    part = replace(sample, degraded=sample.degraded[:200, :250])
    (frame,) = Restorer(built("deblur-tiny"), settings=InferenceSettings(tile=128))([part])
    assert frame.output.shape == (200, 250, 3) and np.isfinite(frame.output).all() and frame.sample.clean is None


@needs_material
@pytest.mark.golden_slow
def test_a_whole_blurred_frame_goes_through(tmp_path):
    datasets.prepare("gopro", material("data/gopro"), tmp_path)
    (frame,) = Restorer(built("deblur-tiny"), settings=InferenceSettings(tile=384))(
        datasets.open_dataset("gopro", tmp_path)
    )
    assert frame.output.shape == (720, 1280, 3) and np.isfinite(frame.output).all()


@needs_material
@torch.no_grad()
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_real_noise_and_flat_images_stay_finite(precision):
    names = ("CroppedImages/Canon5D2_5_160_3200_chair_11_real.JPG",)
    pictures = [read_image(material(f"data/polyu/{name}"))[:64, :64] for name in names]
    flat = [np.full((64, 64, 3), level, np.uint8) for level in (0, 128, 255)]
    batch = torch.from_numpy(np.stack(pictures + flat)).permute(0, 3, 1, 2) / 255
    for settings in ({}, {"network.plus": True}):
        method = built("tiny", settings)
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            assert torch.isfinite(method.restore(batch)).all()
