"""MSSR's four stages once more, from the specification: two iterations of each in float64."""

import math
from dataclasses import replace

import numpy as np
import torch
from torch.nn.functional import conv2d, conv3d, interpolate, leaky_relu, max_pool2d, relu

from methods.mssr import network, perceptual
from methods.mssr.adapter import MSSR
from methods.mssr.collaborative import Collaboration
from methods.mssr.generators import GeneratorTraining
from methods.mssr.start import Start
from methods.recipes import recipe
from tests.helpers.fake_loop import FakeLoop
from tests.helpers.reading import (
    Adam,
    Reading,
    agree,
    conv,
    frozen,
    gradients_of,
    instance_norm,
    leaves,
    mean_abs,
    same_weights,
)
from tests.methods.test_features import lpips_by_rule

BLOCKS, GROUPS, ATTENTIVE = 2, 2, 2  # of DeResnet and RRDB; of HAN, and in each of its groups
SMALL = {
    "deresnet_width": 8, "deresnet_blocks": BLOCKS, "han_features": 8, "han_groups": GROUPS, "han_blocks": ATTENTIVE,
    "han_reduction": 2, "discriminator_width": 8, "noise_start": 0.3,
}  # fmt: skip


# Networks: sections 2 and 6.1.


def prelu(p, key, x):
    return torch.where(x >= 0, x, p[f"{key}.weight"] * x)


def noised(p, key, h, maps):
    return h + p[f"{key}.w"] * (0.1 * maps.pop(0))


def deresnet(p, x, maps):
    maps, h = list(maps), prelu(p, "block_input.1", conv(p, "block_input.0", x))
    for i in range(BLOCKS):
        h = noised(p, f"noises.{i}", h, maps)
        inner = prelu(p, f"res_blocks.{i}.prelu", conv(p, f"res_blocks.{i}.conv1", h))
        h = h + conv(p, f"res_blocks.{i}.conv2", inner)
    for i in (0, 2):
        h = prelu(p, f"down_sample.{i + 1}", conv(p, f"down_sample.{i}", h, stride=2))
    return torch.sigmoid(conv(p, "block_output", h))


def attentive(p, key, h):
    t = conv(p, f"{key}.2", relu(conv(p, f"{key}.0", h)))
    a = conv(p, f"{key}.3.conv_du.2", relu(conv(p, f"{key}.3.conv_du.0", t.mean((2, 3), keepdim=True))))
    return h + t * torch.sigmoid(a)


def han(p, x, maps):
    maps = list(maps)
    start = h = conv(p, "model.head.1", conv(p, "model.head.0", x, stride=2), stride=2)
    stack = []
    for g in range(GROUPS + 1):
        if g < GROUPS:
            inner = h
            for b in range(ATTENTIVE):
                inner = attentive(p, f"model.body.{g}.body.{b}.body", inner)
            h = h + conv(p, f"model.body.{g}.body.{ATTENTIVE}", inner)
        else:
            h = conv(p, f"model.body.{g}", h)
        h = noised(p, f"model.noises.{g}", h, maps)
        stack.insert(0, h)
    f = torch.stack(stack, 1).flatten(2)
    e = f @ f.mT
    mixed = p["model.la.gamma"] * (torch.softmax(e.max(2, keepdim=True).values - e, 2) @ f) + f
    layers = conv(p, "model.last_conv", mixed.reshape(len(x), -1, *h.shape[2:]))
    h = noised(p, f"model.noises.{GROUPS + 1}", h, maps)
    volume = conv3d(h[:, None], p["model.csa.conv.weight"], p["model.csa.conv.bias"], padding=1)[:, 0]
    fused = conv(p, "model.last", torch.cat([h * torch.sigmoid(volume), layers], 1)) + start
    return conv(p, "model.tail.0", fused)


def haar(x):
    a, b, c, d = x[..., ::2, ::2], x[..., ::2, 1::2], x[..., 1::2, ::2], x[..., 1::2, 1::2]
    return (a + b + c + d) / 2, (a + b - c - d) / 2, (a - b + c - d) / 2, (a - b - c + d) / 2


def scores(p, x):
    h = leaky_relu(conv(p, "net.net.0", 0.5 * torch.cat(haar(x)[1:], 1) + 0.5), 0.2)
    for n in (2, 5):
        h = leaky_relu(instance_norm(conv(p, f"net.net.{n}", h)), 0.2)
    return torch.sigmoid(conv(p, "net.net.8", h))


def rrdb(p, x):
    h = first = conv(p, "conv_first", x)
    for i in range(BLOCKS):
        outer = h
        for j in (1, 2, 3):
            found = [h]
            for k in (1, 2, 3, 4):
                found.append(leaky_relu(conv(p, f"body.{i}.rdb{j}.conv{k}", torch.cat(found, 1)), 0.2))
            h = h + 0.2 * conv(p, f"body.{i}.rdb{j}.conv5", torch.cat(found, 1))
        h = outer + 0.2 * h
    h = first + conv(p, "conv_body", h)
    for k in (1, 2):
        h = leaky_relu(conv(p, f"conv_up{k}", interpolate(h, scale_factor=2.0)), 0.2)
    return conv(p, "conv_last", leaky_relu(conv(p, "conv_hr", h), 0.2))


