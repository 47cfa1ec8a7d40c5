"""The loss terms against recorded values and gradients, and the score without reference."""

import numpy as np
import pytest
import torch

from datasets.ops.flips import flip, unflip
from methods.blurs import filtered, gaussian_kernel
from methods.scpgan import losses
from methods.scpgan.proxy import no_reference
from tests.helpers.material import material, needs_material


def recorded():
    return np.load(material("golden/scpgan/losses.npz"))


def check(golden, name, value, variable):
    (gradient,) = torch.autograd.grad(value, variable)
    assert value.item() == pytest.approx(float(golden[name]), abs=1e-10)
    assert float(gradient.norm()) == pytest.approx(float(golden[f"{name}__gradnorm"]), rel=1e-9)


@needs_material
def test_recorded_distances():
    golden = recorded()
    a, b = torch.from_numpy(golden["a"]).requires_grad_(), torch.from_numpy(golden["b"])
    check(golden, "l1", losses.l1(a, b), a)
    for suffix, rounded in (("32", True), ("64", False)):
        check(golden, f"log_ssim_window{suffix}", losses.log_ssim(a, b, rounded), a)
        check(golden, f"bgm_total_kernel{suffix}", losses.background(a, b, rounded), a)
        for side in (3, 9, 15):
            check(golden, f"bgm_k{side}_kernel{suffix}", losses.blurred_l1(a, b, side, rounded), a)


@needs_material
def test_recorded_adversaries():
    golden = recorded()
    judged = torch.from_numpy(golden["pmap"]).requires_grad_()
    check(golden, "lsgan_real", losses.adversarial(judged, True), judged)
    check(golden, "lsgan_fake", losses.adversarial(judged, False), judged)


@needs_material
def test_recorded_kernels():
    golden, cpu = recorded(), torch.device("cpu")
    for suffix, rounded in (("32", True), ("64", False)):
        window = losses.ssim_window(rounded, torch.float64, cpu)
        assert np.abs(window.numpy() - golden[f"ssim_window{suffix}"]).max() < 1e-15
        for side in (3, 9, 15):
            kernel = losses.background_kernel(side, rounded, torch.float64, cpu)
            assert np.abs(kernel.numpy() - golden[f"gauss_k{side}_s25_kernel{suffix}"]).max() < 1e-15
    wide = gaussian_kernel(15, 9.0)
    smooth = filtered(torch.from_numpy(golden["a"][:1]), wide, mirrored=True)
    assert np.abs(smooth.numpy() - golden["smooth_k15_s9_of_a_kernel64"]).max() < 1e-12


@needs_material
def test_recorded_augmentation():
    golden = np.load(material("golden/scpgan/augment_modes.npz"))
    image = torch.from_numpy(golden["input"]).permute(2, 0, 1)
    for mode in range(8):
        turned = flip(image, mode)
        assert np.array_equal(turned.permute(1, 2, 0).numpy(), golden[f"mode_{mode}"])
        assert torch.equal(unflip(turned, mode), image)


def test_cross_entropy_in_place_of_squares():
    judged = torch.tensor([0.0, 2.0])
    wanted = np.log(1 + np.exp(-judged.numpy())).mean()
    assert losses.adversarial(judged, True, "vanilla").item() == pytest.approx(wanted, rel=1e-6)


def test_a_dissimilar_pair_has_a_finite_distance_with_a_way_out():
    clean = torch.rand(1, 3, 24, 24, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    bad = (1 - clean).requires_grad_()
    assert losses.mean_ssim(bad, clean) < 0
    value = losses.log_ssim(bad, clean)
    (gradient,) = torch.autograd.grad(value, bad)
    assert value > 1 and bool(gradient.isfinite().all())
    assert losses.log_ssim(bad.detach() - 0.1 * gradient / gradient.norm(), clean) < value


def scene():
    """A picture with edges and flat parts, and noise that neighbours share."""
    rows, columns = torch.meshgrid(torch.arange(128.0), torch.arange(128.0), indexing="ij")
    clean = 0.5 + 0.2 * torch.sign(torch.sin(rows / 5) * torch.sin(columns / 9)) * (columns > 50)
    noise = torch.randn(2, 3, 128, 128, generator=torch.Generator().manual_seed(2))
    kernel = gaussian_kernel(5, 0.8).float()
    return clean.expand(2, 3, -1, -1), 0.15 * filtered(noise, kernel, mirrored=True)


def test_the_proxy_ranks_restorers_without_a_reference():
    clean, noise = scene()
    noisy = clean + noise
    halves = [no_reference(noisy, clean + share * noise) for share in (1.0, 0.6, 0.3, 0.0)]
    assert halves == sorted(halves)
    kernel = gaussian_kernel(9, 2.0).float()
    blurred = [filtered(image, kernel, mirrored=True) for image in (clean, noisy)]
    assert no_reference(noisy, blurred[0]) < halves[-1] and no_reference(noisy, blurred[1]) < halves[-1]
