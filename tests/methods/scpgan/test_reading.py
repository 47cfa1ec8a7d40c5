"""PGabNet, SC and Reb-SC once more, from the specification: two iterations of each stage in float64."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import sigmoid
from torch.nn.functional import (
    conv2d,
    gelu,
    interpolate,
    leaky_relu,
    normalize,
    pad,
    pixel_shuffle,
    pixel_unshuffle,
    relu,
)

from methods.recipes import recipe
from methods.scpgan.adapter import SCPGAN
from methods.scpgan.training import STAGES
from tests.helpers.fake_loop import FakeLoop
from tests.helpers.reading import (
    Adam,
    Reading,
    added,
    agree,
    conv,
    filtered,
    frozen,
    gaussian_line,
    gradients_of,
    instance_norm,
    leaves,
    mean_abs,
    outer,
    same_weights,
)

DEAM = {"restorer": "deam", "width": 8, "unfoldings": 2, "levels": 2}
RESTORMER = {
    "restorer": "restormer", "width": 8, "blocks": [1, 1, 1, 2], "refinement": 1, "heads": [1, 2, 2, 4],
    "expansion": 2.66,
}  # fmt: skip
SMALL = {"generator_width": 8, "generator_blocks": 2, "discriminator_width": 8, "restorer_identity": 0.9}
MODES = [[3, 5, 6, 0], [7, 2, 1, 4]]
CASES = {
    "pgabnet": ("scpgabnet-paper", "pgabnet", DEAM, {}),
    "pgabnet, four terms": ("scpgabnet-paper", "pgabnet", DEAM, {"adversarial": 4}),
    "sc": ("scpgabnet-paper", "sc", DEAM, {}),
    "rebsc": ("rscp2gan-paper", "rebsc", RESTORMER, {}),
}


# Networks: sections 3.1 to 3.4.


def up2(x):
    return interpolate(x, scale_factor=2.0, mode="nearest")


def gate(p, key, x):
    return sigmoid(conv(p, f"{key}.2.conv2d", relu(conv(p, f"{key}.0.conv2d", x))))


def non_local(p, z, levels):
    g, skips = z, []
    for i in range(levels):
        for n in (0, 1):
            g = relu(conv(p, f"net2.e{i}.body.{n}.block.0", g))
        skips.append(g)
        g = relu(conv(p, f"net2.e{i}.body.2.block.0", g, stride=2))
    for n in (0, 1):
        g = relu(conv(p, f"net2.mid.{n}.block.0", g))
    for i in reversed(range(levels)):
        a, d, e = f"net2.attention{i}", f"net2.de{i}", skips[i]
        u = relu(conv(p, f"{a}.ConvTranspose.conv2d.block.0", up2(g)))
        w = gate(p, f"{a}.conv_du", conv(p, f"{a}.cat.conv2d", torch.cat([conv(p, f"{a}.C.conv2d", e), u], 1)))
        v = relu(conv(p, f"{d}.upsample.ConvTranspose.conv2d.block.0", up2(g)))
        q = relu(conv(p, f"{d}.upsample.conv1.block.0", (1 - w) * u + w * e))
        q = conv(p, f"{d}.upsample.cat.conv2d", torch.cat([q, v], 1))
        g = relu(conv(p, f"{d}.body.1.block.0", relu(conv(p, f"{d}.body.0.block.0", q))))
    return z + conv(p, "net2.final.conv2d", g)


def deam(p, x):
    there, back = "transform_function", "inverse_transform_function"
    a = conv(p, f"{there}.ext.conv2d", x)
    y = z = a + conv(p, f"{there}.pre.2.conv2d", relu(conv(p, f"{there}.pre.0.conv2d", a)))
    for t in range(1, DEAM["unfoldings"] + 1):
        s, line = non_local(p, z, DEAM["levels"]), f"line{t}{t}"
        joined = torch.cat([conv(p, f"{line}.C.conv2d", y), s], 1)
        delta = gate(p, f"{line}.weight.conv_du", conv(p, f"{line}.cat.conv2d", joined))
        z = (1 - delta) * s + delta * y
    u = z + conv(p, f"{back}.pre.2.conv2d", relu(conv(p, f"{back}.pre.0.conv2d", z)))
    return conv(p, f"{back}.ext.conv2d", u)


def layer_norm(p, key, x):
    mean = x.mean(1, keepdim=True)
    scaled = (x - mean) / ((x - mean).square().mean(1, keepdim=True) + 1e-5).sqrt()
    return scaled * p[f"{key}.body.weight"][:, None, None] + p[f"{key}.body.bias"][:, None, None]


def transformer(p, key, x):
    n, c, h, w = x.shape
    heat = p[f"{key}.attn.temperature"]
    mixed = conv(p, f"{key}.attn.qkv", layer_norm(p, f"{key}.norm1", x))
    mixed = conv(p, f"{key}.attn.qkv_dwconv", mixed, groups=3 * c)
    q, k, v = (part.reshape(n, len(heat), -1, h * w) for part in mixed.split(c, 1))
    attention = torch.softmax(normalize(q, dim=3) @ normalize(k, dim=3).mT * heat, 3)
    x = x + conv(p, f"{key}.attn.project_out", (attention @ v).reshape(n, c, h, w))
    inner = conv(p, f"{key}.ffn.project_in", layer_norm(p, f"{key}.norm2", x))
    a, b = conv(p, f"{key}.ffn.dwconv", inner, groups=inner.shape[1]).chunk(2, 1)
    return x + conv(p, f"{key}.ffn.project_out", gelu(a) * b)


def restormer(p, x):
    def level(name, z, count):
        for n in range(count):
            z = transformer(p, f"{name}.{n}", z)
        return z

    blocks = RESTORMER["blocks"]
    z, skips = conv(p, "patch_embed.proj", x), []
    for i in (1, 2, 3):
        z = level(f"encoder_level{i}", z, blocks[i - 1])
        skips.append(z)
        z = pixel_unshuffle(conv(p, f"down{i}_{i + 1}.body.0", z), 2)
    z = level("latent", z, blocks[3])
    for i in (3, 2, 1):
        z = torch.cat([pixel_shuffle(conv(p, f"up{i + 1}_{i}.body.0", z), 2), skips[i - 1]], 1)
        z = level(f"decoder_level{i}", conv(p, f"reduce_chan_level{i}", z) if i > 1 else z, blocks[i - 1])
    return x + conv(p, "output", level("refinement", z, RESTORMER["refinement"]))


def generate(p, content, prompt):
    z = conv(p, "conv_input.0", torch.cat([content, prompt - conv(p, "Gas", prompt)], 1))
    for i in range(SMALL["generator_blocks"]):
        inner = leaky_relu(conv(p, f"residual.{i}.conv1", z), 0.2)
        z = z + leaky_relu(conv(p, f"residual.{i}.conv2", inner), 0.2)
    for i in (0, 2):
        z = leaky_relu(conv(p, f"conv_output.{i}", z), 0.2)
    return content + conv(p, "conv_output.4", z)


def judge(p, image):
    def layer(i, z, stride):
        return conv2d(z, p[f"model.{i}.weight"], p[f"model.{i}.bias"], stride, 1)

    blurred = conv2d(pad(image, [7] * 4, mode="reflect"), p["Gas.conv.weight"], groups=3)
    z = leaky_relu(layer(0, torch.cat([image, image - blurred], 1), 2), 0.2)
    for i, stride in ((2, 2), (5, 2), (8, 1)):
        z = leaky_relu(instance_norm(layer(i, z, stride)), 0.2)
    return layer(11, z, 1)


# Losses: section 5. Filters are rounded to float32, as the pitfalls (11.6) have it.


def log_ssim(a, b):
    line = gaussian_line(11, 1.5).float()
    window = outer(line / line.sum())
    mean_a, mean_b, aa, bb, ab = (filtered(x, window, "constant") for x in (a, b, a * a, b * b, a * b))
    top = (2 * mean_a * mean_b + 1e-4) * (2 * (ab - mean_a * mean_b) + 9e-4)
    bottom = (mean_a**2 + mean_b**2 + 1e-4) * (aa - mean_a**2 + bb - mean_b**2 + 9e-4)
    return -torch.log10((top / bottom).mean())


def background(a, b):
    total = 0
    for side, weight in ((3, 0.01), (9, 0.1), (15, 1.0)):
        line = gaussian_line(side, 25.0)
        kernel = outer(line / line.sum()).float()
        total = total + weight * mean_abs(filtered(a, kernel, "reflect") - filtered(b, kernel, "reflect"))
    return total


def turned(x, mode, back=False):
    """The modes of section 4.2: quarter turns counter-clockwise, then upside down where the mode is odd."""
    quarters = mode // 2
    if back:
        return torch.rot90(x.flip(2) if mode % 2 else x, -quarters, (2, 3))
    x = torch.rot90(x, quarters, (2, 3))
    return x.flip(2) if mode % 2 else x


# The iteration: sections 1, 5 and 6.


class SecondReading(Reading):
    def __init__(self, stage, kind, restore, train):
        super().__init__()
        self.kind, self.restore, self.train = kind, restore, train
        self.p = {name: leaves(net) for name, net in stage.networks.items()}
        chosen = ("generator", "restorer", "discriminator")
        self.adam = {name: Adam(self.p[name].values(), 1e-4, (0.9, 0.999)) for name in chosen}

    def older(self, image, modes):
        """The fixed restorer: once in SC, where it is in the graph; a mean of four passes outside of it in Reb-SC."""
        fixed = self.p["fixed"]
        if self.kind == "sc":
            return self.restore(fixed, image)
        with torch.no_grad():
            return sum(turned(self.restore(fixed, turned(image, m)), m, back=True) for m in modes) / 4

    def iterate(self, y, x, modes):
        p, later = self.p, self.kind != "pgabnet"
        t1 = self.older(y, modes) if later else None
        prompt = y - t1 if later else y
        f1 = generate(p["generator"], x, prompt)
        r1, r2 = self.restore(p["restorer"], f1.detach()), self.restore(p["restorer"], y)
        t2 = self.older(f1, modes) if later else None
        f2 = generate(p["generator"], r2, prompt)
        second = f1 - t2 if later else f1
        f3, f4 = generate(p["generator"], r2, second), generate(p["generator"], r1, second)
        unmoved = frozen(p["discriminator"])
        fakes = [f1, f2, f3, f4] if self.train.get("adversarial") == 4 else [f1]
        adversarial = sum((judge(unmoved, f) - 1).square().mean() for f in fakes)
        ground = background(x, f1)
        own = torch.zeros(()) if self.kind == "rebsc" else background(r2, f2)
        loss_g = adversarial + 6 * ground + 6 * own
        terms = {"l1": mean_abs(r1 - x), "log_ssim": log_ssim(r1, x)}
        if later:
            terms |= {"self_l1": mean_abs(r2 - t1), "self_log_ssim": log_ssim(r2, t1)}
            terms |= {"cross_l1": mean_abs(r1 - t2), "cross_log_ssim": log_ssim(r1, t2)}
        loss_d = sum(terms.values())
        both = self.adam["generator"], self.adam["restorer"]
        found = added(gradients_of(loss_g, *both), gradients_of(loss_d, *both))
        self.losses.append((loss_g + loss_d).item())
        for adam in both:
            self.norms.append(adam.norm(found))
            adam.step(found)
        real, fake = (judge(p["discriminator"], y) - 1).square().mean(), judge(p["discriminator"], f1.detach())
        loss_p = 0.5 * (real + fake.square().mean())
        found = gradients_of(loss_p, self.adam["discriminator"])
        self.losses.append(loss_p.item())
        self.norms.append(self.adam["discriminator"].norm(found))
        self.adam["discriminator"].step(found)
        terms |= {"generator": loss_g, "restorer": loss_d, "discriminator": loss_p, "adversarial": adversarial}
        self.told(background=ground, self_background=own, **terms)


@pytest.mark.parametrize("case", CASES)
def test_two_iterations(case):
    name, kind, network, train = CASES[case]
    paper = recipe(SCPGAN, name)
    torch.manual_seed(0)
    small = replace(paper, network=network, train={**paper.train, **SMALL, **train})
    stage = STAGES[kind](small, 0, {})
    for net in stage.networks.values():
        net.double()
    if "fixed" in stage.networks:  # another one than the restorer, as after a while
        for value in stage.networks["fixed"].parameters():
            value.data += 0.02 * torch.randn_like(value)
    stage.configure()
    loop, restore = FakeLoop(steps=stage.steps), restormer if network is RESTORMER else deam
    reading, outcomes = SecondReading(stage, kind, restore, train), []
    for modes in MODES:
        y, x = torch.rand(2, 2, 3, 32, 32, dtype=torch.float64)
        loop.given["modes"] = [np.array(mode) for mode in modes]
        outcomes += loop.run(stage, {"degraded": {"degraded": y}, "clean": {"clean": x}}, 1)
        reading.iterate(y, x, modes)
    agree(reading, loop, outcomes)
    for role in ("restorer", "generator", "discriminator"):
        same_weights(stage.networks[role], reading.p[role])
