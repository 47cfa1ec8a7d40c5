"""The four stages: what they are given, what they move, what passes on."""

import numpy as np
import pytest
import torch

from methods.mssr.adapter import MSSR
from methods.mssr.averaging import follow, follower, unmoved
from methods.mssr.training import stages
from tests.helpers.fake_loop import FakeDraws, FakeLoop
from tests.helpers.mssr_stages import SCALES, batches, equal, made, run_through, tiny


@pytest.mark.parametrize("scale", SCALES)
def test_the_stages_in_their_order(scale):
    found, left = run_through(tiny(scale))
    assert [stage.name for stage in found] == ["start", "generator-1", "generator-2", "collaborative"]
    start, first, second, last = found
    pair = MSSR(tiny(scale))
    for role in pair.role_names():
        net = pair.network_of(role)
        net.load_state_dict(left[f"collaborative/{role}"], strict=True)
    for number, stage in ((1, first), (2, second)):
        assert equal(left[f"generator-{number}/generator"], pair.network_of("generator")[str(number)].state_dict())
        assert equal(stage.networks["restorer"].state_dict(), left["start/single"])
        assert stage.streams["clean"].crop == scale * stage.streams["degraded"].crop
    assert type(first.networks["generator"]) is not type(second.networks["generator"])
    assert last.streams["clean"].scale == scale and last.streams["clean"].crop == last.streams["degraded"].crop
    image = torch.rand(1, 3, 17, 13)
    with torch.no_grad():
        assert torch.equal(last.restorer()(image, None), pair.eval().restore(image))
        assert start.restorer()(image, None).shape == (1, 3, 17 * scale, 13 * scale)


class StillLoop(FakeLoop):
    """The same draws at every step."""

    def generator(self, name, stream=""):
        return FakeDraws(self.seed, name)


@pytest.mark.parametrize("scale", SCALES)
def test_losses_fall(scale):
    """On one batch with one draw of the noise, so that nothing but learning changes them."""
    _, left = run_through(tiny(scale))
    first, second, _, last = stages(tiny(scale))
    for factory, names in (
        (first, ("loss",)),
        (second, ("discriminator", "colour")),
        (last, ("a_supervised", "b_supervised")),
    ):
        stage = made(factory, left)
        rows = StillLoop(steps=15).run(stage, batches(stage)(0), 15)
        for name in names:
            before, after = (np.mean([row[name] for row in part]) for part in (rows[:3], rows[-3:]))
            assert after < before, (stage.name, name)


@pytest.mark.parametrize("scale", SCALES)
def test_samples_of_one_image_differ(scale):
    """The noise reaches the output, and is the same again where the draws are."""
    chosen = tiny(scale)
    _, left = run_through(chosen, 2)
    last = made(list(stages(chosen))[-1], left)
    clean = torch.rand(1, 3, 16 * scale, 16 * scale)
    loop = FakeLoop()
    first, again = last.synthesised(clean, loop), last.synthesised(clean, loop)
    loop.step = 1
    other = last.synthesised(clean, loop)
    for a, b, c in zip(first, again, other, strict=True):
        assert torch.equal(a, b) and float((a - c).std()) > 1e-4 and a.shape == (1, 3, 16, 16)


def test_one_step_moves_what_it_should():
    found, left = run_through(tiny())
    first = made(list(stages(tiny()))[1], left)
    before = {name: {k: v.clone() for k, v in net.state_dict().items()} for name, net in first.networks.items()}
    FakeLoop(steps=10).run(first, batches(first), 1)
    moved = {name for name, net in first.networks.items() if not equal(before[name], net.state_dict())}
    assert moved == {"generator", "discriminator", "average"}
    assert all(p.requires_grad for p in first.networks["discriminator"].parameters())
    last = made(list(stages(tiny()))[-1], left)
    before = {name: {k: v.clone() for k, v in net.state_dict().items()} for name, net in last.networks.items()}
    assert equal(before["a"], before["b"])
    FakeLoop(steps=10).run(last, batches(last), 1)
    assert {name for name, net in last.networks.items() if not equal(before[name], net.state_dict())} == {"a", "b"}


def test_rates_follow_their_schedules():
    chosen = tiny(epochs=10, decay_epoch=7, generator_rate=[1e-3, 1e-4], noise_rate=[2e-3, 3e-3])
    _, left = run_through(chosen)
    second, loop = made(list(stages(chosen))[2], left), FakeLoop(steps=10)
    loop.step = 9
    loop.run(second, batches(second), 1)
    trunk, noise = second.optimisers["generator"].param_groups
    assert (trunk["lr"], noise["lr"]) == pytest.approx((1e-4 / 3, 1e-3))
    scales = {id(p) for key, p in second.networks["generator"].named_parameters() if "noises" in key}
    assert {id(p) for p in noise["params"]} == scales and len(scales) == 3
    last, loop = made(list(stages(chosen))[-1], left), FakeLoop(steps=10)
    loop.step = 5
    loop.run(last, batches(last), 1)
    rate = chosen.train["rate"]
    assert last.optimisers["a"].param_groups[0]["lr"] == last.optimisers["b"].param_groups[0]["lr"] == rate / 4


def test_a_network_that_follows():
    net = torch.nn.BatchNorm1d(2)
    slow = follower(net)
    with torch.no_grad():
        net.weight.fill_(3.0)
        net.running_mean.fill_(5.0)
    follow(slow, net, 0.75)
    assert slow.weight.tolist() == [1.5, 1.5] and slow.running_mean.tolist() == [5.0, 5.0]
    assert not any(p.requires_grad for p in slow.parameters())
    with unmoved(net) as held:
        assert not any(p.requires_grad for p in held.parameters())
    assert all(p.requires_grad for p in net.parameters())
