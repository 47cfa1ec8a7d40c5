"""DGUNet's trainings once more, from the specification: two iterations of each in float64.

Saturation jitter and mix-up are left out: they change the batch alone, and have tests of their own.
"""

import math
import re
from dataclasses import replace

import pytest
import torch
from torch.nn.functional import conv2d, conv_transpose2d, leaky_relu, pad, relu

from methods.dgunet.adapter import DGUNet, network
from methods.dgunet.training import Restoring, Sensing
from methods.recipes import recipe
from tests.helpers.fake_loop import FakeLoop
from tests.helpers.reading import Adam, Reading, agree, conv, gradients_of, instance_norm, leaves, outer, same_weights

STAGES, INNER = 5, 3
RGB = {"width": 8, "step": 4, "tail": 4, "rank": 4, "stages": STAGES}
GREY = {"width": 8, "step": 4, "tail": 4, "stages": STAGES, "block": 32}


# Networks: sections 2.1 to 2.3 and 4.


def prelu(p, key, x):
    return torch.where(x >= 0, x, p[f"{key}.weight"] * x)


def gradient_block(p, key, x):
    return x + conv(p, f"{key}.body.2", prelu(p, f"{key}.body.1", conv(p, f"{key}.body.0", x)))


def shallow(p, key, x):
    f = conv(p, f"{key}.0", x)
    u = conv(p, f"{key}.1.body.2", prelu(p, f"{key}.1.body.1", conv(p, f"{key}.1.body.0", f)))
    w = conv(p, f"{key}.1.CA.conv_du.2", relu(conv(p, f"{key}.1.CA.conv_du.0", u.mean((2, 3), keepdim=True))))
    return f + u * torch.sigmoid(w)


def unet_block(p, key, x, enc=None, dec=None):
    t = conv(p, f"{key}.conv_1", x)
    if f"{key}.norm.weight" in p:
        half = t.shape[1] // 2
        scale, shift = p[f"{key}.norm.weight"][:, None, None], p[f"{key}.norm.bias"][:, None, None]
        t = torch.cat([instance_norm(t[:, :half]) * scale + shift, t[:, half:]], 1)
    t = leaky_relu(conv(p, f"{key}.conv_2", leaky_relu(t, 0.2)), 0.2)
    o = t + conv(p, f"{key}.identity", x)
    if enc is None:
        return o
    a = conv(p, f"{key}.csff_enc", enc) + conv(p, f"{key}.csff_dec", dec)
    if f"{key}.phi.weight" not in p:
        return o + a
    a = leaky_relu(a, 0.1)
    return o * torch.sigmoid(conv(p, f"{key}.phi", a)) + conv(p, f"{key}.gamma", a) + o


def unet(p, enc, dec, x, previous=None):
    """Encoder and decoder features; the last of the latter goes to the supervised end of the stage."""
    e, d = [], []
    for j in range(3):
        fused = (previous[0][j], previous[1][2 - j]) if previous else ()
        e.append(unet_block(p, f"{enc}.body.{j}", x, *fused))
        x = conv2d(e[j], p[f"{enc}.body.{j}.downsample.weight"], stride=2, padding=1)
    x = unet_block(p, f"{enc}.body.3", x)
    for j in range(3):
        u = conv_transpose2d(x, p[f"{dec}.body.{j}.up.weight"], p[f"{dec}.body.{j}.up.bias"], stride=2)
        x = unet_block(p, f"{dec}.body.{j}.conv_block", torch.cat([u, conv(p, f"{dec}.skip_conv.{j}", e[2 - j])], 1))
        d.append(x)
    return e, d


def supervised(p, key, f, v):
    x, g = conv(p, f"{key}.conv2", f) + v, conv(p, f"{key}.conv1", f)
    return (g * torch.sigmoid(conv(p, f"{key}.conv3", x)) if f"{key}.conv3.weight" in p else g) + f, x


def merge(p, key, x, b):
    v = conv(p, f"{key}.subnet", torch.cat([x, b], 1)).flatten(2).mT
    v = v / (1e-6 + v.abs().sum(1, keepdim=True))
    projected = v @ torch.linalg.inv(v.mT @ v) @ v.mT @ b.flatten(2).mT
    return x + conv(p, f"{key}.conv_block", torch.cat([x, projected.mT.reshape(b.shape)], 1))


