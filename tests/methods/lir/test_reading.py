"""LIR's training once more, from the specification: two iterations in float64; every loss, norm, term and weight."""

from dataclasses import replace

import numpy as np
import torch
from torch.nn.functional import avg_pool2d, conv2d, interpolate, leaky_relu, max_pool2d, pad, relu

from methods.features import VGG19
from methods.lir.adapter import LIR
from methods.lir.training import Translation
from methods.recipes import recipe
from tests.helpers.fake_loop import FakeLoop
from tests.helpers.reading import (
    Adam,
    Reading,
    agree,
    filtered,
    gaussian_line,
    gradients_of,
    instance_norm,
    leaves,
    mean_abs,
    outer,
    same_weights,
)
from tests.helpers.rule_weights import rule_state

DIM, RESIDUALS = 4, 2


# Networks: section 3. Statistics of batch norms are noted at every pass.


def mirrored(p, key, x, stride=1, padding=1):
    return conv2d(pad(x, [padding] * 4, mode="reflect"), p[f"{key}.weight"], p[f"{key}.bias"], stride)


def batch_norm(p, key, x):
    mean = x.mean((0, 2, 3))
    squares = (x - mean[:, None, None]).square().mean((0, 2, 3))
    count = x.numel() / x.shape[1]
    for name, now in (("running_mean", mean), ("running_var", squares * count / (count - 1))):
        p[f"{key}.{name}"] = 0.9 * p[f"{key}.{name}"] + 0.1 * now.detach()
    scale, shift = p[f"{key}.weight"] / (squares + 1e-5).sqrt(), p[f"{key}.bias"]
    return (x - mean[:, None, None]) * scale[:, None, None] + shift[:, None, None]


def layer_norm(p, key, x):
    values = x.flatten(1)
    mean = values.mean(1)
    std = ((values - mean[:, None]).square().sum(1) / (values.shape[1] - 1)).sqrt()
    scaled = (x - mean.view(-1, 1, 1, 1)) / (std + 1e-5).view(-1, 1, 1, 1)
    return p[f"{key}.gamma"][:, None, None] * scaled + p[f"{key}.beta"][:, None, None]


def block(p, key, x, stride, padding, norm):
    return norm(p, f"{key}.norm", mirrored(p, f"{key}.conv", x, stride, padding))


def residuals(p, key, x):
    for n in range(RESIDUALS):
        inner = relu(block(p, f"{key}.model.{n}.model.0", x, 1, 1, batch_norm))
        x = x + block(p, f"{key}.model.{n}.model.1", inner, 1, 1, batch_norm)
    return x


def encoded(p, name, x):
    for n, (stride, padding) in enumerate(((1, 3), (2, 1), (2, 1))):
        x = relu(block(p, f"{name}.model.{n}", x, stride, padding, batch_norm))
    return residuals(p, f"{name}.model.3", x) if name == "enc" else mirrored(p, f"{name}.model.3", x, padding=0)


def decoded(p, name, z):
    z = residuals(p, f"{name}.model.0", z)
    for n in (2, 4):
        z = relu(block(p, f"{name}.model.{n}", interpolate(z, scale_factor=2.0), 1, 2, layer_norm))
    return torch.tanh(mirrored(p, f"{name}.model.5.conv", z, padding=3))


def judged(p, x):
    maps = []
    for scale in range(3):
        if scale:
            x = avg_pool2d(x, 3, 2, 1, count_include_pad=False)
        h = x
        for n in range(4):
            h = leaky_relu(mirrored(p, f"cnns.{scale}.{n}.conv", h, 2), 0.2)
        maps.append(mirrored(p, f"cnns.{scale}.4", h, padding=0))
    return maps


def latent_score(p, z):
    for n in range(4):
        z = leaky_relu(mirrored(p, f"model.{n}.model.1", z, 2), 0.01)
    return mirrored(p, "model.5", z.mean((2, 3), keepdim=True), padding=0).flatten()


def seen(p, x):
    """VGG-19 to conv4_1 before its ReLU, of BGR in 0 to 255 less the mean colour; features' statistics taken off."""
    bgr = torch.stack([255 * x[:, 2] - 103.939, 255 * x[:, 1] - 116.779, 255 * x[:, 0] - 123.680], 1)
    for n in (0, 2, 5, 7, 10, 12, 14, 16, 19):
        bgr = conv2d(bgr, p[f"features.{n}.weight"], p[f"features.{n}.bias"], padding=1)
        bgr = bgr if n == 19 else relu(bgr)
        bgr = max_pool2d(bgr, 2) if n in (2, 7, 16) else bgr
    return instance_norm(bgr)


# Losses: section 5.


def near(maps, wanted):
    return sum((scores - wanted).square().mean() for scores in maps)


def background(u, v):
    total = 0
    for side, weight in ((5, 0.25), (9, 0.5), (15, 1.0)):
        line = gaussian_line(side, 25.0)
        kernel = outer(line / line.sum())
        total = total + weight * mean_abs(filtered(u, kernel, "reflect") - filtered(v, kernel, "reflect"))
    return total


# The iteration: section 6.


