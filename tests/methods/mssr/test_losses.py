"""Loss terms against recorded values and gradients; schedules and pairs against their definitions."""

import json

import numpy as np
import pytest
import torch

from datasets.ops.resize import imresize
from methods.mssr import losses, pairs, schedules
from tests.helpers.fake_loop import FakeDraws, GivenDraws
from tests.helpers.material import material, needs_material

SEED = 20261120


def tensors(name):
    golden = np.load(material(f"golden/mssr/{name}.npz"))
    return golden, {
        key: torch.from_numpy(golden[key]).requires_grad_() for key in golden.files if golden[key].ndim == 4
    }


def check(loss, inputs, golden, name, among=None):
    """The value, and the norm of the gradient with respect to each input."""
    assert float(loss.detach()) == pytest.approx(float(golden[name]), rel=1e-9)
    gradients = torch.autograd.grad(loss, inputs, retain_graph=True)
    wanted = golden[f"{name}_gradnorms"]
    assert [float(g.norm()) for g in gradients] == pytest.approx(list(wanted if among is None else wanted[among]), 1e-9)


@needs_material
def test_recorded_terms_of_the_generators():
    golden, x = tensors("stage1_losses")
    real, fake = x["real_tex"], x["fake_tex"]
    check(losses.discriminator(real, fake), [real, fake], golden, "d_loss")
    check(losses.judged_real(fake), [fake], golden, "g_adv")
    check(losses.colour(x["fake"], x["bicubic"]), [x["fake"], x["bicubic"]], golden, "color")


@needs_material
def test_recorded_terms_of_the_restorers():
    golden, x = tensors("stage2_losses")
    order = json.loads(material("golden/mssr/stage2_losses.json").read_text())["grad_order"]
    clean = x["hr"]
    g1, g2 = (
        losses.supervised(x[own], clean) + 0.01 * losses.collaborative(x[other], x[theirs])
        for own, other, theirs in (("g1_x1", "g1_x2", "g2_x2"), ("g2_x2", "g2_x1", "g1_x1"))
    )
    adapted = [schedules.ramp(250_000, 1_000_000, 1) * term for term in losses.adaptation(x["g1_t"], x["g2_t"])]
    for name, loss in zip(("g1_loss", "g2_loss", "g1_adapt", "g2_adapt"), (g1, g2, *adapted), strict=True):
        check(loss, [x[key] for key in order[name]], golden, name)


def test_an_undecided_discriminator():
    half = torch.full((2, 1, 4, 4), 0.5, dtype=torch.float64)
    assert float(losses.discriminator(half, half)) == pytest.approx(2 * np.log(2), abs=1e-7)
    assert float(losses.judged_real(torch.zeros(1))) == pytest.approx(-np.log(1e-8), rel=1e-6)  # finite