def dgunet(p, y):
    def descend(x, place, k):
        residual = gradient_block(p, f"{place}phi_{k}", x) - y
        return x - p[f"{place}r{k}"] * gradient_block(p, f"{place}phit_{k}", residual)

    v = descend(y, "", 0)
    found = unet(p, "stage1_encoder", "stage1_decoder", shallow(p, "shallow_feat1", v))
    g, x = supervised(p, "sam12", found[1][2], v)
    images = [x]
    for _ in range(INNER):
        v = descend(x, "basic.", 1)
        f = merge(p, "basic.merge12", shallow(p, "basic.shallow_feat2", v), g)
        found = unet(p, "basic.stage2_encoder", "basic.stage2_decoder", f, found)
        g, x = supervised(p, "basic.sam23", found[1][2], v)
        images.append(x)
    f = conv(p, "concat67", torch.cat([shallow(p, "shallow_feat7", descend(x, "", 6)), g], 1))
    return [*images, conv(p, "tail", f) + y]


def dgunet_plus(p, y):
    x, g, found, images = y, None, None, []
    for k in range(1, STAGES + 1):
        residual = gradient_block(p, f"phi_{k - 1}", x) - y
        v = x - p[f"r{k - 1}"] * gradient_block(p, f"phit_{k - 1}", residual)
        f = shallow(p, f"shallow_feat{k}", v)
        f = f if g is None else merge(p, f"merge{k - 1}{k}", f, g)
        if k < STAGES:
            found = unet(p, f"stage{k}_encoder", f"stage{k}_decoder", f, found)
            g, x = supervised(p, f"sam{k}{k + 1}", found[1][2], v)
            images.append(x)
    return [*images, conv(p, "tail", f) + y]


def sensing(p, x_true):
    """Section 4, DGUNet: blocks of 32 x 32, measured and put back; the same for shared stages."""
    n, _, h, w = x_true.shape

    def measured(x):
        rows = [x[..., i : i + 32, j : j + 32].reshape(n, 1024) for i in range(0, h, 32) for j in range(0, w, 32)]
        back = [(row @ p["Phi"].T @ p["Phi"]).view(n, 1, 32, 32) for row in rows]
        across = w // 32
        return torch.cat([torch.cat(back[k : k + across], 3) for k in range(0, len(back), across)], 2)

    start = measured(x_true)
    x, g, found, images = start, None, None, []
    for k in range(STAGES):
        name = "r0" if k == 0 else "r_final" if k == STAGES - 1 else "stage_model.r"
        v = x - p[name] * measured(x) + p[name] * start
        if k == 0:
            found = unet(p, "stage1_encoder", "stage1_decoder", shallow(p, "shallow_feat1", v))
            g, x = supervised(p, "sam12", found[1][2], v)
        elif k < STAGES - 1:
            f = conv(p, "stage_model.concat", torch.cat([shallow(p, "stage_model.shallow_feat", v), g], 1))
            found = unet(p, "stage_model.stage_encoder", "stage_model.stage_decoder", f, found)
            g, x = supervised(p, "stage_model.sam", found[1][2], v)
        else:
            f = conv(p, "concat_final", torch.cat([shallow(p, "shallow_feat_final", v), g], 1))
            x = conv(p, "tail", f) + v
        images.append(x)
    return images


def shared(key):
    """Section 2.4: the slope of all gradient blocks is one, and that of the shallow features at the top level."""
    key = re.sub(r"^(.*\.)?phit?(_\d)?\.body\.1\.weight$", "slope of the gradient blocks", key)
    return re.sub(r"^shallow_feat\w*\.1\.body\.1\.weight$", "slope of the shallow features", key)


# Losses: section 5 (the Laplacian's filter in float64), and 4.1.


def charbonnier(a, b):
    return ((a - b).square() + 1e-6).sqrt().mean()


