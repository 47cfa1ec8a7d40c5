"""Generators, discriminators and restorers against outputs recorded from the official modules."""

import json
import math

import numpy as np
import pytest
import torch

from datasets.core.errors import UserError
from datasets.ops.resize import imresize
from methods.matching import signature
from methods.mssr import rrdb
from methods.mssr.attention import RCAB, ChannelSpatialAttention, LayerAttention, layer_weights
from methods.mssr.deresnet import DeResnet
from methods.mssr.discriminator import Discriminator
from methods.mssr.han import HAN
from methods.mssr.head import shrunk
from methods.mssr.noise import Noise, check_std, of_each_image
from methods.mssr.rrdb import RRDBNet
from tests.helpers.material import material, needs_material
from tests.helpers.rule_weights import relative, rule_state, ruled

GENERATORS = {"deresnet_x4": DeResnet, "han_x4": HAN, "han2_x4": lambda: HAN(late_downsampling=True)}
DISCRIMINATORS = {
    "disc_fsd_wavelet": {},
    "disc_fsd_gau": {"filter": "gaussian"},
    "disc_nld_s2_wavelet": {"layout": "nld2"},
}
SIZES = {
    "deresnet": (DeResnet, 668_750),
    "deresnet at scale 1": (lambda: DeResnet(scale=1), 594_892),
    "han": (HAN, 63_167_201),
    "han at scale 1": (lambda: HAN(scale=1), 63_167_201),
    "han2": (lambda: HAN(late_downsampling=True), 63_462_369),
    "rrdb": (RRDBNet, 16_697_987),
    "rrdb at scale 1": (lambda: RRDBNet(scale=1), 16_723_907),
    "discriminator": (Discriminator, 1_039_105),
    "patchgan": (lambda: Discriminator(layout="nld2"), 669_121),
}


def golden(name):
    arrays = np.load(material(f"golden/mssr/{name}.npz"))
    described = json.loads(material(f"golden/mssr/{name}.json").read_text())
    return {key: torch.from_numpy(arrays[key]) for key in arrays.files}, described


def given(maps):
    """The recorded noise maps, one after the other."""
    rest = list(maps)

    def draw(*shape):
        z = rest.pop(0)
        assert tuple(z.shape) == shape
        return z

    return draw, rest


@pytest.mark.parametrize("name", SIZES)
def test_size(name):
    make, parameters = SIZES[name]
    with torch.device("meta"):
        assert sum(p.numel() for p in make().parameters()) == parameters


def filled(make, described):
    """A network of the recorded keys, in float64 with weights by the rule; it never has initial ones."""
    with torch.device("meta"):
        net = make()
    assert signature(net) == {key: tuple(shape) for key, shape, _ in described["state_dict"]}
    state = rule_state(net, slopes=described.get("prelu_rule_keys", ()))
    if "HAN" in described["official_class"]:  # so that activations stay bounded
        state = {key: v * 0.5 if ".body." in key and v.dim() == 4 else v for key, v in state.items()}
    net.load_state_dict(state, strict=True, assign=True)
    return net.eval()


@needs_material
@pytest.mark.parametrize("name", GENERATORS)
@torch.no_grad()
def test_recorded_generator(name):
    recorded, described = golden(name)
    net = filled(GENERATORS[name], described)
    draw, rest = given(recorded[f"noise_{k}"] for k in range(len(recorded) - 3))
    assert relative(net(recorded["input"], draw), recorded["output"].numpy()) < 1e-9 and not rest
    assert relative(net(recorded["input"], torch.zeros), recorded["output_nonoise"].numpy()) < 1e-9


@needs_material
@torch.no_grad()
def test_recorded_attention():
    recorded, _ = golden("han_units")
    lam, x = ruled(LayerAttention()), recorded["lam_input"]
    assert relative(layer_weights(x.flatten(2)), recorded["lam_attention"].numpy()) < 1e-9
    assert relative(lam(x), recorded["lam_output"].numpy()) < 1e-9
    assert relative(ruled(ChannelSpatialAttention())(recorded["csam_input"]), recorded["csam_output"].numpy()) < 1e-9
    assert relative(ruled(RCAB(32, 16))(recorded["rcab_input"]), recorded["rcab_output"].numpy()) < 1e-9