def lpips(p, x, y):
    """Section 3; the backbone's keys are torchvision's, the heads' the published ones."""

    def taps(image):
        numbers = torch.tensor([[-0.030, -0.088, -0.188], [0.458, 0.448, 0.450]], dtype=torch.float64)
        shift, scale = numbers.view(2, 3, 1, 1)
        h = (2 * image - 1 - shift) / scale
        for n, stride, padding in ((0, 4, 2), (3, 1, 2), (6, 1, 1), (8, 1, 1), (10, 1, 1)):
            h = max_pool2d(h, 3, 2) if n in (3, 6) else h
            h = relu(conv2d(h, p[f"net.features.{n}.weight"], p[f"net.features.{n}.bias"], stride, padding))
            yield h / ((1e-10 + h.square().sum(1, keepdim=True)).sqrt() + 1e-10)

    parts = enumerate(zip(taps(x), taps(y), strict=True))
    return sum(conv(p, f"lin{k}.model.1", (a - b).square()).mean((1, 2, 3)) for k, (a, b) in parts)


def quartered(x):
    """MATLAB's bicubic reduction by 4: the 16 taps of section 5, mirrored at the border with the edge repeated."""
    half = [
        *(-0.001708984375, -0.010986328125, -0.018310546875, -0.011962890625),
        *(0.022705078125, 0.097412109375, 0.181884765625, 0.240966796875),
    ]
    taps = torch.tensor(half + half[::-1], dtype=torch.float64)

    def along(v, dim):
        v = v.movedim(dim, -1)
        n = v.shape[-1]
        place = torch.arange(-6, n + 6)
        place = torch.where(place < 0, -1 - place, place)
        place = torch.where(place >= n, 2 * n - 1 - place, place)
        return (v[..., place].unfold(-1, 16, 4) @ taps).movedim(-1, dim)

    return along(along(x, 2), 3).clamp(0, 1)


# Stages.


def small(**train):
    paper = recipe(MSSR, "ntire2020-paper")
    net = {**paper.network, "width": 8, "blocks": BLOCKS, "growth": 4}
    return replace(paper, network=net, train={**paper.train, **SMALL, **train})


def doubled(stage):
    for net in stage.networks.values():
        net.double()
    stage.configure()
    return stage


def single(chosen):
    torch.manual_seed(1)
    return {"start/single": network.single(chosen.network).state_dict()}


def test_the_start():
    torch.manual_seed(0)
    stage = doubled(Start(small(), {}))
    p, average = leaves(stage.networks["restorer"]), leaves(stage.networks["average"])
    loop, reading, outcomes = FakeLoop(steps=40), Reading(), []
    adam = Adam(p.values(), 2e-4, (0.9, 0.99))
    for n in range(2):
        clean = torch.rand(2, 3, 32, 32, dtype=torch.float64)
        outcomes += loop.run(stage, {"clean": {"clean": clean}}, 1)
        loss = mean_abs(rrdb(p, quartered(clean)) - clean)
        adam.rate = 1e-7 + (2e-4 - 1e-7) * (1 + math.cos(math.pi * n / 10)) / 2  # four periods of ten steps
        found = gradients_of(loss, adam)
        reading.losses.append(loss.item())
        reading.norms.append(adam.norm(found))
        adam.step(found)
        average = {key: 0.999 * value + 0.001 * p[key].detach() for key, value in frozen(average).items()}
        reading.told(loss=loss)
    agree(reading, loop, outcomes)
    same_weights(stage.networks["restorer"], p)
    same_weights(stage.networks["average"], average)