def laplacian(x):
    kernel = outer(torch.tensor([0.05, 0.25, 0.4, 0.25, 0.05], dtype=torch.float64))

    def smooth(v):
        planes = pad(v.flatten(0, 1)[:, None], [2] * 4, mode="replicate")
        return conv2d(planes, kernel[None, None]).view(v.shape)

    kept = torch.zeros_like(x)
    kept[..., ::2, ::2] = smooth(x)[..., ::2, ::2] * 4
    return x - smooth(kept)


def warm_cosine(epoch, rate, t_max):
    if epoch <= 3:
        return rate * epoch / 3
    return 1e-6 + 0.5 * (rate - 1e-6) * (1 + math.cos(math.pi * (epoch - 4) / t_max))


def learn(stage, loop, batches, net, terms_of, rates, decay=0.0):
    """Two iterations of a stage of ours and of its second reading."""
    p = leaves(stage.networks["restorer"], shared)
    adam, reading, outcomes = Adam(p.values(), 0.0, (0.9, 0.999), decay), Reading(), []
    for batch, rate in zip(batches, rates, strict=True):
        outcomes += loop.run(stage, {"train": batch}, 1)
        terms = terms_of(net(p, batch.get("degraded", batch["clean"])), batch["clean"])
        loss = terms["loss"]
        found = gradients_of(loss, adam)
        adam.rate = rate
        reading.losses.append(loss.item())
        reading.norms.append(adam.norm(found))
        adam.step(found)
        reading.told(**terms)
    agree(reading, loop, outcomes)
    same_weights(stage.networks["restorer"], p)


def denoising(images, clean):
    loss = sum(charbonnier(x.clamp(0, 1), clean) for x in images)
    return {"loss": loss, "charbonnier": loss}


def deblurring(images, clean):
    plain = sum(charbonnier(x, clean) for x in images)
    edge = sum(charbonnier(laplacian(x), laplacian(clean)) for x in images)
    return {"loss": plain + 0.05 * edge, "charbonnier": plain, "edge": edge}


PAIRS = {
    "denoising": ("sidd-paper", dgunet, denoising, 1e-4, 117, 1e-8),
    "denoising, plus": ("sidd-plus-paper", dgunet_plus, denoising, 1e-4, 117, 1e-8),
    "deblurring": ("gopro-paper", dgunet, deblurring, 1e-4, 2997, 0.0),
    "deraining, plus": ("rain-plus-paper", dgunet_plus, deblurring, 2e-4, 247, 0.0),
}


@pytest.mark.parametrize("case", PAIRS)
def test_restoring(case):
    name, net, terms, rate, t_max, decay = PAIRS[case]
    paper = recipe(DGUNet, name)
    small = {**paper.network, **RGB}
    chosen = replace(paper, network=small, train={**paper.train, "jitter": 0.0})
    torch.manual_seed(0)
    stage = Restoring(chosen, network(chosen).double())
    stage.configure()
    # Two steps an epoch; those of epoch 3, the end of the warm-up, and 4, the beginning of the cosine.
    loop = FakeLoop(steps=chosen.train["epochs"])
    loop.step = 2
    pairs = torch.rand(2, 2, 2, 3, 32, 32, dtype=torch.float64)
    batches = [{"degraded": y, "clean": x} for y, x in pairs]
    learn(stage, loop, batches, net, terms, [warm_cosine(e, rate, t_max) for e in (3, 4)], decay)


@pytest.mark.parametrize("deblock", [False, True])
def test_sensing(deblock):
    paper = recipe(DGUNet, "cs10-paper")
    chosen = replace(paper, network={**paper.network, **GREY}, train={**paper.train, "augmentation": "meant"})
    torch.manual_seed(0)
    net = network(chosen).double()
    stage = Sensing(chosen, net, net.state_dict(), deblock)
    stage.configure()
    loop = FakeLoop(steps=100)
    loop.step = 59 if deblock else 0  # epochs 60 and 61 of 100: the rate of the second step halves between them
    sides = (64, 32) if deblock else (32, 32)
    images = torch.rand(2, 2, 1, *sides, dtype=torch.float64)

    def terms(found, clean):
        loss = sum((x.clamp(0, 1) - clean).square().mean() for x in found)
        return {"loss": loss, "squared_error": loss}

    learn(stage, loop, [{"clean": x} for x in images], sensing, terms, [1e-4, 5e-5 if deblock else 1e-4])