@needs_material
@pytest.mark.parametrize("name", DISCRIMINATORS)
@torch.no_grad()
def test_recorded_discriminator(name):
    recorded, described = golden(name)
    net = Discriminator(**DISCRIMINATORS[name]).double().eval()
    assert signature(net) == {key: tuple(shape) for key, shape, _ in described["state_dict"]}
    buffers = dict(net.named_buffers())
    net.load_state_dict({**rule_state(net), **buffers})
    assert buffers
    assert relative(net.logits(recorded["input"]), recorded["logits"].numpy()) < 1e-9
    assert relative(net(recorded["input"]), recorded["output"].numpy()) < 1e-9
    compared = net(recorded["input"], recorded["input2"])
    assert relative(compared, recorded["output_ragan"].numpy()) < 1e-9


@needs_material
@torch.no_grad()
def test_recorded_restorer():
    recorded, described = golden("rrdbnet_x4")
    net = filled(RRDBNet, described)
    assert relative(net(recorded["input"]), recorded["output"].numpy()) < 1e-9
    assert relative(net.features(recorded["input"]), recorded["feature"].numpy()) < 1e-9


def test_noise_has_one_map_for_all_channels():
    noise, h = Noise(4, 0.1).requires_grad_(False), torch.rand(2, 4, 5, 6)
    assert torch.equal(noise(h), h)  # strengths begin at 0
    with torch.no_grad():
        noise.w[:] = torch.tensor([0.0, 1.0, 2.0, -1.0]).view(1, 4, 1, 1)
    added = noise(h, lambda *shape: torch.arange(60.0).view(shape)) - h
    assert float(added[0, 1, 0, 1]) == pytest.approx(0.1, rel=1e-4) and not added[:, 0].any()
    assert torch.allclose(added[:, 2], 2 * added[:, 1], atol=1e-5) and torch.allclose(
        added[:, 3], -added[:, 1], atol=1e-5
    )
    assert not torch.equal(noise(h), noise(h))
    noise.eval()
    assert not torch.equal(noise(h), noise(h))


@pytest.mark.parametrize("make", [DeResnet, HAN])
@torch.no_grad()
def test_a_range_of_noise_gives_each_image_a_strength_of_its_own(make):
    size = {"width": 4, "blocks": 2} if make is DeResnet else {"features": 4, "groups": 2, "blocks": 1}
    low, high = 0.02, 0.5
    ranged, plain = (make(**size, noise_std=std, noise_start=0.5) for std in ([low, high], math.sqrt(low * high)))
    plain.load_state_dict(ranged.state_dict())
    asked, strengths = [], torch.tensor([-0.7, 0.0, 1.3])

    def draw(n, *shape):
        asked.append((n, *shape))
        return strengths.view(n, 1, 1, 1).clone() if shape == (1, 1, 1) else torch.ones(n, *shape)

    x = torch.rand(3, 3, 8, 8)
    got = ranged(x, draw)
    assert asked[0] == (3, 1, 1, 1) and all(shape[1:] != (1, 1, 1) for shape in asked[1:])  # one factor for a pass
    uniform = torch.erf(strengths / math.sqrt(2))  # the normal draws', in (-1, 1)
    factors = (high / low) ** (uniform / 2)
    want = plain(x, lambda n, *shape: factors.view(n, 1, 1, 1).expand(n, *shape))
    assert torch.allclose(got, want, atol=1e-6)
    assert factors[1] == 1 and torch.allclose(got[1:2], plain(x[1:2], lambda *shape: torch.ones(shape)), atol=1e-6)


def test_strengths_are_log_uniform_in_their_range():
    torch.manual_seed(0)
    seen = []

    def draw(*shape):
        seen.append(shape)
        return torch.randn(shape) if len(seen) == 1 else torch.ones(shape)

    factors = of_each_image(draw, (0.1, 1.6), 4000)(4000, 1, 1, 1).flatten()
    places = factors.log() / math.log(4)  # the range's ends are 4 times more and less than its middle
    assert float(places.min()) > -1 and float(places.max()) < 1
    for quantile in (0.1, 0.25, 0.5, 0.75, 0.9):
        assert float(places.quantile(quantile)) == pytest.approx(2 * quantile - 1, abs=0.05)
    assert of_each_image(draw, 0.3, 2) is draw and of_each_image(None, 0.3, 2) is None


@pytest.mark.parametrize("std", [-0.1, [0.1], [0.2, 0.1], [0.0, 0.1], [0.1, 0.2, 0.3], ["a", 1], "0.1"])
def test_other_ranges_of_noise_are_refused_in_one_sentence(std):
    with pytest.raises(UserError, match="train.noise_std is a number of 0 or more, or"):
        check_std(std)


