"""The networks against outputs recorded from the official modules."""

import json

import numpy as np
import pytest
import torch

from methods.lir.adapter import LIR
from methods.lir.blocks import ConvBlock, LayerNorm
from methods.lir.discriminators import ImageDiscriminator, LatentDiscriminator
from methods.lir.network import PARTS, Restorer, generator
from methods.matching import signature
from methods.recipes import recipe
from tests.helpers.material import material, needs_material
from tests.helpers.rule_weights import relative, rule_state, ruled

OFFICIAL = recipe(LIR, "gaussian-paper").network
SIZES = {"enc": 5_390_848, "styc": 731_904, "dec_cont": 5_758_723, "dec_recs": 23_002_627}


def golden(name):
    return np.load(material(f"golden/lir/{name}.npz"))


def described(name):
    return json.loads(material(f"golden/lir/{name}.json").read_text())


def keys(name):
    return {
        key: tuple(shape) for key, shape, _ in described(name)["state_dict"] if not key.endswith("num_batches_tracked")
    }


def parameters(net):
    return sum(p.numel() for p in net.parameters())


def test_sizes():
    with torch.device("meta"):
        made = generator(OFFICIAL)
        judges, latent = ImageDiscriminator(), LatentDiscriminator()
    assert {name: parameters(made[name]) for name in PARTS} == SIZES
    assert parameters(made) == 34_884_102
    assert parameters(judges) == 8_271_171 and parameters(latent) == 2_360_577


@needs_material
@torch.no_grad()
def test_recorded_generator():
    recorded, net = golden("lir_vaegen"), generator(OFFICIAL)
    assert signature(net) == keys("lir_vaegen")
    ruled(net)
    x = torch.from_numpy(recorded["input"])
    content, noise = net["enc"](x), net["styc"](x)
    assert relative(content, recorded["output_0"]) < 1e-9 and relative(noise, recorded["output_1"]) < 1e-9
    assert relative(net["dec_cont"](content), recorded["output_2"]) < 1e-9
    assert relative(net["dec_recs"](torch.cat([content, noise], 1)), recorded["output_3"]) < 1e-9
    odd = torch.from_numpy(recorded["input_odd"])
    content, noise = net["enc"](odd), net["styc"](odd)
    assert relative(net["dec_cont"](content), recorded["output_odd_2"]) < 1e-9
    assert relative(net["dec_recs"](torch.cat([content, noise], 1)), recorded["output_odd_3"]) < 1e-9


@needs_material
@torch.no_grad()
def test_recorded_restoration():
    recorded = golden("lir_restoration")
    net = Restorer(*(generator(OFFICIAL, (part,))[part] for part in ("enc", "dec_cont")), 2).double().eval()
    for side, part in (("a", "enc"), ("b", "dec_cont")):
        child = net.get_submodule(part)
        child.load_state_dict(rule_state(child, seed_prefix=f"{side}.{part}."))
    assert parameters(net) == 11_149_571
    assert relative(net(torch.from_numpy(recorded["input"])), recorded["output"]) < 1e-9


@needs_material
def test_recorded_image_discriminator():
    from methods.lir.losses import scores_near

    recorded, net = golden("lir_msimagedis"), ruled(ImageDiscriminator())
    assert signature(net) == keys("lir_msimagedis")
    fake = torch.from_numpy(recorded["input_fake"]).requires_grad_()
    real = torch.from_numpy(np.random.default_rng(20261124).random((2, 3, 64, 64))).requires_grad_()
    assert np.array_equal(real.detach().numpy().ravel()[:8], recorded["input_real_first8"])
    maps = net(fake)
    assert all(relative(scores, recorded[f"output_{k}"]) < 1e-9 for k, scores in enumerate(maps))
    against, towards = scores_near(net(fake), 0) + scores_near(net(real), 1), scores_near(maps, 1)
    check(recorded, against, {"dis_loss": None, "dis_loss_grad_fake_norm": fake, "dis_loss_grad_real_norm": real})
    check(recorded, towards, {"gen_loss": None, "gen_loss_grad_fake_norm": fake})


@needs_material
def test_recorded_latent_discriminator():
    from methods.lir.iteration import latent_terms
    from methods.lir.losses import scores_near

    recorded, net = golden("lir_dis_content"), ruled(LatentDiscriminator())
    assert signature(net) == keys("lir_dis_content")
    a, b = (
        torch.from_numpy(np.random.default_rng(seed).standard_normal((2, 256, 16, 16))).requires_grad_()
        for seed in (20261125, 20261126)
    )
    assert relative(net(a), recorded["output_a"]) < 1e-9 and relative(net(b), recorded["output_b"]) < 1e-9
    check(recorded, latent_terms(net, a, b), {"dis_loss": None, "dis_grad_a_norm": a, "dis_grad_b_norm": b})
    undecided = scores_near([net(a), net(b)], 0.5)
    check(recorded, undecided, {"enc_loss": None, "enc_grad_a_norm": a, "enc_grad_b_norm": b})


def check(recorded, loss, wanted):
    """A loss (key -> None) and the norms of its gradients (key -> variable)."""
    for key, variable in wanted.items():
        if variable is None:
            assert loss.item() == pytest.approx(float(recorded[key]), rel=1e-9)
        else:
            (gradient,) = torch.autograd.grad(loss, variable, retain_graph=True)
            assert float(gradient.norm()) == pytest.approx(float(recorded[key]), rel=1e-9)


def test_layer_norm_is_neither_of_torch_s():
    net, x = LayerNorm(3).double(), torch.rand(2, 3, 4, 5, dtype=torch.float64)
    net.gamma.data, net.beta.data = torch.tensor([1.0, 2.0, 3.0]).double(), torch.tensor([0.5, 0.0, -1.0]).double()
    for number, image in enumerate(x.numpy()):
        standard = (image - image.mean()) / (image.std(ddof=1) + 1e-5)
        wanted = standard * np.array([1, 2, 3])[:, None, None] + np.array([0.5, 0, -1])[:, None, None]
        assert np.allclose(net(x)[number].detach().numpy(), wanted, atol=1e-12)
    half = net.float()(x.bfloat16())
    assert half.dtype == torch.bfloat16 and torch.allclose(half.double(), net.double()(x), atol=0.05)


def test_initial_weights():
    torch.manual_seed(0)
    net = generator(recipe(LIR, "cpu", {"network.up_norm": "layer", "network.halvings": 1}).network)
    first = net["enc"].model[0]
    assert isinstance(first, ConvBlock) and not first.conv.bias.any()
    assert float(net["dec_recs"].model[2].conv.weight.detach().std()) == pytest.approx((2 / (40 * 25)) ** 0.5, rel=0.05)
    gammas = [p for name, p in net.named_parameters() if name.endswith("gamma")]
    assert gammas and all(0 <= float(g.detach().min()) < float(g.detach().max()) <= 1 for g in gammas)
    judge = ImageDiscriminator(16)
    assert float(judge.cnns[0][2].conv.weight.detach().std()) == pytest.approx(0.02, rel=0.05)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"network.norm": "bach"}, "Did you mean 'batch'"),
        ({"network.up_norm": "instance"}, "network.up_norm"),
        ({"network.halvings": -1}, "network.halvings takes a number of 0 or more"),
        ({"network.dim": 1}, "network.dim of 2 or more"),
    ],
)
def test_networks_that_cannot_be(settings, message):
    with pytest.raises(ValueError, match=message):
        LIR(recipe(LIR, "tiny", settings))
