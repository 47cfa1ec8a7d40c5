"""The loss terms against recorded values and gradients."""

import numpy as np
import pytest
import torch

from datasets.core.errors import UserError
from methods.features import VGG19
from methods.lir import losses
from methods.lir.semantic import Semantic, prepared
from tests.helpers.material import material, needs_material
from tests.helpers.rule_weights import relative, rule_state

SIDES, WEIGHTS = (5, 9, 15), (0.25, 0.5, 1.0)


def golden(name):
    return np.load(material(f"golden/lir/{name}.npz"))


def gradient_norm(value, variable):
    return float(torch.autograd.grad(value, variable, retain_graph=True)[0].norm())


@needs_material
def test_recorded_distances():
    recorded = golden("lir_losses")
    x, t, z = (torch.from_numpy(recorded[key]).requires_grad_() for key in ("input", "target", "latent"))
    distance, spread = losses.l1(x, t), losses.mean_square(z)
    assert distance.item() == pytest.approx(float(recorded["recon_l1"]), rel=1e-12)
    assert gradient_norm(distance, x) == pytest.approx(float(recorded["recon_l1_grad_norm"]), rel=1e-12)
    assert spread.item() == pytest.approx(float(recorded["kl"]), rel=1e-12)
    assert gradient_norm(spread, z) == pytest.approx(float(recorded["kl_grad_norm"]), rel=1e-12)


@needs_material
def test_recorded_background():
    recorded = golden("lir_gaussian_smooth")
    x, t = torch.from_numpy(recorded["input"]), torch.from_numpy(recorded["target"]).requires_grad_()
    for side in SIDES:
        kernel = losses.blur_kernel(side, 25.0, torch.float64, torch.device("cpu"))
        assert np.abs(kernel.numpy() - recorded[f"kernel_k{side}"]).max() < 1e-15
        assert relative(losses.blurred(x, side, 25.0), recorded[f"output_k{side}"]) < 1e-9
        alone = losses.background(x, t, [side], [1.0], 25.0)
        assert alone.item() == pytest.approx(float(recorded[f"l1_k{side}"]), rel=1e-9)
    value = losses.background(x, t, SIDES, WEIGHTS, 25.0)
    assert value.item() == pytest.approx(float(recorded["bgm_pair"]), rel=1e-9)
    assert gradient_norm(value, t) == pytest.approx(float(recorded["bgm_grad_target_norm"]), rel=1e-9)


def test_the_blur_s_sigma_is_a_switch():
    x = torch.rand(1, 3, 24, 24, generator=torch.Generator().manual_seed(0))
    narrow, wide = (losses.blurred(x, 15, sigma).std() for sigma in (1.0, 25.0))
    assert float(wide) < 0.5 * float(narrow)


@needs_material
def test_recorded_semantics():
    recorded, features = golden("lir_vgg_loss"), VGG19(20).double()
    renamed = {key: key.replace("features.", "feature_ext.") for key in features.state_dict()}
    features.load_state_dict(rule_state(features, rename=renamed))
    semantic = Semantic(features, "caffe")
    x, t = torch.from_numpy(recorded["input"]).requires_grad_(), torch.from_numpy(recorded["target"])
    assert relative(prepared(x, "caffe"), recorded["preprocessed"]) < 1e-12
    seen = features(prepared(x, "caffe"))
    assert relative(seen[0, :4], recorded["feature_first"]) < 1e-9
    assert float(seen.detach().norm()) == pytest.approx(float(recorded["feature_norm"]), rel=1e-9)
    value = semantic(x, t)
    assert value.item() == pytest.approx(float(recorded["loss"]), rel=1e-9)
    assert gradient_norm(value, x) == pytest.approx(float(recorded["loss_grad_input_norm"]), rel=1e-9)
    assert not any(p.requires_grad for p in semantic.parameters())


def test_inputs_of_the_feature_network():
    grey = torch.full((1, 3, 2, 2), 0.5, dtype=torch.float64)
    assert torch.allclose(
        prepared(grey, "torchvision")[0, :, 0, 0], torch.tensor([0.015 / 0.229, 0.044 / 0.224, 0.094 / 0.225]).double()
    )
    red = torch.tensor([1.0, 0.0, 0.0]).double().view(1, 3, 1, 1)
    assert torch.allclose(prepared(red, "caffe").flatten(), torch.tensor([-103.939, -116.779, 255 - 123.68]).double())
    with pytest.raises(UserError, match="Did you mean 'caffe'"):
        prepared(grey, "cafe")