@pytest.mark.parametrize("make", [DeResnet, HAN])
def test_without_noise_modules(make):
    size = {"width": 4, "blocks": 1} if make is DeResnet else {"features": 4, "groups": 1, "blocks": 1}
    plain, noisy = make(**size, noise_std=0.0), make(**size)
    missing = noisy.state_dict().keys() - plain.state_dict().keys()
    assert missing and all("noises" in key for key in missing)
    x = torch.rand(1, 3, 8, 8)
    noisy.load_state_dict(plain.state_dict(), strict=False)
    assert torch.equal(plain(x), plain(x)) and torch.equal(plain(x), noisy(x))


@pytest.mark.parametrize("scale", [1, 2, 4])
@pytest.mark.parametrize("make", [DeResnet, HAN])
@torch.no_grad()
def test_residual_generators_begin_at_their_input(make, scale):
    size = {"width": 4, "blocks": 1} if make is DeResnet else {"features": 4, "groups": 1, "blocks": 1}
    x = torch.rand(1, 3, 13, 10)
    wanted = shrunk(x, scale)
    assert wanted.shape[2:] == (-(-13 // scale), -(-10 // scale))
    assert torch.equal(make(**size, scale=scale, residual=True, head_start=0.0)(x), wanted)
    samples = make(**size, scale=scale, residual=True, noise_start=1.0)
    assert not torch.equal(samples(x), samples(x)) and samples(x).shape == wanted.shape


def test_shrinking_is_matlabs_inside():
    x = np.random.default_rng(3).random((32, 24, 3))
    got = shrunk(torch.from_numpy(x).permute(2, 0, 1)[None], 4)[0].permute(1, 2, 0).numpy()
    want = imresize(x, 0.25, clip=False)
    assert np.abs(got - want)[2:-2, 2:-2].max() < 1e-12 and np.abs(got - want).max() < 0.05


@pytest.mark.parametrize("scale, shrink", [(4, 0), (4, 1), (2, 2), (2, 1), (1, 4), (1, 2), (1, 1)])
@torch.no_grad()
def test_scales_of_the_restorer(scale, shrink):
    net = RRDBNet(4, 1, 2, scale, shrink, skip=True, head_start=0.0)
    x = torch.rand(1, 3, 12, 8)
    got = net(x)
    assert got.shape == (1, 3, 12 * scale, 8 * scale)
    want = imresize(x[0].permute(1, 2, 0).numpy(), scale, clip=False) if scale > 1 else x[0].permute(1, 2, 0).numpy()
    inside = slice(2 * scale, -2 * scale)
    assert np.abs(got[0].permute(1, 2, 0).numpy() - want)[inside, inside].max() < 1e-5


@pytest.mark.parametrize("make", [DeResnet, RRDBNet, HAN])
def test_other_scales_are_refused(make):
    with pytest.raises(UserError, match="by 1, 2 or 4, not by 3"):
        make(scale=3)


def test_context_of_the_restorer():
    """A pixel depends on what lies inside of the context, and on nothing beyond.

    By gradients: where nothing cancels they stay above 0, however small; differences of outputs would be rounded away.
    """
    for scale, shrink in ((4, 1), (1, 4), (1, 2), (1, 1)):
        net = RRDBNet(8, 1, 4, scale, shrink, skip=True).double()
        for parameter in net.parameters():
            parameter.data.abs_()  # nothing cancels
        side = shrink * (2 * net.context // shrink + 4)
        x = torch.rand(1, 3, side, side, dtype=torch.float64, requires_grad=True)
        rows = net(x).sum((0, 1, 3)).unflatten(0, (side, scale)).sum(1)  # of the input's size
        near, beyond = rows[net.context - shrink : net.context + 1].sum(), rows[net.context + 1 :].sum()
        first = [torch.autograd.grad(part, x, retain_graph=True)[0][..., 0, :] for part in (near, beyond)]
        assert first[0].abs().max() > 0 and first[1].abs().max() == 0


@torch.no_grad()
@pytest.mark.parametrize("scale, shrink", [(4, 1), (1, 4), (1, 2), (1, 1)])
def test_strips_are_the_whole(scale, shrink, monkeypatch):
    net, x = RRDBNet(4, 1, 2, scale, shrink).double(), torch.rand(1, 3, 40, 8, dtype=torch.float64)
    whole, seen = net(x), []
    net.conv_last.register_forward_hook(lambda *_: seen.append(1))
    for rows in (1, 3, 4):
        monkeypatch.setattr(rrdb, "STRIP", rows * x.shape[3] * scale**2 * shrink)
        assert float((net(x) - whole).abs().max()) < 1e-12
    assert len(seen) > 15