class SecondReading(Reading):
    def __init__(self, stage):
        super().__init__()
        self.p = {name: leaves(net) for name, net in stage.networks.items()}
        owned = {"gen": ("gen_a", "gen_b"), "dis": ("dis_a", "dis_b"), "content": ("dis_content",)}
        for name, networks in owned.items():
            tensors = [t for network in networks for t in self.p[network].values()]
            setattr(self, name, Adam(tensors, 5e-5 if name == "content" else 1e-4, (0.0, 0.9), 1e-4))

    def update(self, adam, found, clip=None):
        norm = adam.norm(found)
        self.norms.append(norm)
        factor = 1.0 if clip is None else min(1.0, clip / (norm + 1e-6))
        adam.step({key: factor * value for key, value in found.items()})

    def contents(self, a, b):
        return encoded(self.p["gen_a"], "enc", a), encoded(self.p["gen_b"], "enc", b)

    def latent_loss(self, z_a, z_b):
        p = self.p["dis_content"]
        return near([latent_score(p, z_a.detach())], 0) + near([latent_score(p, z_b.detach())], 1)

    def translators(self, noise):
        e_a, e_b = noise
        g, h = self.p["gen_a"], self.p["gen_b"]
        return (
            lambda z, n: decoded(g, "dec_recs", torch.cat([z, n], 1) + e_a),
            lambda z: decoded(h, "dec_cont", z + e_b),
        )

    def iterate(self, a, b, judging, translating):
        for _ in range(3):
            loss = self.latent_loss(*self.contents(a, b))
            self.losses.append(loss.item())
            self.update(self.content, gradients_of(loss, self.content), clip=5.0)
        self.judge(a, b, judging)
        self.translate(a, b, translating)

    def judge(self, a, b, noise):
        p, (spoil, clear) = self.p, self.translators(noise)
        z_a, z_b = self.contents(a, b)
        n_a = encoded(p["gen_a"], "styc", a)
        x_ba, x_ab = spoil(z_b, n_a).detach(), clear(z_a).detach()
        judge_a = near(judged(p["dis_a"], x_ba), 0) + near(judged(p["dis_a"], a), 1)
        judge_b = near(judged(p["dis_b"], x_ab), 0) + near(judged(p["dis_b"], b), 1)
        latent = self.latent_loss(z_a, z_b)
        total = judge_a + judge_b + latent
        self.losses.append(total.item())
        found = gradients_of(total, self.dis, self.content)
        self.update(self.dis, found)
        self.update(self.content, found, clip=5.0)
        self.noted = {"discriminators": total, "judge_a": judge_a, "judge_b": judge_b, "judge_latent": latent}

    def translate(self, a, b, noise):
        p, (spoil, clear) = self.p, self.translators(noise)
        (z_a, z_b), n_a = self.contents(a, b), encoded(p["gen_a"], "styc", a)
        aa, bb, ba, ab = spoil(z_a, n_a), clear(z_b), spoil(z_b, n_a), clear(z_a)
        back_b, n_back = encoded(p["gen_a"], "enc", ba), encoded(p["gen_a"], "styc", ba)
        back_a = encoded(p["gen_b"], "enc", ab)
        aba, bab = spoil(back_a, n_back), clear(back_b)
        terms = {
            "adversarial_a": near(judged(p["dis_a"], ba), 1),
            "adversarial_b": near(judged(p["dis_b"], ab), 1),
            "latent": near([latent_score(p["dis_content"], z) for z in (z_a, z_b)], 0.5),
            "self_a": mean_abs(aa - a),
            "self_b": mean_abs(bb - b),
            "cycle_a": mean_abs(aba - a),
            "cycle_b": mean_abs(bab - b),
            "kl_a": z_a.square().mean(),
            "kl_b": z_b.square().mean(),
            "kl_noise": n_a.square().mean(),
            "cycle_kl_a": back_a.square().mean(),
            "cycle_kl_b": back_b.square().mean(),
            "cycle_kl_noise": n_back.square().mean(),
            "background": background(ab, a) + background(ba, b),
            "semantic_a": (seen(p["vgg"], ba) - seen(p["vgg"], b)).square().mean(),
            "semantic_b": (seen(p["vgg"], ab) - seen(p["vgg"], a)).square().mean(),
        }
        weights = {"self": 10.0, "cycle": 10.0, "kl": 0.01, "cycle_kl": 0.01, "background": 5.0}
        total = sum(weights.get(name, weights.get(name.rpartition("_")[0], 1.0)) * t for name, t in terms.items())
        self.losses.append(total.item())
        found = gradients_of(total, self.gen, self.content)
        self.update(self.gen, found)
        self.update(self.content, found)  # on the generators' objective, and not clipped: as released
        self.told(generator=total, **terms, **self.noted)


def test_two_iterations():
    official = recipe(LIR, "gaussian-paper")
    network = {**official.network, "dim": DIM, "residuals": RESIDUALS, "decoder_residuals": RESIDUALS}
    stage = Translation(replace(official, network=network, train={**official.train, "judge_dim": 4}), VGG19(20))
    for name, net in stage.networks.items():
        net.double().load_state_dict(rule_state(net, seed_prefix=f"{name}."))
    stage.configure()
    loop, reading, outcomes = FakeLoop(steps=stage.steps), SecondReading(stage), []
    rng = np.random.default_rng(0)
    for _ in range(2):
        a, b = torch.from_numpy(rng.random((2, 2, 3, 64, 64)))
        noise = {
            purpose: [rng.standard_normal((2, count, 16, 16)) for count in (8 * DIM, 4 * DIM)]
            for purpose in ("judge", "generator")
        }
        loop.given = noise
        outcomes += loop.run(stage, {"degraded": {"degraded": a}, "clean": {"clean": b}}, 1)
        reading.iterate(a, b, *([torch.from_numpy(e) for e in drawn] for drawn in noise.values()))
    agree(reading, loop, outcomes)
    for name in ("gen_a", "gen_b", "dis_a", "dis_b", "dis_content"):
        same_weights(stage.networks[name], reading.p[name])