def test_colour_means_over_blocks():
    a, b = torch.rand(2, 1, 3, 16, 24, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for level in (1, 2, 3):
        means = torch.nn.functional.avg_pool2d(a - b, 2**level)
        assert float(losses.colour(a, b, level)) == pytest.approx(float(means.abs().mean()), rel=1e-12)


def test_targets_get_no_gradient():
    a, b = torch.rand(2, 1, 3, 8, 8, generator=torch.Generator().manual_seed(0)).requires_grad_()
    assert torch.autograd.grad(losses.collaborative(a, b), b, allow_unused=True) == (None,)
    pulled = torch.autograd.grad(losses.adaptation(a, b)[0], a)[0]
    assert torch.allclose(pulled, (a - b).sign() / a.numel())  # towards the other one, at full strength


def test_the_reduction_is_matlab_s():
    rng = np.random.default_rng(0)
    image = rng.random((48, 64, 3))
    got = pairs.downscaled(torch.from_numpy(image).permute(2, 0, 1)[None], 4)[0].permute(1, 2, 0).numpy()
    assert np.abs(got - imresize(image, 0.25)).max() < 1e-12
    clean = torch.rand(1, 3, 8, 8)
    assert pairs.downscaled(clean, 1) is clean
    with torch.autocast("cpu", torch.bfloat16):
        assert pairs.downscaled(clean, 4).dtype == torch.float32


def test_noise_of_an_unknown_level():
    clean = torch.full((64, 3, 16, 16), 0.5)
    spread = (pairs.noisy(clean, 50.0, FakeDraws(0)) - clean).flatten(1).std(1)
    assert 0 <= float(spread.min()) < 0.02 and 0.18 < float(spread.max()) < 0.21
    assert float(spread.mean()) == pytest.approx(25 / 255, rel=0.15)


def test_other_colours():
    image = torch.rand(1, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    got = pairs.recoloured(image.expand(400, 3, 4, 4), FakeDraws(0))
    kinds = {tuple(channel.flatten().tolist()) for channel in got.flatten(0, 1)}
    assert len(kinds) == 6  # of each channel itself and its negative
    assert len({tuple(one.flatten().tolist()) for one in got}) == 12
    for one in got:  # all channels or none
        assert (one.mean(0) - image[0].mean(0)).abs().max() < 1e-5 or (
            one.mean(0) + image[0].mean(0) - 1
        ).abs().max() < 1e-5


@pytest.mark.parametrize(("top", "left", "inside"), [(0, 0, 1.0), (1, 3, 1.0), (2, 0, 0.5), (1, 4, 0.5), (9, 0, 0.0)])
def test_crops_of_the_released_configuration(top, left, inside):
    """Places on the low-resolution grid are drawn over the large image, and what lies outside is black."""
    places = GivenDraws([np.array(top), np.array(left)])
    cut = pairs.beyond(torch.ones(1, 3, 12, 20), 2, 4, places)
    assert cut.shape == (1, 3, 8, 8) and places.arrays == [] and float(cut.mean()) == inside


def test_most_crops_of_the_released_configuration_are_black():
    image, draws = torch.ones(1, 1, 68, 102), FakeDraws(1)
    means = [float(pairs.beyond(image, 2, 4, draws).mean()) for _ in range(600)]
    assert 0.90 < sum(mean == 0 for mean in means) / 600 < 0.97


def test_a_quarter_turn_within_the_frame():
    image = np.arange(4 * 10 * 3, dtype=np.uint8).reshape(4, 10, 3) + 1
    turned = pairs.turned_within(image)
    assert turned.shape == image.shape and not turned[:, :3].any() and not turned[:, 7:].any()
    assert np.array_equal(turned[:, 3:7], np.rot90(image)[3:7])
    tall = pairs.turned_within(image.transpose(1, 0, 2))
    assert not tall[:3].any() and not tall[7:].any() and tall[3:7].all()
    square = image[:, :4]
    assert np.array_equal(pairs.turned_within(square), np.rot90(square))
    entries = pairs.turned_whole().make({"degraded": image}, None, None)
    assert np.array_equal(entries[0]["degraded"], image) and np.array_equal(entries[1]["degraded"], turned)


def test_upside_down_half_of_the_time():
    images = torch.rand(40, 1, 4, 4)
    got = pairs.upside_down(images, FakeDraws(0))
    flipped = [torch.equal(a, b.flip(-2)) for a, b in zip(got, images, strict=True)]
    kept = [torch.equal(a, b) for a, b in zip(got, images, strict=True)]
    assert all(a != b for a, b in zip(flipped, kept, strict=True)) and 10 < sum(flipped) < 30


def test_schedules():
    factors = [schedules.staircase(step, 500 * 332, 500, 350) for step in (0, 350 * 332 - 1, 350 * 332, 351 * 332)]
    assert factors == pytest.approx([1, 1, 1, 149 / 150]) and schedules.staircase(165_999, 166_000, 500, 350) > 0
    assert [schedules.halved(n, 1_000_000, 5.0) for n in (0, 199_999, 200_000, 999_999)] == [1, 1, 0.5, 1 / 16]
    assert [schedules.ramp(n, 4, 1) for n in range(4)] == [0, 0, 0.5, 0.75]
    rates = [schedules.restarted_cosine(n, 400, 4, 2e-4, 1e-7) for n in (0, 50, 99, 100, 399)]
    assert rates == pytest.approx([2e-4, 1.0005e-4, 1e-7, 2e-4, 1e-7], rel=1e-2, abs=1e-7)