def generator_training(number, degrade, count, shape, rates, monkeypatch):
    """Sections 3 and 4: the discriminator first, then the generator, which the updated one judges."""
    monkeypatch.setattr(perceptual, "lpips", lambda train: lpips_by_rule())
    chosen = small()
    torch.manual_seed(0)
    stage = doubled(GeneratorTraining(chosen, number, single(chosen)))
    for key, value in stage.networks["generator"].named_parameters():
        if key.endswith("la.gamma"):  # 0 at first, which would hide the attention
            value.data.fill_(0.2)
    p = {name: leaves(net) for name, net in stage.networks.items()}
    noises = [t for key, t in p["generator"].items() if "noises" in key]
    rest = [t for key, t in p["generator"].items() if "noises" not in key]
    betas = (0.5, 0.999)
    judge = Adam(p["discriminator"].values(), rates[0], betas)
    trunk, scales = Adam(rest, rates[0], betas), Adam(noises, rates[1], betas)
    rng, loop, reading, outcomes = np.random.default_rng(2), FakeLoop(steps=stage.steps), Reading(), []
    for _ in range(2):
        clean, real = (torch.from_numpy(rng.random((2, 3, side, side))) for side in (128, 32))
        loop.given["noise"] = maps = [rng.standard_normal((2, 1, *shape)) for _ in range(count)]
        outcomes += loop.run(stage, {"clean": {"clean": clean}, "degraded": {"degraded": real}}, 1)
        fake, small_clean = degrade(p["generator"], clean, map(torch.from_numpy, maps)), quartered(clean)
        d_real, d_fake = scores(p["discriminator"], real), scores(p["discriminator"], fake.detach())
        loss_d = (-torch.log(d_real + 1e-8)).mean() + (-torch.log(1 - d_fake + 1e-8)).mean()
        found = gradients_of(loss_d, judge)
        reading.norms.append(judge.norm(found))
        judge.step(found)
        adversarial = (-torch.log(scores(p["discriminator"], fake) + 1e-8)).mean()
        colour = mean_abs(0.5 * haar(fake)[0] - 0.5 * haar(small_clean)[0])
        distance = lpips(p["perceptual"], fake, small_clean).mean()
        loss_g = colour + 0.005 * adversarial + 0.01 * distance
        found = gradients_of(loss_g, trunk, scales)
        reading.losses += [loss_d.item(), loss_g.item()]
        reading.norms.append(math.hypot(trunk.norm(found), scales.norm(found)))
        trunk.step(found)
        scales.step(found)
        reading.told(
            generator=loss_g, colour=colour, adversarial=adversarial, perceptual=distance, discriminator=loss_d,
            real_score=d_real.mean(), fake_score=d_fake.mean(),
        )  # fmt: skip
    agree(reading, loop, outcomes)
    for name in ("generator", "discriminator"):
        same_weights(stage.networks[name], p[name])


def test_the_training_of_deresnet(monkeypatch):
    generator_training(0, deresnet, BLOCKS, (128, 128), (1e-4, 1e-4), monkeypatch)


def test_the_training_of_han(monkeypatch):
    generator_training(1, han, GROUPS + 2, (32, 32), (1e-5, 1e-4), monkeypatch)


def collaboration(chosen):
    torch.manual_seed(3)
    kinds = enumerate(("deresnet", "han"), 1)
    left = {
        f"generator-{number}/generator": network.generator(chosen.train, kind, 4).state_dict() for number, kind in kinds
    }
    stage = doubled(Collaboration(chosen, single(chosen) | left))
    with torch.no_grad():  # not equal, as after a while
        for value in stage.networks["b"].parameters():
            value += 0.01 * torch.randn_like(value)
    return stage


def test_the_collaboration():
    """Section 6.3, with the terms switched on after the first iteration."""
    stage = collaboration(small(collaborative_start=0))
    p = {name: leaves(net) for name, net in stage.networks.items()}
    adam = {name: Adam(p[name].values(), 1e-5, (0.5, 0.999)) for name in "ab"}
    steps, reading, outcomes = 10, Reading(), []
    loop, rng = FakeLoop(steps=steps), np.random.default_rng(4)

    def update(name, loss):
        found = gradients_of(loss, adam[name])
        reading.losses.append(loss.item())
        reading.norms.append(adam[name].norm(found))
        adam[name].step(found)

    for n in range(2):
        y, t = (torch.from_numpy(rng.random((1, 3, side, side))) for side in (64, 16))
        maps = {"a": [rng.standard_normal((1, 1, 64, 64)) for _ in range(BLOCKS)]}
        maps["b"] = [rng.standard_normal((1, 1, 16, 16)) for _ in range(GROUPS + 2)]
        loop.given = {f"noise of {name}": drawn for name, drawn in maps.items()}
        outcomes += loop.run(stage, {"clean": {"clean": y}, "degraded": {"degraded": t}}, 1)
        with torch.no_grad():
            x1 = deresnet(p["generator_a"], y, map(torch.from_numpy, maps["a"]))
            x2 = han(p["generator_b"], y, map(torch.from_numpy, maps["b"]))
        c = {(name, k): rrdb(p[name], x).clamp(0, 1) for name in "ab" for k, x in ((1, x1), (2, x2))}
        terms = {
            "a_supervised": mean_abs(c["a", 1] - y),
            "b_supervised": mean_abs(c["b", 2] - y),
            "a_collaborative": mean_abs(c["a", 2] - c["b", 2].detach()),
            "b_collaborative": mean_abs(c["b", 1] - c["a", 1].detach()),
        }
        on = float(n > 0)
        for name in "ab":
            terms[name] = terms[f"{name}_supervised"] + 0.01 * on * terms[f"{name}_collaborative"]
            update(name, terms[name])
        a, b = (rrdb(p[name], t).clamp(0, 1) for name in "ab")
        mean = (0.5 * a + 0.5 * b).detach()
        terms |= {"a_adapted": mean_abs(mean - a), "b_adapted": mean_abs(mean - b)}
        for name in "ab":
            update(name, on * n / steps * terms[f"{name}_adapted"])
        reading.told(**terms)
    agree(reading, loop, outcomes)
    for name in "ab":
        same_weights(stage.networks[name], p[name])
