"""R2R as the harness sees it."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

import methods
from datasets.core.errors import UserError
from methods.base import SampleInfo
from methods.r2r.adapter import R2R
from methods.recipes import recipe
from tests.helpers.material import material, needs_material
from tests.helpers.rule_weights import relative, ruled

SIDD = "weights/r2r_sidd_official.pth"
SUPERVISED = "weights/dncnn_s25_saoyan_gpl3.pth"


@dataclass(frozen=True)
class Given(SampleInfo):
    """An image whose draws are given: (draw, C, H, W)."""

    z: np.ndarray | None = None

    def draw(self, key, shape):
        assert self.z[key].shape == tuple(shape)
        return torch.from_numpy(self.z[key])


@needs_material
def test_recorded_mean_of_passes():
    golden = np.load(material("golden/r2r/mc_inference_awgn.npz"))
    y, draws = torch.from_numpy(golden["y"]), len(golden["z"])
    info = [Given("x", float(golden["sigma"]) / 255, z=golden["z"][:, 0])]
    settings = {"restore.draws": draws, "restore.alpha": float(golden["alpha"])}
    for clamp, want in ((True, "output"), (False, "mean")):
        method = R2R(recipe(R2R, "awgn-paper", {**settings, "restore.clamp": clamp}))
        ruled(method.restorer)
        with torch.no_grad():
            assert relative(method.restore(y, info), golden[want]) < 1e-9


@torch.no_grad()
def test_draws_depend_on_the_image_alone():
    method = methods.load("r2r", "awgn-paper", settings={"restore.draws": 3}).double()
    x = torch.rand(3, 1, 12, 10, dtype=torch.float64)
    info = [SampleInfo(name, 0.1, 7) for name in "abc"]
    whole = method.restore(x, info)
    turned = method.restore(x.flip(0), info[::-1]).flip(0)
    single = torch.cat([method.restore(x[i : i + 1], info[i : i + 1]) for i in range(3)])
    assert torch.allclose(whole, turned, atol=1e-12) and torch.allclose(whole, single, atol=1e-12)
    other = method.restore(x, [SampleInfo(i.name, 0.1, 8) for i in info])
    assert not torch.allclose(whole, other, atol=1e-6)


def test_an_unknown_noise_level_is_refused():
    method = methods.load("r2r", "awgn-paper")
    assert method.facts.needs_noise_level
    for info in (None, [SampleInfo("a", 0.1), SampleInfo("b")]):
        with pytest.raises(UserError, match=r"noise level .*(b|without information)\."):
            method.restore(torch.rand(2, 1, 8, 8), info)


def test_facts_follow_the_recipe():
    awgn, sidd, cpu = (methods.load("r2r", name).facts for name in ("awgn-paper", "sidd-paper", "cpu"))
    assert (awgn.channels, awgn.context, awgn.variant) == ((1,), 17, "R2R")
    assert (sidd.channels, sidd.context, sidd.needs_noise_level, sidd.supervision) == ((3,), 20, False, "degraded")
    assert (cpu.variant, cpu.note) == ("", "adapted: not in the paper")
    fewer = methods.load("r2r", "awgn-paper", settings={"restore.draws": 5}).facts
    assert fewer.variant == "" and "restore.draws = 5 in place of 50" in fewer.note
    assert methods.load("r2r", "awgn-paper", settings={"train.sigma": 50}).facts.variant == "R2R"


@torch.no_grad()
def test_context_is_the_reach_of_a_pixel():
    method = methods.load("r2r", "tiny").double()
    reach = method.facts.context
    x = torch.rand(1, 3, 4 * reach, 4 * reach, dtype=torch.float64)
    changed = x.clone()
    changed[..., 2 * reach, 2 * reach] += 1
    moved = (method.restore(changed) - method.restore(x)).abs().sum(1)[0].nonzero()
    assert (moved - 2 * reach).abs().max() == reach


@needs_material
@torch.no_grad()
def test_official_weights_as_published():
    method = methods.load("r2r", weights=material(SIDD))
    assert (method.recipe.name, method.training, method.facts.variant) == ("sidd-paper", False, "R2R")
    golden = np.load(material("golden/r2r/r2r_sidd_dncnn20_official_weights.npz"))
    x = torch.from_numpy(golden["input"].copy())
    assert relative(method.double().restore(x.flip(1)).flip(1), golden["output"]) < 1e-9


@needs_material
def test_weights_that_could_mean_two_things():
    with pytest.raises(UserError, match=r"awgn-paper, dncnn-noise.*--recipe"):
        methods.load("r2r", weights=material(SUPERVISED))
    method = methods.load("r2r", "dncnn-noise", weights=material(SUPERVISED)).double()
    golden = np.load(material("golden/r2r/dncnn_s25_saoyan_official_weights.npz"))
    with torch.no_grad():
        restored = method.restorer(torch.from_numpy(golden["input"]))
    assert relative(restored, golden["input"] - golden["output"]) < 1e-9
    assert (method.facts.variant, method.facts.supervision) == ("", "paired")


@needs_material
@torch.no_grad()
@pytest.mark.parametrize(
    ("name", "noisy", "restored"),
    [("Canon5D2_5_160_3200_chair_11", 41.209, 40.055), ("Canon5D2_5_200_3200_toy_1", 36.741, 37.564)],
)
def test_real_centre_crops(name, noisy, restored):
    from datasets.ops.images import read_image

    x, clean = (
        torch.from_numpy(read_image(material(f"data/polyu/CroppedImages/{name}_{kind}.JPG"))[128:384, 128:384].copy())
        .permute(2, 0, 1)[None]
        .float()
        / 255
        for kind in ("real", "mean")
    )
    method = methods.load("r2r", weights=material(SIDD))
    psnr = [-10 * (image.clamp(0, 1) - clean).square().mean().log10().item() for image in (x, method.restore(x))]
    assert psnr == pytest.approx([noisy, restored], abs=0.01)
